"""Two-factor authentication, passkeys and sessions, as a person uses them."""

import base64
import hashlib
import hmac
import struct
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser.test_teams import fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long walk home"


@pytest.fixture
def eve(studio: LiveServer) -> User:
    eve = User.objects.create_user("eve@example.com", PASSWORD, name="Eve")
    EmailAddress.objects.create(user=eve, email=eve.email, primary=True, verified=True)
    return eve


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email", exact=True).fill("eve@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()


def confirm(page: Page) -> None:
    """The password once more, before something about signing in is changed."""
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def code(secret: str) -> str:
    """RFC 6238, as an authenticator app computes it."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def test_second_factor_is_asked_for_and_a_recovery_code_stands_in(page: Page, eve: User) -> None:
    sign_in(page)
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Set up").click()
    confirm(page)
    secret = page.get_by_label("Authenticator secret").input_value()
    assert fits(page)
    page.get_by_label("Authenticator code").fill("000000" if code(secret) != "000000" else "000001")
    page.get_by_role("button", name="Activate").click()
    expect(page.locator(".errors")).to_be_visible()
    page.get_by_label("Authenticator code").fill(code(page.get_by_label("Authenticator secret").input_value()))
    page.get_by_role("button", name="Activate").click()
    recovery = page.get_by_label("Unused codes").input_value().split()
    assert recovery == Authenticator.objects.get(user=eve, type="recovery_codes").wrap().get_unused_codes()
    assert fits(page)

    sign_out(page)
    sign_in(page)
    expect(page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()
    page.goto("/generations/new/")
    expect(page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()
    assert fits(page)
    page.locator("#id_code").fill(recovery[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="New video")).to_be_visible()

    sign_out(page)
    sign_in(page)
    page.locator("#id_code").fill(recovery[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".errors")).to_be_visible()


def test_passkey_signs_in_without_a_password(page: Page, eve: User) -> None:
    """Chromium's own virtual authenticator; passkeys need a name and not an address, so `localhost`."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    made = devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": options | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    sign_in(page)
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page)
    page.get_by_label("Name").fill("My key")
    expect(page.get_by_label("Sign in with this passkey alone")).to_be_checked()
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert Authenticator.objects.filter(user=eve, type="webauthn").exists()

    sign_out(page)
    page.goto("/accounts/login/")
    verified = {"authenticatorId": made["authenticatorId"], "isUserVerified": False}
    devtools.send("WebAuthn.setUserVerified", verified)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("That was cancelled, or it took too long.")
    devtools.send("WebAuthn.setUserVerified", verified | {"isUserVerified": True})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("link", name="New video")).to_be_visible()

    sign_out(page)
    page.add_init_script("delete window.PublicKeyCredential")
    page.goto("/accounts/login/")
    expect(page.get_by_text("This browser doesn’t support passkeys.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()


def test_sessions_are_ended_one_by_one_and_all_at_once(
    page: Page, chromium: Browser, studio: LiveServer, eve: User
) -> None:
    """Each has the name of its browser."""
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
    others = [chromium.new_context(base_url=studio.url, user_agent=agent).new_page() for _ in range(2)]
    for each in [page, *others]:
        sign_in(each)
        expect(each.get_by_role("link", name="New video")).to_be_visible()

    page.goto("/accounts/sessions/")
    expect(page.locator(".sessions__one", has_text="Chrome on Linux")).to_contain_text("This session")
    firefox = page.locator(".sessions__one", has_text="Firefox on Windows")
    expect(firefox).to_have_count(2)
    assert fits(page)
    firefox.get_by_role("button", name="Sign out").first.click()
    expect(page.get_by_text("Firefox on Windows is signed out.")).to_be_visible()
    expect(firefox).to_have_count(1)
    page.get_by_role("button", name="Sign out all other sessions").click()
    expect(page.locator(".sessions__one")).to_have_count(1)
    for other in others:
        other.goto("/generations/new/")
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
        other.context.close()
