"""What a person sets for themselves: name, theme, and what a fresh form holds."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.cast import signed_in

PAGE = "/accounts/settings/"
DEFAULTS = "/settings/defaults/"
VALUES = {"duration": "10", "aspect_ratio": "9:16", "negative_prompt": "rain", "cfg_scale": "0.8"}


def test_name_and_theme_are_saved(bob: User, alice: User) -> None:
    answer = signed_in(bob).post(PAGE, {"name": "Robert", "theme": "dark"}, follow=True)

    assert "Saved." in answer.content.decode()
    assert 'data-theme="dark"' in answer.content.decode()
    bob.refresh_from_db()
    alice.refresh_from_db()
    assert (bob.name, bob.theme) == ("Robert", "dark")
    assert (alice.name, alice.theme) == ("Alice", "auto")


@pytest.mark.parametrize(
    ("field", "value"), [("theme", "pink"), ("theme", ""), ("name", "x" * 151), ("name", "a\x00b")]
)
def test_what_is_wrong_stands_by_its_field_and_changes_nothing(bob: User, field: str, value: str) -> None:
    answer = signed_in(bob).post(PAGE, {"name": "Robert", "theme": "dark", field: value})

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert "data-theme" not in answer.content.decode()
    bob.refresh_from_db()
    assert (bob.name, bob.theme) == ("Bob", "auto")


def test_page_sets_nothing_else(bob: User) -> None:
    signed_in(bob).post(PAGE, {"name": "Bob", "theme": "auto", "is_staff": "on", "email": "root@example.com"})

    bob.refresh_from_db()
    assert (bob.is_staff, bob.email) == (False, "bob@example.com")


def test_defaults_fill_the_fresh_form_of_that_person_alone(bob: User, alice: User) -> None:
    signed_in(bob).post(DEFAULTS, VALUES)

    form = signed_in(bob).get(reverse("new-generation")).context["form"]
    assert {name: str(form[name].value()) for name in VALUES} == VALUES
    others = signed_in(alice).get(reverse("new-generation")).context["form"]
    assert (others["duration"].value(), others["aspect_ratio"].value()) == ("5", "16:9")


def test_defaults_go_back_to_klings_own(bob: User) -> None:
    browser = signed_in(bob)
    browser.post(DEFAULTS, VALUES)
    browser.post(DEFAULTS, {**VALUES, "reset": "1"})

    assert browser.get(reverse("new-generation")).context["form"]["duration"].value() == "5"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", "7"),
        ("aspect_ratio", "4:3"),
        ("negative_prompt", "x" * 2501),
        ("cfg_scale", "1.5"),
        ("cfg_scale", "nan"),
        ("cfg_scale", ""),
    ],
)
def test_defaults_keep_to_the_rules_of_the_composer(bob: User, field: str, value: str) -> None:
    answer = signed_in(bob).post(DEFAULTS, {**VALUES, field: value})

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    bob.refresh_from_db()
    assert bob.defaults == {}


@pytest.mark.django_db
@pytest.mark.parametrize("page", [PAGE, DEFAULTS])
def test_strangers_sign_in_first(page: str) -> None:
    for answer in (Client().get(page), Client().post(page)):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("page", [PAGE, DEFAULTS])
def test_pages_of_the_account_lead_there(bob: User, page: str) -> None:
    assert f'href="{page}"' in signed_in(bob).get(reverse("account-notices")).content.decode()
