"""Who may make an account: everybody, the invited alone, or addresses of some domains."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import invitations
from accounts.models import Team, User
from accounts.roles import Role


def sign_up(client: Client, email: str) -> str:
    data = {"email": email, "password1": "a long walk home", "password2": "a long walk home"}
    return client.post("/accounts/signup/", data).content.decode()


def has_account(email: str) -> bool:
    return User.objects.filter(email=email).exists()


def test_open_to_everybody(db: None) -> None:
    sign_up(Client(), "eve@example.com")
    assert has_account("eve@example.com")


def test_by_invitation_alone(film: Team, alice: User, settings: Settings) -> None:
    settings.SIGN_UP = "invite"
    invitation, token = invitations.invite(film, alice, Role.MEMBER, email="eve@example.com")
    assert "Sign-up is by invitation" in Client().get("/accounts/signup/").content.decode()
    sign_up(Client(), "mallory@example.com")
    assert not has_account("mallory@example.com")

    invited = Client()
    invited.get(f"/teams/join/{token}/")
    sign_up(invited, "eve@example.com")
    assert has_account("eve@example.com")

    late = Client()
    late.get(f"/teams/join/{token}/")
    invitation.delete()
    sign_up(late, "late@example.com")
    assert not has_account("late@example.com")


@pytest.mark.parametrize(
    ("email", "may"), [("a@Example.org", True), ("a@example.com", False), ("a@notexample.org", False)]
)
def test_by_domain(db: None, settings: Settings, email: str, may: bool) -> None:
    settings.SIGN_UP, settings.SIGN_UP_DOMAINS = "domains", ["example.org"]
    page = sign_up(Client(), email)

    assert has_account(email.lower()) is may
    assert ("Accounts are for addresses at example.org here." in page) is not may


@pytest.mark.parametrize(
    ("mode", "email", "value", "is_fixed"),
    [
        ("open", "eve@example.com", "eve@example.com", False),
        ("domains", "eve@example.com", "eve@example.com", False),
        ("invite", "eve@example.com", "eve@example.com", True),
        ("invite", "", "", False),
        ("open", "", "", False),
    ],
)
def test_form_holds_the_address_that_was_invited(
    film: Team, alice: User, settings: Settings, mode: str, email: str, value: str, is_fixed: bool
) -> None:
    """It can be changed, but where that address alone may sign up."""
    settings.SIGN_UP = mode
    client = Client()
    invitation, token = invitations.invite(film, alice, Role.MEMBER, email=email)
    client.get(f"/teams/join/{token}/")
    field = client.get("/accounts/signup/").context["form"]["email"]

    assert (field.value() or "") == value
    assert ("readonly" in str(field)) is is_fixed
    typed = client.post("/accounts/signup/", {"email": "typed@example.net", "password1": "x"})
    assert 'value="typed@example.net"' in typed.content.decode()
    if email:
        invitation.delete()
        assert "eve@example.com" not in client.get("/accounts/signup/").content.decode()
