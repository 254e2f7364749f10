import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role

PASSWORD = "a-long-passphrase"


def sign_up(client: Client, email: str = "nina@example.com", **changes: str) -> Any:
    return client.post(
        reverse("account_signup"), {"email": email, "password1": PASSWORD, "password2": PASSWORD} | changes
    )


def link_in(message: EmailMessage) -> str:
    found = re.search(r"https?://\S+", str(message.body))
    assert found, message.body
    return found[0]


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.django_db
def test_person_who_signs_up_owns_a_personal_team(client: Client) -> None:
    answer = sign_up(client, "Nina@Example.com")

    assert answer.status_code == 302
    nina = User.objects.get(email="nina@example.com")
    assert Membership.objects.get(user=nina, role=Role.OWNER).team == nina.personal_team
    assert nina.check_password(PASSWORD)


@pytest.mark.django_db
def test_sign_up_without_a_team_leaves_nobody_behind(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_team(user: User) -> None:
        raise IntegrityError("no team")

    monkeypatch.setattr(Team.objects, "create_personal", no_team)
    with pytest.raises(IntegrityError, match="no team"):
        sign_up(client)

    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": ""}, "email"),
        ({"password2": "another-passphrase"}, "password2"),
        ({"password1": "12345", "password2": "12345"}, "password1"),
        ({"password1": "password", "password2": "password"}, "password1"),
        ({"password1": "nina@example.com", "password2": "nina@example.com"}, "password1"),
    ],
)
@pytest.mark.django_db
def test_bad_sign_up_says_what_is_wrong_by_the_field(client: Client, changes: dict[str, str], field: str) -> None:
    answer = sign_up(client, **changes)

    assert answer.context["form"].errors[field]
    assert not User.objects.exists()


def test_taken_address_makes_no_second_person_whatever_its_case(client: Client, mallory: User) -> None:
    EmailAddress.objects.create(user=mallory, email=mallory.email, primary=True, verified=True)
    sign_up(client, mallory.email.upper())

    assert list(User.objects.all()) == [mallory]
    assert not is_signed_in(client)


@pytest.mark.django_db
def test_where_mail_is_sent_the_link_in_it_must_be_opened_first(client: Client, mailoutbox: list[EmailMessage]) -> None:
    """The tests' EMAIL_URL is set, so that the studio's own settings ask for it."""
    sign_up(client)
    assert not is_signed_in(client)
    sign_in = {"login": "nina@example.com", "password": PASSWORD}
    client.post(reverse("account_login"), sign_in)
    assert not is_signed_in(client)

    link = link_in(mailoutbox[0])
    assert client.get(link).status_code == 200
    assert not EmailAddress.objects.get().verified, "a mail scanner that follows links must not verify"
    client.post(link)

    assert EmailAddress.objects.get().verified
    answer = client.post(reverse("account_login"), sign_in)
    assert answer.headers["Location"] == reverse("gallery")
    assert is_signed_in(client)


@pytest.mark.django_db
def test_where_no_mail_is_sent_nobody_waits_for_a_link(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    answer = sign_up(client)

    assert answer.headers["Location"] == reverse("gallery")
    assert is_signed_in(client)
