"""What is written into templates when they are read is what would be drawn."""

from pathlib import Path

import pytest
from django.template import Context, Engine, TemplateDoesNotExist
from django.urls import NoReverseMatch
from pytest_django import Settings

from config.template_loader import Loader

LIBRARIES = {"i18n": "django.templatetags.i18n", "static": "django.templatetags.static"}
DJANGOS = "django.template.loaders.filesystem.Loader"
OURS = "config.template_loader.Loader"
ICON = '<svg viewBox="0 0 20 20">\n</svg>\n'


def engine(directory: Path, loader: str) -> Engine:
    return Engine([str(directory)], loaders=[loader], libraries=LIBRARIES)


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "icons").mkdir()
    (tmp_path / "icons/plus.html").write_text(ICON)
    (tmp_path / "other.html").write_text("{{ word }}")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "is_written"),
    [
        ('{% include "icons/plus.html" %}New', True),
        ("<a href=\"{% url 'gallery' %}\">", True),
        ('<a href="{% url "new-generation" %}?team=x">', True),
        ("{% static 'studio.css' %}", True),
        ('{% translate "Sign out" %} {% translate \'100 %% & "more" <b>\' %}', True),
        ('{% translate "Don’t" %}', True),
        ('{% translate "Word" as word %}{{ word }}', False),
        ("{% translate word %}", False),
        ('{% translate "May" context "verb" %}', False),
        ("{% url 'generation' pk %}", False),
        ("{% url 'gallery' as address %}{{ address }}", False),
        ("{% static path %}", False),
        ('{% include "other.html" %}', False),
        ('{% include "icons/plus.html" with word="x" %}', False),
    ],
)
def test_is_what_django_draws(templates: Path, text: str, is_written: bool) -> None:
    (templates / "page.html").write_text("{% load i18n static %}" + text)
    values = {"word": "<Word>", "pk": "00000000-0000-0000-0000-000000000007", "path": "studio.js"}
    ours = engine(templates, OURS)

    assert ours.get_template("page.html").render(Context(values)) == (
        engine(templates, DJANGOS).get_template("page.html").render(Context(values))
    )
    origin = next(iter(Loader(ours).get_template_sources("page.html")))
    assert (text not in Loader(ours).get_contents(origin)) == is_written


def test_texts_stay_where_they_are_translated(templates: Path, settings: Settings) -> None:
    settings.USE_I18N = True
    (templates / "page.html").write_text('{% translate "Sign out" %}')
    ours = engine(templates, OURS)

    assert Loader(ours).get_contents(next(iter(Loader(ours).get_template_sources("page.html")))) == (
        '{% translate "Sign out" %}'
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [("{% url 'no-such-page' %}", NoReverseMatch), ('{% include "icons/none.html" %}', TemplateDoesNotExist)],
)
def test_mistake_in_a_template_is_an_error(templates: Path, text: str, error: type[Exception]) -> None:
    (templates / "page.html").write_text(text)

    with pytest.raises(error):
        engine(templates, OURS).get_template("page.html").render(Context({}))
