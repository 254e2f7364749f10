"""Remove all personal data of a user who deletes their account. The row stays, since billing records refer to it."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F, Func, Q, QuerySet, Value
from django.db.models.functions import Lower

from accounts.models import Invitation, Membership, MembershipChange, Team, Theme, User
from accounts.roles import Role

FORMER_MEMBER = "Former member"


def teams_without_other_members(user: User) -> QuerySet[Team]:
    """The personal team, and others that the person owns alone: nobody would be left to see their videos."""
    shared = Membership.objects.exclude(user=user).values("team")
    return Team.objects.filter(pk__in=_owned_teams(user)).exclude(pk__in=shared)


def teams_without_other_owners(user: User) -> list[Team]:
    """Teams with other members, of whom none is an owner."""
    others = Membership.objects.exclude(user=user)
    with_others = Team.objects.filter(pk__in=_owned_teams(user)).filter(pk__in=others.values("team"))
    return list(with_others.exclude(pk__in=others.filter(role=Role.OWNER).values("team")).order_by("name"))


def _owned_teams(user: User) -> QuerySet[Membership, Any]:
    """What they own, or have inherited when the team was deleted."""
    theirs = Q(role=Role.OWNER) | Q(team__closed_at__isnull=False)
    return Membership.objects.filter(theirs, user=user).values("team")


@transaction.atomic
def anonymize_user(user: User) -> None:
    """Take away name, address, rights and every way in; the sessions end on all devices."""
    addresses = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    _end_sessions(user, addresses)
    _anonymize_logs(user, addresses)
    _anonymize_teams(user)
    _delete_invitations(user, addresses)
    for rows in (EmailAddress, SocialAccount, Authenticator, MembershipChange):
        rows.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    User.objects.filter(pk=user.pk).update(
        email=f"former-{user.pk}@invalid",
        name=FORMER_MEMBER,
        password=make_password(None),
        is_active=False,
        is_staff=False,
        is_superuser=False,
        notification_settings={},
        avatar_key="",
        time_zone="",
        browser_zone="",
        defaults={},
        theme=Theme.AUTO,
        suspension_reason="",
        last_login=None,
    )


def _end_sessions(user: User, addresses: set[str]) -> None:
    """Also of sign-ins that are half done: the session knows the address that was typed."""
    UserSession.objects.filter(user=user).delete()
    told = {str(user.pk), *addresses}
    theirs = [one.pk for one in Session.objects.iterator() if told & _texts_in(one.get_decoded())]
    Session.objects.filter(pk__in=theirs).delete()


def _texts_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return {str(value)}
    return set().union(*(_texts_in(one) for one in value))


def _anonymize_teams(user: User) -> None:
    """Teams without other members lose their names; the rows stay for the billing records."""
    for team in teams_without_other_members(user):
        slug = f"former-{user.pk}" if team.personal_of_id == user.pk else f"former-{team.pk}"
        Team.objects.filter(pk=team.pk).update(name=FORMER_MEMBER, slug=slug, domains=[])
    Membership.objects.filter(user=user).delete()


def _delete_invitations(user: User, addresses: set[str]) -> None:
    """By them, and to them in teams that they never joined."""
    lower = [address.lower() for address in addresses]
    Invitation.objects.annotate(to=Lower("email")).filter(Q(made_by=user) | Q(to__in=lower)).delete()


def _anonymize_logs(user: User, addresses: set[str]) -> None:
    """The admin's log writes down what a row was called, wherever it was changed."""
    for text in sorted({*addresses, str(user), user.name} - {""}, key=len, reverse=True):
        word = rf"(?<!\w){re.escape(text)}(?!\w)"
        for column in ("object_repr", "change_message"):
            named = LogEntry.objects.filter(**{f"{column}__icontains": text})
            new = Func(F(column), Value(word), Value(FORMER_MEMBER), Value("gi"), function="regexp_replace")
            named.update(**{column: new})
