"""Tell people of comments and verdicts: under the bell at once, by one mail for what comes in a quarter of an hour.

A sweep over rows, as `generations.notifications` makes for its own.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import transaction
from django.db.models import F, Min, Model, Q, QuerySet
from django.utils import timezone

from accounts.emails import send_email
from accounts.models import User
from accounts.notification_kinds import Channel, Kind
from generations.models import Generation, Notification
from generations.notifications.create import NOTIFY_WITHIN
from sharing.models import Comment, ReviewMail, Verdict

MAIL_AFTER: Final = timedelta(minutes=15)  # of the first thing that a mail tells
MAX_ATTEMPTS: Final = 5  # of one mail; what it says stands under the bell
_BATCH_SIZE: Final = 200  # of one kind in one sweep; the next finds the rest
_MOST_SHOWN: Final = 50  # in one mail

M = TypeVar("M", bound=Model)


def send_review_notifications() -> int:
    """All that is new; how many mails."""
    _tell_of_comments()
    _tell_of_verdicts()
    return _send_mails()


@transaction.atomic
def _tell_of_comments() -> None:
    for row in _claim_new(Comment.objects.order_by("created_at")):
        is_news = not (row.deleted_at or row.hidden_at or row.carried_from_id)
        if is_news and _is_recent(row.created_at):
            named = set(row.mentions.values_list("user", flat=True))
            _tell(_involved(row.generation, row.user_id, named), row.generation, comment=row)


@transaction.atomic
def _tell_of_verdicts() -> None:
    for row in _claim_new(Verdict.objects.order_by("at")):
        if _is_recent(row.at):
            _tell(_involved(row.generation, row.user_id, set()), row.generation, verdict=row)


def _claim_new(rows: QuerySet[M]) -> list[M]:
    """Those of which nobody was told; from this transaction on they count as told."""
    new = rows.filter(notified_at=None).select_related("generation")
    found = list(new.select_for_update(skip_locked=True, of=("self",))[:_BATCH_SIZE])
    rows.filter(pk__in=[row.pk for row in found]).update(notified_at=timezone.now())
    return found


def _is_recent(at: datetime) -> bool:
    return at > timezone.now() - NOTIFY_WITHIN


def _involved(generation: Generation, author: int | None, named: set[int]) -> list[User]:
    """Who has the video, who took part in its review and who is named, as far as they see it; not who wrote this."""
    wrote = Comment.objects.filter(generation=generation, user__isnull=False, deleted_at=None).values("user")
    decided = Verdict.objects.filter(generation=generation, user__isnull=False).values("user")
    owner = generation.assigned_to_id or generation.user_id
    people = User.objects.filter(Q(pk__in={owner, *named}) | Q(pk__in=wrote) | Q(pk__in=decided), is_active=True)
    return [one for one in people if one.pk != author and _sees(one, generation)]


def _sees(person: User, generation: Generation) -> bool:
    return Generation.objects.visible_to(person).filter(pk=generation.pk).exists()


def _tell(people: Iterable[User], generation: Generation, **what: Any) -> None:
    now = timezone.now()
    for person in people:
        if person.wants(Kind.REVIEW, Channel.BELL):
            _ring(person, generation, now)
        if person.wants(Kind.REVIEW, Channel.EMAIL):
            ReviewMail.objects.get_or_create(user=person, **what)


def _ring(person: User, generation: Generation, now: datetime) -> None:
    """One unread line a video, however much is said of it: it counts, and comes up again."""
    unread = Notification.objects.filter(user=person, generation=generation, kind=Kind.REVIEW, read_at=None)
    if unread.update(count=F("count") + 1, created_at=now, changed_at=now):
        return
    one = Notification(user=person, generation=generation, team_id=generation.team_id, kind=Kind.REVIEW)
    Notification.objects.bulk_create([one], ignore_conflicts=True)  # another worker tells of another comment


def _send_mails() -> int:
    """One to each whose first news has waited for MAIL_AFTER."""
    due = ReviewMail.objects.values("user").annotate(first=Min("at")).filter(first__lte=timezone.now() - MAIL_AFTER)
    return sum(_send_mail(User.objects.get(pk=key)) for key in due.values_list("user", flat=True)[:_BATCH_SIZE])


def _send_mail(person: User) -> bool:
    """Claimed before it is sent: a worker killed in between loses the mail, and sends none twice."""
    with transaction.atomic():
        rows = list(_waiting(person).select_for_update(skip_locked=True, of=("self",)))
        ReviewMail.objects.filter(pk__in=[row.pk for row in rows]).delete()
    shown = _shown(person, rows)
    if not shown or not person.is_active or not person.wants(Kind.REVIEW, Channel.EMAIL):
        return False
    context = {"person": person, "said": shown[:_MOST_SHOWN], "count": len(shown), "more": len(shown) - _MOST_SHOWN}
    if send_email(person.email, "sharing/mail/review", context):
        return True
    _put_back(rows)
    return False


def _waiting(person: User) -> Any:
    rows = ReviewMail.objects.filter(user=person).order_by("at", "pk")
    return rows.select_related(
        *("comment__generation", "comment__user", "comment__guest"),
        *("verdict__generation", "verdict__user", "verdict__guest"),
    )


def _shown(person: User, rows: list[ReviewMail]) -> list[Comment | Verdict]:
    """What is still there, of videos that the person still sees."""
    said = [row.comment or row.verdict for row in rows]
    keys = {one.generation_id for one in said if one}
    seen = set(Generation.objects.visible_to(person).filter(pk__in=keys).values_list("pk", flat=True))
    return [one for one in said if one and one.generation_id in seen and not _is_gone(one)]


def _is_gone(one: Comment | Verdict) -> bool:
    return isinstance(one, Comment) and bool(one.deleted_at or one.hidden_at)


def _put_back(rows: list[ReviewMail]) -> None:
    """The mail server refused it: once more in a quarter of an hour, MAX_ATTEMPTS times in all."""
    now = timezone.now()
    again = [
        ReviewMail(
            user_id=row.user_id,
            comment_id=row.comment_id,
            verdict_id=row.verdict_id,
            at=now,
            attempts=row.attempts + 1,
        )
        for row in rows
        if row.attempts + 1 < MAX_ATTEMPTS
    ]
    ReviewMail.objects.bulk_create(again, ignore_conflicts=True)
