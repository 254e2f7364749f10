"""Private work in teams that its owner has left: it stays theirs until they decide, or for 30 days after a mail.

They can download it, show it to the team, or delete it. What is left then goes into their trash. A film of it is seen
by nobody until it is shown, and ends with it.
"""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.emails import send_email
from accounts.models import FormerMembership, Membership, Team, User
from generations.models import TERMINAL, Film, Generation
from generations.models.generation_queryset import GenerationQuerySet

TIME_TO_DECIDE: Final = timedelta(days=30)
_BATCH_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class FormerTeam:
    """A team that somebody has left, with what they kept private there."""

    team: Team
    rows: list[Generation]
    until: datetime


def private_to(user: User, team: Team) -> GenerationQuerySet:
    """Theirs alone, whether they belong to the team or not."""
    return _private(Generation.objects.filter(team=team), user)


def former_teams(user: User) -> list[FormerTeam]:
    """Where there is something to decide, the most urgent first."""
    left = FormerMembership.objects.filter(user=user, team__in=Team.objects.left_by(user)).select_related("team")
    rows: defaultdict[uuid.UUID, list[Generation]] = defaultdict(list)
    for row in Generation.objects.visible_to(user).filter(team__in=left.values("team")).select_related("video"):
        rows[row.team_id].append(row)
    found = [
        FormerTeam(one.team, rows[one.team_id], (one.notified_at or timezone.now()) + TIME_TO_DECIDE)
        for one in left
        if one.team_id in rows
    ]
    return sorted(found, key=lambda one: one.until)


def notify_former_members() -> int:
    """Mail former members who have private work in the team; how many. A mail that fails is tried again.

    The 30 days begin with it. Users who can't sign in any more get no mail, and the same time.
    """
    waiting = FormerMembership.objects.filter(_has_private_work(), _has_left(), notified_at=None).order_by("left_at")
    return sum(_notify(pk) for pk in waiting.values_list("pk", flat=True)[:_BATCH_SIZE])


@transaction.atomic
def _notify(pk: int) -> bool:
    free = FormerMembership.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, notified_at=None)
    one = free.select_related("user", "team", "removed_by").first()
    if one is None:
        return False
    now = timezone.now()
    context = {"former": one, "count": private_to(one.user, one.team).count(), "until": now + TIME_TO_DECIDE}
    if one.user.is_active and not send_email(one.user.email, "teams/mail/private_work", context):
        return False
    FormerMembership.objects.filter(pk=pk).update(notified_at=now)
    return True


def trash_undecided() -> int:
    """Move to the trash what nobody has decided on in time; how many."""
    late = FormerMembership.objects.filter(_has_left(), notified_at__lt=timezone.now() - TIME_TO_DECIDE)
    trashed = 0
    for one in late.filter(_has_private_work()).select_related("user", "team"):
        rows = private_to(one.user, one.team).filter(trashed_at=None, status__in=sorted(TERMINAL))
        trashed += sum(row.move_to_trash(None) for row in rows)
    return trashed


def delete_abandoned_films() -> int:
    """Delete films of private work that its owner has not shown to the team in time, or deleted; how many."""
    return Film.objects.abandoned().delete_with_objects()


def _private(rows: GenerationQuerySet, user: User) -> GenerationQuerySet:
    return rows.filter(Q(user=user, assigned_to=None) | Q(assigned_to=user), is_private=True, deleted_at=None)


def _has_private_work() -> Exists:
    """A former membership has private work that is not in the trash yet."""
    own = Q(user=OuterRef("user"), assigned_to=None) | Q(assigned_to=OuterRef("user"))
    rows = Generation.objects.filter(own, team=OuterRef("team"), is_private=True, deleted_at=None, trashed_at=None)
    return Exists(rows)


def _has_left() -> Q:
    """Has not come back meanwhile."""
    return ~Q(Exists(Membership.objects.filter(team=OuterRef("team"), user=OuterRef("user"))))
