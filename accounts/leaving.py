"""What is left of a person who has deleted their account: a row for the books, without anything personal."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Membership, Team, User
from accounts.roles import Role

FORMER_MEMBER = "Former member"


def teams_of_nobody_else(user: User) -> list[Team]:
    """The personal team, and others that the person owns alone: nobody would be left to see their videos."""
    shared = Membership.objects.exclude(user=user).values("team")
    return list(Team.objects.filter(pk__in=_owned(user)).exclude(pk__in=shared))


def teams_left_without_an_owner(user: User) -> list[Team]:
    """Teams with other members, of whom none is an owner."""
    others = Membership.objects.exclude(user=user)
    with_others = Team.objects.filter(pk__in=_owned(user)).filter(pk__in=others.values("team"))
    return list(with_others.exclude(pk__in=others.filter(role=Role.OWNER).values("team")).order_by("name"))


def _owned(user: User) -> QuerySet[Membership, Any]:
    """What they own, or have inherited when the team was deleted."""
    theirs = Q(role=Role.OWNER) | Q(team__closed_at__isnull=False)
    return Membership.objects.filter(theirs, user=user).values("team")


@transaction.atomic
def forget(user: User) -> None:
    """Take away name, address, password and rights; a changed password ends every session."""
    Team.objects.filter(personal_of=user).update(name=FORMER_MEMBER, slug=f"former-{user.pk}")
    Membership.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    User.objects.filter(pk=user.pk).update(
        email=f"former-{user.pk}@invalid",
        name=FORMER_MEMBER,
        password=make_password(None),
        is_active=False,
        is_staff=False,
        is_superuser=False,
        email_notices=False,
        browser_notices=False,
        avatar_key="",
        defaults={},
    )
