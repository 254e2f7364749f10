"""Headers on every page: a strict Content-Security-Policy and its companions."""

import re
from typing import Final

import pytest
from django.test import Client

from accounts.models import Team, User
from generations.models import Status
from tests.cast import make_generation, signed_in

NONCE: Final = re.compile(r'nonce="([^"]+)"')


def policy(header: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in header.split(";") if part.strip())}


@pytest.mark.parametrize(
    "address", ["/", "/generations/new/", "detail", "/accounts/login/", "/accounts/signup/", "/no"]
)
def test_page_allows_nothing_but_its_own(film: Team, bob: User, address: str) -> None:
    if address == "detail":
        address = make_generation(bob, film, Status.RENDERING).get_absolute_url()
    client = Client() if address.startswith("/accounts") else signed_in(bob)
    answer = client.get(address)

    found = policy(answer.headers["Content-Security-Policy"])
    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == ["'self'", *(f"'nonce-{nonce}'" for nonce in NONCE.findall(answer.content.decode()))]
    for directive in ("style-src", "connect-src", "font-src", "form-action"):
        assert found[directive] == ["'self'"]
    assert found["base-uri"] == found["frame-ancestors"] == ["'none'"]
    assert set(found["img-src"]) <= {"'self'", "data:", "blob:"}
    assert set(found["media-src"]) <= {"'self'", "blob:"}
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("address", ["/", "/generations/new/", "detail", "/accounts/login/", "/accounts/signup/"])
def test_page_keeps_to_its_policy(film: Team, bob: User, address: str) -> None:
    """Inline scripts, handlers and styles would be dropped by the browser in silence."""
    if address == "detail":
        address = make_generation(bob, film, Status.RENDERING).get_absolute_url()
    client = Client() if address.startswith("/accounts") else signed_in(bob)
    page = client.get(address).content.decode()

    assert "<html" in page
    assert "<style" not in page
    assert ' style="' not in page
    inline = [tag for tag in re.findall(r"<script[^>]*>", page) if " src=" not in tag and "application/json" not in tag]
    assert [tag.partition(" nonce=")[0] for tag in inline] == ['<script type="importmap"']
    assert "javascript:" not in page
    assert not any(f' on{event}="' in page for event in ("click", "load", "submit", "change", "input", "error"))


def test_form_without_its_token_is_refused(bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)

    assert client.post("/generations/new/", {"prompt": "A fox"}).status_code == 403
