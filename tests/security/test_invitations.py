"""One invitation admits one account where only the invited may sign up."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts import invitations
from accounts.models import Membership, Team, User
from accounts.roles import Role

PASSWORD = "a long walk home"


@pytest.fixture(autouse=True)
def _by_invitation(settings: Settings) -> None:
    settings.SIGN_UP = "invite"


def came_by(token: str) -> Client:
    client = Client()
    client.get(f"/teams/join/{token}/")
    return client


def sign_up(client: Client, email: str) -> int:
    data = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", data).status_code


def newcomers() -> int:
    return User.objects.filter(email__endswith="@example.org").count()


@pytest.mark.parametrize("email", ["", "eve0@example.org"])
def test_it_is_used_up_by_the_account_that_it_admits(film: Team, alice: User, email: str) -> None:
    _, token = invitations.invite(film, alice, Role.MEMBER, email=email)
    visitors = [came_by(token) for _ in range(3)]
    same_again = visitors[0]
    for number, client in enumerate([*visitors, same_again, came_by(token)]):
        sign_up(client, f"eve{number}@example.org")

    assert newcomers() == 1
    eve = User.objects.get(email="eve0@example.org")
    assert Membership.objects.get(team=film, user=eve).role == Role.MEMBER


@pytest.mark.parametrize("uses", [1, 3])
def test_link_admits_as_many_as_it_says(film: Team, alice: User, uses: int) -> None:
    _, token = invitations.invite(film, alice, Role.MEMBER, uses=uses)
    for number in range(5):
        sign_up(came_by(token), f"eve{number}@example.org")
    assert newcomers() == uses


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_one(film: Team, alice: User) -> None:
    _, token = invitations.invite(film, alice, Role.MEMBER)
    clients = [came_by(token) for _ in range(6)]

    def try_it(number: int) -> int:
        try:
            return sign_up(clients[number], f"eve{number}@example.org")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(try_it, range(6)))
    assert newcomers() == 1
    assert all(status < 500 for status in statuses)
    assert film.members.count() == 2


@pytest.mark.parametrize("email", ["mallory@example.org", "eve@example.org.evil.example.org", "EVE@example.net"])
def test_mail_is_for_its_address(film: Team, alice: User, email: str) -> None:
    _, token = invitations.invite(film, alice, Role.MEMBER, email="eve@example.org")
    sign_up(came_by(token), email)
    assert not User.objects.filter(email__iexact=email).exists()
    sign_up(came_by(token), "Eve@example.org")
    assert User.objects.filter(email__iexact="eve@example.org").exists()


def test_who_has_signed_up_is_led_into_the_team(film: Team, alice: User) -> None:
    _, token = invitations.invite(film, alice, Role.MEMBER, email="eve@example.org")
    client = came_by(token)
    sign_up(client, "eve@example.org")
    client.force_login(User.objects.get(email="eve@example.org"))
    for answer in (client.get(f"/teams/join/{token}/"), client.post(f"/teams/join/{token}/")):
        assert answer.headers["Location"] == "/teams/film/"


def test_account_that_needs_no_invitation_uses_none_up(film: Team, alice: User, settings: Settings) -> None:
    settings.SIGN_UP = "open"
    invitation, token = invitations.invite(film, alice, Role.MEMBER)
    sign_up(came_by(token), "eve@example.org")
    invitation.refresh_from_db()
    assert (newcomers(), invitation.uses_left) == (1, 1)


def test_other_domain_needs_one_of_its_own(film: Team, alice: User, settings: Settings) -> None:
    settings.SIGN_UP, settings.SIGN_UP_DOMAINS = "domains", ["example.com"]
    _, token = invitations.invite(film, alice, Role.MEMBER)
    for number in range(3):
        sign_up(came_by(token), f"eve{number}@example.org")
    assert newcomers() == 1
