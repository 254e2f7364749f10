"""Users who change their credentials prove again who they are, however they signed in."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.accounts.openid_provider import Provider
from tests.accounts.test_openid import provider, sign_in
from tests.cast import signed_in

__all__ = ["provider"]  # the fixture

PASSWORD = "a fox in the snow"
NEW = {"password1": "a badger at dusk", "password2": "a badger at dusk"}
CHANGES: dict[str, tuple[str, dict[str, str]]] = {
    "add an address": ("/accounts/email/", {"action_add": "", "email": "new@example.com"}),
    "remove an address": ("/accounts/email/", {"action_remove": "", "email": "second@example.com"}),
    "change the first address": ("/accounts/email/", {"action_primary": "", "email": "second@example.com"}),
    "add an app": ("/accounts/2fa/totp/activate/", {"code": "123456"}),
    "remove the app": ("/accounts/2fa/totp/deactivate/", {}),
    "add a key": ("/accounts/2fa/webauthn/add/", {"name": "x", "credential": "[]"}),
    "rename a key": ("/accounts/2fa/webauthn/keys/{key}/edit/", {"name": "renamed"}),
    "remove a key": ("/accounts/2fa/webauthn/keys/{key}/remove/", {}),
    "new recovery codes": ("/accounts/2fa/recovery-codes/generate/", {}),
    "make an API key": (
        "/accounts/keys/new/",
        {"name": "x", "team": "{team}", "scopes": "read", "expires": "30", "result_days": "7"},
    ),
    "forget the provider": ("/accounts/3rdparty/", {"account": "{account}"}),
    "delete the account": ("/accounts/delete/", {}),
}
SEEN = ["/accounts/2fa/totp/activate/", "/accounts/2fa/recovery-codes/", "/accounts/2fa/recovery-codes/download/"]


def state(user: User) -> list[Any]:
    """All that opens the account."""
    user = User.objects.get(pk=user.pk)
    parts = [list(rows.order_by("pk").values()) for rows in (user.emailaddress_set, user.socialaccount_set)]  # type: ignore[attr-defined]
    return [
        *parts,
        list(Authenticator.objects.filter(user=user).order_by("pk").values()),
        list(user.keys.order_by("pk").values()),
        user.password,
        user.is_active,
    ]


def prepare(user: User, *, factors: bool) -> dict[str, str]:
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True, "verified": True})
    EmailAddress.objects.create(user=user, email="second@example.com", verified=True)
    if not factors:
        return {"key": "1", "account": "1", "team": user.personal_team.slug}
    Authenticator.objects.create(user=user, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": "abc", "used_mask": 0})
    key = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Key", "credential": {}})
    return {"key": str(key.pk), "account": "1", "team": user.personal_team.slug}


def age(client: Client, seconds: int) -> None:
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= seconds
    session.save()


@pytest.fixture
def bob(bob: User) -> User:
    bob.set_password(PASSWORD)
    bob.save()
    return bob


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shown", ["never", "long ago"])
def test_nothing_changes_without_the_password(bob: User, name: str, shown: str) -> None:
    names = prepare(bob, factors=not name.startswith("add"))
    client = signed_in(bob)
    if shown == "long ago":
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        age(client, 301)
    before = state(bob)
    address, data = CHANGES[name]
    answer = client.post(address.format(**names), {field: value.format(**names) for field, value in data.items()})
    if name != "forget the provider":  # there is none to forget
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/"), name
    assert state(bob) == before


@pytest.mark.parametrize("address", SEEN)
def test_no_secret_is_shown_without_the_password(bob: User, address: str) -> None:
    prepare(bob, factors="totp" not in address)
    assert signed_in(bob).get(address).headers["Location"].startswith("/accounts/reauthenticate/")


def test_new_password_takes_the_old_one(bob: User) -> None:
    before = state(bob)
    client = signed_in(bob)
    client.post("/accounts/password/change/", {"oldpassword": "wrong", **NEW})
    client.post("/accounts/password/set/", NEW)
    assert state(bob) == before


def test_what_was_begun_goes_on_after_the_password(bob: User) -> None:
    prepare(bob, factors=False)
    client = signed_in(bob)
    asked = client.post("/accounts/email/", {"action_remove": "", "email": "second@example.com"}).headers["Location"]
    client.post(asked, {"password": PASSWORD, "next": "/accounts/email/"})
    assert not EmailAddress.objects.filter(email="second@example.com").exists()


# --- who has no password ----------------------------------------------------------------------------------------------


@pytest.fixture
def eve(db: None, provider: Provider) -> tuple[Client, User]:
    """Signed in by the provider, and without a password."""
    client, _ = sign_in(provider)
    return client, User.objects.get(email="eve@example.com")


def round_trip(client: Client, asked: str) -> Any:
    """Our page, its button, the provider's page, and back."""
    assert "Continue to Acme" in client.get(asked).content.decode()
    to_provider = client.post(asked).headers["Location"]
    sent = parse_qs(urlsplit(to_provider).query)
    assert (sent["prompt"], sent["max_age"]) == (["login"], ["0"])
    back = urlsplit(httpx.get(to_provider).headers["Location"])
    return client.get(f"{back.path}?{back.query}", follow=True)


