"""Where staff need a second factor: those without one are led to set one up, and nowhere else."""

import time
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from config.api_paths import is_for_programs
from tests.cast import signed_in
from tests.security.addresses import every_address

PASSWORD = "a fox in the snow"
SET_UP = (
    "/accounts/2fa/",
    "/accounts/email/",
    "/accounts/confirm-email/",
    "/accounts/reauthenticate/",
    "/accounts/oidc/",
)
FOR_ALL = ("/accounts/logout/", "/favicon.ico", "/healthz", "/readyz", "/metrics", "/webhooks/", "/share/")


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"


@pytest.fixture
def mona(mona: User) -> User:
    mona.set_password(PASSWORD)
    mona.save()
    EmailAddress.objects.create(user=mona, email=mona.email, primary=True, verified=True)
    return mona


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


def add_app(user: User) -> Authenticator:
    added: Authenticator = TOTP.activate(user, generate_totp_secret()).instance
    return added


def code_of(secret: str) -> str:
    cache.clear()  # a code counts once
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def sign_in(user: User, code: str = "") -> Client:
    """As a browser does, with the second factor where one is asked for."""
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    if answer.headers["Location"].startswith("/accounts/2fa/authenticate/"):
        secret = Authenticator.objects.get(user=user, type="totp").data["secret"]
        client.post("/accounts/2fa/authenticate/", {"code": code or code_of(secret)})
    return client


def elsewhere() -> Iterator[str]:
    for address in every_address():
        is_open = address.startswith((*SET_UP, *FOR_ALL)) or is_for_programs(address)  # these go by no session
        if not is_open and address != "/events":
            yield address


@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_one_are_led_to_set_one_up_from_everywhere(mona: User, root: User, method: str) -> None:
    for person in (mona, root):
        client = signed_in(person)
        client.raise_request_exception = False
        for address in elsewhere():
            answer = getattr(client, method)(address)
            assert answer.status_code == 302, address
            assert answer.headers["Location"].startswith("/accounts/2fa/"), address
            assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("address", ["/", "/admin/", "/events/ended?since=0", "/uploads/", "/generations/new/"])
def test_scripts_get_an_answer_of_their_own(mona: User, address: str) -> None:
    client = signed_in(mona)
    by_htmx = client.get(address, headers={"HX-Request": "true"})
    assert by_htmx.headers["HX-Redirect"] == "/accounts/2fa/"
    by_fetch = client.post(address, headers={"Accept": "*/*"})
    assert by_fetch.status_code == 403
    assert "two-factor authentication" in by_fetch.json()["errors"][0]


def test_live_updates_say_nothing_also_not_to_a_tab_from_before(mona: User, bob: User) -> None:
    assert signed_in(mona).get("/events").status_code == 403
    tab = signed_in(bob)
    assert tab.get("/events").status_code == 204
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    assert tab.get("/events").status_code == 403


def test_others_are_asked_nothing(bob: User) -> None:
    assert signed_in(bob).get("/").status_code == 200


def test_nothing_is_asked_where_it_is_optional(mona: User, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "optional"
    assert signed_in(mona).get("/admin/").status_code == 200


def test_they_set_one_up_show_it_and_are_in(mona: User) -> None:
    client = sign_in(mona)
    assert client.get("/admin/").headers["Location"].startswith("/accounts/2fa/?next=")
    assert "Staff need two-factor authentication here" in client.get("/accounts/2fa/").content.decode()
    client.post("/accounts/reauthenticate/?next=/accounts/2fa/totp/activate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert mona.has_second_factor
    asked = client.get("/admin/").headers["Location"]
    assert asked == "/accounts/2fa/reauthenticate/?next=%2Fadmin%2F"
    assert client.post(asked, {"code": code_of(secret)}).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_session_of_before_shows_it_once(mona: User) -> None:
    """One by a password alone, from before there was a factor, can't take the factor away."""
    client = sign_in(mona)
    add_app(mona)
    for address in ("/admin/", "/accounts/2fa/", "/accounts/2fa/totp/deactivate/", "/accounts/email/", "/"):
        assert client.get(address).headers["Location"].startswith("/accounts/2fa/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/deactivate/")
    assert mona.has_second_factor


def test_who_signs_in_with_it_is_in(mona: User) -> None:
    add_app(mona)
    assert sign_in(mona).get("/admin/").status_code == 200


def reauthenticated(client: Client) -> Client:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_last_one_stays(mona: User) -> None:
    app = add_app(mona)
    client = reauthenticated(sign_in(mona))
    page = client.post("/accounts/2fa/totp/deactivate/")
    assert "this is your last way" in page.content.decode()
    key = Authenticator.objects.create(user=mona, type="webauthn", data={"name": "Key"})
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.filter(pk=app.pk).exists()
    answer = client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/", follow=True)
    assert "this is your last way" in answer.content.decode()
    assert Authenticator.objects.filter(pk=key.pk).exists()


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_others_and_where_it_is_optional_remove_the_last_one(
    mona: User, bob: User, settings: Settings, kind: str
) -> None:
    bob.set_password(PASSWORD)
    bob.save()
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    for person, setting in ((bob, "required"), (mona, "optional")):
        settings.STAFF_SECOND_FACTOR = setting
        client = reauthenticated(sign_in(person))
        factor = Authenticator.objects.create(user=person, type=kind, data={"name": "x", "secret": "x"})
        address = "totp/deactivate/" if kind == "totp" else f"webauthn/keys/{factor.pk}/remove/"
        client.post(f"/accounts/2fa/{address}")
        assert not person.has_second_factor


def test_who_has_lost_it_comes_back_with_a_recovery_code_and_replaces_it(mona: User) -> None:
    add_app(mona)
    codes = RecoveryCodes.activate(mona).get_unused_codes()
    client = reauthenticated(sign_in(mona, codes[0]))
    assert client.get("/admin/").status_code == 200
    client.post("/accounts/2fa/totp/deactivate/")
    assert not mona.has_second_factor
    assert client.get("/admin/").headers["Location"].startswith("/accounts/2fa/?next=")


def test_one_that_a_superuser_has_deleted_is_set_up_anew(mona: User, root: User) -> None:
    app = add_app(mona)
    add_app(root)
    address = f"/admin/mfa/authenticator/{app.pk}/delete/"
    assert sign_in(mona).post(address, {"post": "yes"}).status_code == 403
    assert sign_in(root).post(address, {"post": "yes"}).status_code == 302
    assert sign_in(mona).get("/admin/").headers["Location"].startswith("/accounts/2fa/?next=")
