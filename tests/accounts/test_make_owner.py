"""`manage.py make_owner`: a team whose only owner is gone gets another."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.membership import apply_group_role
from accounts.models import FormerMembership, Membership, MembershipChange, Team, User
from accounts.roles import Role

pytestmark = pytest.mark.django_db


def make_owner(*arguments: str) -> str:
    out = StringIO()
    call_command("make_owner", *arguments, stdout=out)
    return out.getvalue()


def owners(team: Team) -> set[str]:
    return set(Membership.objects.filter(team=team, role=Role.OWNER).values_list("user__email", flat=True))


@pytest.mark.parametrize("name", ["bob", "victor", "mallory"])
def test_anybody_with_an_account_can_be_made_an_owner(
    name: str, film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    user = {"bob": bob, "victor": victor, "mallory": mallory}[name]
    FormerMembership.objects.create(team=film, user=mallory, removed_by=alice)

    assert make_owner("film", user.email.upper()).startswith(f"{user.email} is an owner of Film")
    assert owners(film) == {alice.email, user.email}
    assert not FormerMembership.objects.filter(team=film, user=user).exists()
    change = MembershipChange.objects.get()
    assert (change.user, change.kind, change.role, change.by) == (user, MembershipChange.Kind.ROLE, Role.OWNER, None)


def test_who_is_an_owner_stays_one_and_is_told_nothing(film: Team, alice: User) -> None:
    make_owner("film", alice.email)

    assert owners(film) == {alice.email}
    assert not MembershipChange.objects.exists()


def test_no_group_lowers_them_afterwards(film: Team, alice: User, bob: User) -> None:
    Membership.objects.filter(user=bob, team=film).update(by_group=True)
    make_owner("film", bob.email)
    apply_group_role(film, bob, Role.VIEWER)
    apply_group_role(film, bob, None)

    assert bob.email in owners(film)


def test_second_factor_that_the_team_requires_is_said(film: Team, bob: User) -> None:
    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)

    assert "two-factor authentication" in make_owner("film", bob.email)


@pytest.mark.parametrize(
    ("team", "changes", "words"),
    [
        ("nowhere", {}, "No team has the slug nowhere"),
        ("alice", {}, "personal team"),
        ("film", {"email": "nobody@example.com"}, "Nobody has the address"),
        ("film", {"closed_at": True}, "Film was deleted"),
        ("film", {"is_active": False}, "suspended or switched off"),
        ("film", {"suspended_until": True}, "suspended or switched off"),
    ],
)
def test_what_can_not_be_is_said_and_changes_nothing(
    team: str, changes: dict[str, object], words: str, film: Team, alice: User, bob: User
) -> None:
    soon = timezone.now() + timedelta(hours=1)
    if "closed_at" in changes:
        Team.objects.filter(pk=film.pk).update(closed_at=soon)
    if "is_active" in changes:
        User.objects.filter(pk=bob.pk).update(is_active=False)
    if "suspended_until" in changes:
        User.objects.filter(pk=bob.pk).update(suspended_until=soon)
    slug = alice.personal_team.slug if team == "alice" else team

    with pytest.raises(CommandError, match=words):
        make_owner(slug, str(changes.get("email", bob.email)))
    assert owners(film) == {alice.email}
