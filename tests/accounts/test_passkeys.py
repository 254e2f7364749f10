"""Where passkeys can't work, the page says so in the place of the button."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.html import text_of

pytestmark = pytest.mark.django_db
LOGIN = reverse("account_login")


@pytest.mark.parametrize(
    ("site", "host", "words"),
    [
        ("http://localhost:8000", "localhost:8000", ""),
        ("https://studio.example.com", "studio.example.com", ""),
        ("https://studio.example.com:8443", "studio.example.com:8443", ""),
        ("http://studio.localhost:8000", "studio.localhost:8000", ""),
        ("http://localhost:8000", "127.0.0.1:8000", "Open http://localhost:8000 instead"),
        ("http://localhost:8000", "[::1]:8000", "Open http://localhost:8000 instead"),
        ("https://studio.example.com", "www.studio.example.com", "Open https://studio.example.com instead"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "this site is at an IP address"),
        ("https://[2001:db8::1]", "[2001:db8::1]", "this site is at an IP address"),
        ("https://192.0.2.7:8443", "192.0.2.7:8443", "this site is at an IP address"),
        ("http://studio.intern:8000", "studio.intern:8000", "they need https"),
    ],
)
def test_button_is_there_only_where_it_works(settings: Settings, site: str, host: str, words: str) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = site, ["*"]
    page = Client().get(LOGIN, headers={"host": host}).content.decode()

    assert words in page
    assert ("data-passkey>" in page) is not bool(words)
    assert ("mfa/js/webauthn.js" in page) is not bool(words), "its scripts need the button"
    assert ("Passkeys don’t work" in text_of(page)) is bool(words)
