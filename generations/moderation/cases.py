"""Open a case for a video, at most one at a time, and add each new cause to it."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import impersonation
from accounts.models import Review, Team, User
from generations.models import Case, Cause, Generation, PrivateAccess

SOFT_LOCK: Final = timedelta(minutes=5)


@transaction.atomic
def open_case(row: Generation, cause: Cause, **columns: Any) -> Case:
    """The video's open case, with this cause among its causes."""
    case, is_new = Case.objects.select_for_update().get_or_create(
        generation=row, closed_at=None, defaults={"causes": [cause], **columns}
    )
    if not is_new and cause not in case.causes:
        case.causes = [*case.causes, cause]
        Case.objects.filter(pk=case.pk).update(causes=case.causes, **columns)
    return case


def requires_review(team: Team) -> bool:
    """Whether others see what is made in the team only when a moderator has approved it: where there are others."""
    return team.personal_of_id is None and (team.review or settings.REVIEW) == Review.BEFORE


def mark_viewed(case: Case, by: User) -> User | None:
    """Note that somebody has it open; who else had, a moment ago."""
    now = timezone.now()
    other = case.viewed_by if case.viewed_at and case.viewed_at > now - SOFT_LOCK else None
    free = Q(viewed_by=None) | Q(viewed_by=by) | Q(viewed_at__lt=now - SOFT_LOCK)
    Case.objects.filter(free, pk=case.pk).update(viewed_by=by, viewed_at=now)
    return other if other != by else None


def may_view(case: Case, by: User) -> bool:
    """At what is private only somebody who has said why, of this very case, within the last hour."""
    return not case.generation.is_private or PrivateAccess.objects.open().filter(case=case, by=by).exists()


@transaction.atomic
def open_private_access(case: Case, by: User, reason: str, path: str) -> None:
    """Look at private work from now on; its owner gets a mail with the reason."""
    PrivateAccess.objects.create(case=case, by=by, reason=reason)
    impersonation.log_access(by, case.generation.assigned_to or case.generation.user, reason, path)


def next_case(by: User, after: Case | None = None) -> Case | None:
    """The oldest that nobody has open, that is not about one's own work, and whose appeal is not against oneself.

    What was handed to oneself comes first, what was handed to others is theirs.
    """
    cases = Case.objects.open().exclude(generation__user=by).exclude(generation__assigned_to=by)
    cases = cases.exclude(pk=after.pk) if after else cases
    free = Q(viewed_by=None) | Q(viewed_by=by) | Q(viewed_at__lt=timezone.now() - SOFT_LOCK)
    others = cases.filter(free, assigned_to=None)
    return cases.filter(assigned_to=by).first() or others.exclude(excluded_moderator=by).first() or others.first()