@pytest.mark.parametrize("name", ["set a password", *CHANGES])
def test_nothing_changes_without_the_provider(eve: tuple[Client, User], name: str) -> None:
    client, user = eve
    if name in {"remove the app", "rename a key", "remove a key", "new recovery codes"}:
        return  # these have a factor, by which they are asked: see above
    names = prepare(user, factors=False)
    names["account"] = str(user.socialaccount_set.get().pk)  # type: ignore[attr-defined]
    before = state(user)
    address, data = {**CHANGES, "set a password": ("/accounts/password/set/", NEW)}[name]
    answer = client.post(address, {field: value.format(**names) for field, value in data.items()})
    if name != "forget the provider":  # the last way in stays
        assert answer.headers["Location"].startswith("/accounts/reauthenticate/openid/"), name
    assert state(user) == before


def test_provider_asks_and_what_was_begun_goes_on(eve: tuple[Client, User]) -> None:
    client, user = eve
    asked = client.post("/accounts/password/set/", NEW).headers["Location"]
    round_trip(client, asked)
    user.refresh_from_db()
    assert user.check_password(NEW["password1"])


def test_answer_counts_for_five_minutes(eve: tuple[Client, User]) -> None:
    client, _ = eve
    round_trip(client, client.get("/accounts/2fa/totp/activate/").headers["Location"])
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200
    age(client, 301)
    assert client.get("/accounts/2fa/totp/activate/").status_code == 302


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "18", "email": "other@example.com"},
        {"sub": "18", "email": "eve@example.com"},
        {"auth_time": int(time.time()) - 3600},
        {"auth_time": "just now"},
    ],
)
def test_another_person_or_an_old_sign_in_there_counts_for_nothing(
    eve: tuple[Client, User], provider: Provider, claims: dict[str, Any]
) -> None:
    client, user = eve
    provider.claims |= claims
    page = round_trip(client, client.get("/accounts/2fa/totp/activate/").headers["Location"])
    assert "Continue to Acme" in page.content.decode()
    assert client.get("/accounts/2fa/totp/activate/").status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == 1


def test_sign_in_just_now_is_no_answer(eve: tuple[Client, User], provider: Provider) -> None:
    client, _ = eve
    to_provider = client.post("/accounts/oidc/oidc/login/?process=redirect&next=/").headers["Location"]
    back = urlsplit(httpx.get(to_provider).headers["Location"])
    client.get(f"{back.path}?{back.query}")
    assert client.get("/accounts/2fa/totp/activate/").status_code == 302


def test_provider_that_is_away_or_gone_is_said(eve: tuple[Client, User], settings: Settings) -> None:
    client, _ = eve
    asked = client.get("/accounts/2fa/totp/activate/").headers["Location"]
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps[0]["settings"]["server_url"] = "http://127.0.0.1:9"
    assert "can’t be reached" in client.post(asked, follow=True).content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {}
    page = client.get("/accounts/2fa/totp/activate/")
    assert page.status_code == 403
    assert "Set a password first" in page.content.decode()
