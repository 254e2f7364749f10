"""Every address in a mail goes by SITE_URL: the sender of a request must not choose the host that people are led to."""

import re
from collections.abc import Callable
from typing import Final

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.adapter import MFAAdapter
from accounts.models import User
from tests.accounts.test_allauth_pages import OTHER_WORDS

SITE: Final = "https://studio.example.com"
PASSWORD: Final = "a long walk home"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    cache.clear()  # of how often somebody has tried
    settings.SITE_URL, settings.SITE_NAME = SITE, "Acme Films"
    settings.ALLOWED_HOSTS = ["*"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


@pytest.fixture
def eve() -> User:
    eve = User.objects.create_user("eve@example.com", PASSWORD)
    EmailAddress.objects.create(user=eve, email=eve.email, primary=True, verified=True)
    return eve


def reset(client: Client) -> None:
    client.post("/accounts/password/reset/", {"email": "eve@example.com"})


def reset_of_nobody(client: Client) -> None:
    client.post("/accounts/password/reset/", {"email": "nobody@example.com"})


def sign_up(client: Client) -> None:
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD})


def sign_up_again(client: Client) -> None:
    client.post("/accounts/signup/", {"email": "eve@example.com", "password1": PASSWORD, "password2": PASSWORD})


@pytest.mark.parametrize("ask", [reset, reset_of_nobody, sign_up, sign_up_again])
@pytest.mark.parametrize("header", ["HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"])
def test_mail_leads_to_the_site(eve: User, ask: Callable[[Client], None], header: str) -> None:
    ask(Client(**{header: "evil.example.org"}))  # type: ignore[arg-type]

    (letter,) = mail.outbox
    addresses = re.findall(r"https?://\S+", str(letter.body))
    assert addresses
    assert all(address.startswith(f"{SITE}/") for address in addresses)
    assert letter.subject.startswith("[Acme Films] ")
    assert f"Acme Films at {SITE}/" in letter.body
    assert SITE.removeprefix("https://") not in re.sub(r"https?://\S+", "", str(letter.body)), "an address is no name"
    assert OTHER_WORDS.findall(f"{letter.subject} {letter.body}") == []
    assert "evil" not in f"{letter.subject} {letter.body} {letter.from_email}"


def test_passkeys_belong_to_the_site() -> None:
    assert MFAAdapter().get_public_key_credential_rp_entity()["id"] == "studio.example.com"
