"""Invitations by mail are counted by person, team and recipient, and say nothing of their sender's in the subject."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.models import Invitation, InvitationMail, Membership, Team, User
from accounts.roles import Role
from tests.cast import signed_in

Mails = list[EmailMultiAlternatives]
AN_HOUR, A_DAY, TO_ONE = (limit for limit, _ in (
    invitations.LIMIT_PER_PERSON, invitations.LIMIT_PER_TEAM, invitations.LIMIT_PER_RECIPIENT,
))  # fmt: skip


def invite(client: Client, email: str, slug: str = "film") -> Any:
    return client.post(f"/teams/{slug}/invitations", {"email": email, "role": "member"})


def test_person_sends_so_many_an_hour_and_loses_nothing_typed(film: Team, alice: User, mailoutbox: Mails) -> None:
    client = signed_in(alice)
    answers = [invite(client, f"eve{number}@example.org") for number in range(40)]

    assert len(mailoutbox) == AN_HOUR
    assert [answer.status_code for answer in answers] == [302] * AN_HOUR + [422] * (40 - AN_HOUR)
    page = answers[-1].content.decode()
    assert f"You have sent {AN_HOUR} invitations within an hour" in page
    assert 'value="eve39@example.org"' in page
    assert Invitation.objects.count() == AN_HOUR, "what is not sent is not there"
    InvitationMail.objects.update(at=timezone.now() - timedelta(hours=1, minutes=1))
    assert invite(client, "later@example.org").status_code == 302


def test_more_teams_give_a_person_no_more(film: Team, alice: User, mailoutbox: Mails) -> None:
    client = signed_in(alice)
    for number in range(AN_HOUR + 5):
        client.post("/teams/", {"name": f"Team {number}"})
        invite(client, f"eve{number}@example.org", f"team-{number}")
    assert len(mailoutbox) == AN_HOUR


def test_team_sends_so_many_a_day_whoever_sends(film: Team, alice: User, mailoutbox: Mails) -> None:
    for number in range(A_DAY // AN_HOUR + 2):
        person = User.objects.create_user(f"admin{number}@example.com")
        Membership.objects.create(team=film, user=person, role=Role.ADMIN)
        for one in range(AN_HOUR):
            invite(signed_in(person), f"eve{number}-{one}@example.org")
    assert len(mailoutbox) == A_DAY


@pytest.mark.parametrize("email", ["eve@example.org", "EVE@Example.org"])
def test_recipient_gets_so_many_a_day_from_whomever(film: Team, email: str, mailoutbox: Mails) -> None:
    for number in range(TO_ONE + 3):
        person = User.objects.create_user(f"owner{number}@example.com")
        invite(signed_in(person), email, person.personal_team.slug)  # no team of theirs to invite to
        team = Team.objects.create(name=f"T{number}", slug=f"t{number}")
        Membership.objects.create(team=team, user=person, role=Role.OWNER)
        invite(signed_in(person), email if number % 2 else "eve@example.org", team.slug)
    assert len(mailoutbox) == TO_ONE


def test_sending_again_is_counted_and_the_link_before_stays(film: Team, alice: User, mailoutbox: Mails) -> None:
    client = signed_in(alice)
    invite(client, "eve@example.org")
    invitation = Invitation.objects.get()
    for _ in range(10):
        hash_before = Invitation.objects.get().token_hash
        client.post(f"/teams/film/invitations/{invitation.pk}", {"verb": "renew"})
    assert len(mailoutbox) == TO_ONE
    assert Invitation.objects.get().token_hash == hash_before


@pytest.mark.django_db(transaction=True)
def test_many_at_once_slip_under_no_limit(film: Team, alice: User) -> None:
    def claim(number: int) -> bool:
        try:
            invitations.claim_mail(film, alice, f"eve{number}@example.org")
        except invitations.TooManyInvitationsError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(AN_HOUR * 2))) == AN_HOUR


def test_subject_has_no_words_of_the_sender(film: Team, alice: User, mailoutbox: Mails) -> None:
    Team.objects.filter(pk=film.pk).update(name="Buy pills at evil.example")
    User.objects.filter(pk=alice.pk).update(name="You have won")
    invite(signed_in(alice), "eve@example.org")
    assert mailoutbox[0].subject == "You are invited to a team at Kling Studio"


def test_no_address_is_kept_and_rows_go_after_a_day(film: Team, alice: User) -> None:
    invitations.claim_mail(film, alice, "eve@example.org")
    assert "eve" not in str(InvitationMail.objects.values())
    InvitationMail.objects.update(at=timezone.now() - timedelta(days=1, minutes=1))
    invitations.claim_mail(film, alice, "eve@example.org")
    assert InvitationMail.objects.count() == 1
