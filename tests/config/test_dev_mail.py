"""Mails in development are kept and read at `/dev/mail/`; nowhere else does that address exist."""

from pathlib import Path
from types import ModuleType

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Team, User
from config import dev_mail
from config import urls as studio_urls
from generations.models import Status
from generations.notifications import send_notifications
from tests.cast import make_generation

pytestmark = pytest.mark.django_db


@pytest.fixture
def development(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG, settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = True, dev_mail.BACKEND, tmp_path / "mail"
    module = ModuleType("development_urls")
    module.urlpatterns = [*studio_urls.urlpatterns, *dev_mail.urls()]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = module


def send(**columns: str) -> None:
    mail = EmailMultiAlternatives(**{"subject": "Hello", "body": "Plain", "to": ["a@example.com"], **columns})  # type: ignore[arg-type]
    mail.attach_alternative("<html><head></head><body><b>Rich</b></body></html>", "text/html")
    get_connection().send_messages([mail])


@pytest.mark.usefixtures("development")
def test_mail_of_the_studio_is_listed_and_read_with_its_links(film: Team, bob: User, settings: Settings) -> None:
    row = make_generation(bob, film, Status.DONE, prompt="<b>Füchse & Schnee</b>")
    send_notifications()
    client = Client()
    page = client.get("/dev/mail/").content.decode()
    (key,) = [file.stem for file in (settings.EMAIL_FILE_PATH).glob("*.eml")]
    address = f"{settings.SITE_URL}{row.get_absolute_url()}"

    assert "bob@example.com" in page
    assert f'href="/dev/mail/{key}/"' in page
    shown = client.get(f"/dev/mail/{key}/").content.decode()
    assert "&lt;b&gt;Füchse &amp; Schnee&lt;/b&gt;" in shown
    assert f'href="{address}"' in shown
    html = client.get(f"/dev/mail/{key}/html")
    assert f'href="{address}"' in html.content.decode()
    assert '<base target="_top">' in html.content.decode()
    assert html.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "script-src 'none'" in html.headers["Content-Security-Policy"]


@pytest.mark.usefixtures("development")
def test_newest_is_first_and_old_ones_go(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_mail, "_KEPT", 3)
    keys = (f"{number:013}-00000000" for number in range(1_700_000_000_000, 1_700_000_000_005))
    monkeypatch.setattr(dev_mail, "_new_key", lambda: next(keys))
    for number in range(5):
        send(subject=f"Number {number}")
    page = Client().get("/dev/mail/").content.decode()

    assert [page.index(f"Number {number}") for number in (4, 3, 2)] == sorted(
        page.index(f"Number {n}") for n in (4, 3, 2)
    )
    assert "Number 1" not in page


@pytest.mark.usefixtures("development")
@pytest.mark.parametrize("key", ["x", "..", "1700000000000-00000000", "0" * 13])
def test_no_other_file_is_read(key: str, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "x.eml").write_text("Subject: secret\n\nsecret")

    assert Client().get(f"/dev/mail/{key}/").status_code == 404


@pytest.mark.usefixtures("development")
def test_empty_list_says_so() -> None:
    assert "None yet." in Client().get("/dev/mail/").content.decode()


@pytest.mark.parametrize(
    ("debug", "backend"),
    [
        (False, dev_mail.BACKEND),
        (False, "django.core.mail.backends.smtp.EmailBackend"),
        (True, "django.core.mail.backends.smtp.EmailBackend"),
    ],
)
def test_address_is_of_development_alone(settings: Settings, debug: bool, backend: str) -> None:
    settings.DEBUG, settings.EMAIL_BACKEND = debug, backend

    assert dev_mail.urls() == []
    assert Client().get("/dev/mail/").status_code == 404


@pytest.mark.usefixtures("development")
def test_view_refuses_even_where_its_address_was_left_standing(settings: Settings) -> None:
    send()
    settings.DEBUG = False

    assert Client().get("/dev/mail/").status_code == 404
