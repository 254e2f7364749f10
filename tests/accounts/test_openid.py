"""Signing in by the organisation's own OpenID provider, over real HTTP; and what its groups give."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from environs import ValidationError
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from accounts.sso_groups import parse
from config.env import groups_or_blank
from tests.accounts.openid_provider import CLIENT, SECRET, Provider, running_provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    with running_provider() as provider:
        app: dict[str, Any] = {"provider_id": "oidc", "name": "Acme", "client_id": CLIENT, "secret": SECRET}
        app |= {"settings": {"server_url": provider.url}}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
        provider.claims = {"sub": "17", "email": "eve@example.com", "email_verified": True, "name": "Eve"}
        yield provider


def sign_in(provider: Provider, **claims: Any) -> tuple[Client, Any]:
    """The whole round: our button, the provider's page, and back."""
    provider.claims |= claims
    client = Client()
    to_provider = client.post("/accounts/oidc/oidc/login/?process=login")
    assert to_provider.status_code == 302
    assert "code_challenge=" in to_provider.headers["Location"]
    back = urlsplit(httpx.get(to_provider.headers["Location"]).headers["Location"])
    return client, client.get(f"{back.path}?{back.query}")


def signed_in_as(client: Client) -> str:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).email if key else ""


def test_button_is_there_when_it_is_set_up_and_only_then(provider: Provider, settings: Settings) -> None:
    assert "Sign in with Acme" in Client().get("/accounts/login/").content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {}
    assert "Sign in with Acme" not in Client().get("/accounts/login/").content.decode()


def test_somebody_new_gets_an_account_with_a_team_of_their_own(provider: Provider) -> None:
    client, answer = sign_in(provider)

    assert answer.status_code == 302
    assert signed_in_as(client) == "eve@example.com"
    eve = User.objects.get(email="eve@example.com")
    assert (eve.name, eve.personal_team.name) == ("Eve", "Eve")
    assert EmailAddress.objects.get(user=eve).verified
    assert client.get("/").status_code == 200


def test_known_verified_address_is_the_same_account(provider: Provider, bob: User) -> None:
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    client, _ = sign_in(provider, email=bob.email)

    assert signed_in_as(client) == bob.email
    again, _ = sign_in(provider, email="bob.changed@example.com")  # the provider's own id counts from now on
    assert signed_in_as(again) == bob.email
    assert not User.objects.filter(email__startswith="bob.changed").exists()


@pytest.mark.parametrize("verified", [False, None])
def test_address_that_the_provider_has_not_verified_opens_nobodys_account(
    provider: Provider, bob: User, verified: bool | None
) -> None:
    EmailAddress.objects.create(user=bob, email=bob.email, primary=True, verified=True)
    client, _ = sign_in(provider, email=bob.email, email_verified=verified)

    assert signed_in_as(client) == ""


def test_sign_up_modes_hold(provider: Provider, settings: Settings) -> None:
    settings.SIGN_UP = "invite"
    client, _ = sign_in(provider)
    assert signed_in_as(client) == ""
    assert not User.objects.exists()

    settings.SIGN_UP, settings.SIGN_UP_DOMAINS = "domains", ["example.org"]
    client, _ = sign_in(provider)
    assert signed_in_as(client) == ""
    settings.SIGN_UP_DOMAINS = ["example.com"]
    client, _ = sign_in(provider)
    assert signed_in_as(client) == "eve@example.com"


def test_provider_that_is_away_is_said(provider: Provider, settings: Settings) -> None:
    client = Client()
    address = client.post("/accounts/oidc/oidc/login/?process=login").headers["Location"]
    state = dict(part.split("=") for part in urlsplit(address).query.split("&"))["state"]
    page = client.get(f"/accounts/oidc/oidc/login/callback/?code=forged&state={state}")

    assert "Sign-in failed" in page.content.decode()
    assert signed_in_as(client) == ""


def role_of(email: str, team: Team) -> str:
    return str(Membership.objects.filter(team=team, user__email=email).values_list("role", flat=True).first() or "")


def test_groups_give_change_and_end_roles(provider: Provider, settings: Settings, film: Team, alice: User) -> None:
    settings.OIDC_GROUPS = "leads=film:admin, film=film:member, nobody=elsewhere:owner"
    for groups, role in (
        (["film", "other"], "member"),
        (["film", "leads"], "admin"),
        (["film"], "member"),
        ([], ""),
        (["leads"], "admin"),
    ):
        sign_in(provider, groups=groups)
        assert role_of("eve@example.com", film) == role, groups


def test_groups_never_lower_who_was_invited_nor_take_the_last_owner(
    provider: Provider, settings: Settings, film: Team, alice: User, bob: User
) -> None:
    settings.OIDC_GROUPS = "film=film:viewer, leads=film:admin"
    for person in (alice, bob):
        EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=True)
    sign_in(provider, sub="1", email=bob.email, groups=["film"])
    assert role_of(bob.email, film) == "member"
    sign_in(provider, sub="1", email=bob.email, groups=["leads"])
    assert role_of(bob.email, film) == "admin"
    Membership.objects.filter(team=film, user=alice).update(by_group=True)
    for groups in (["film"], []):
        sign_in(provider, sub="2", email=alice.email, groups=groups)
        assert role_of(alice.email, film) == "owner"


@pytest.mark.parametrize("text", ["film", "film=film", "film=film:king", "=film:owner", "a=b:owner, c"])
def test_mapping_that_cannot_be_read_is_refused_at_start(text: str) -> None:
    with pytest.raises(ValidationError, match="group, team's slug, role"):
        groups_or_blank(text)


def test_mapping_is_read() -> None:
    groups_or_blank("a=b=film:owner,x=film:viewer")
    assert parse("a=b=film:owner,x=film:viewer") == {"film": {"a=b": Role.OWNER, "x": Role.VIEWER}}
    assert parse("") == {}
