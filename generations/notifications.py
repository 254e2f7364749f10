"""Send a mail about ended generations to users who want one: at most one about each, never two.

A row is claimed before its mail is sent. A worker killed in between loses the mail, which only says what the page says.
"""

from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.text import Truncator

from accounts.emails import send_email
from generations.models import Generation, Status

NOTIFY_WITHIN: Final = timedelta(days=1)  # what ended longer ago is no news
RETRY_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))  # between one try and the next
_SUBJECT_PROMPT_LENGTH: Final = 60  # characters of a prompt in a subject
_BATCH_SIZE: Final = 50  # in one mail; the rest makes another


def send_notifications() -> int:
    """Send what is to be told, a mail a person; how many mails. Any number of workers may do it at once."""
    mails = 0
    while rows := _claim_next_user():
        if not _send(rows):
            break
        mails += 1
    return mails


def _unnotified() -> QuerySet[Generation]:
    """Ended rows whose notification is due. In these, `attempts` and `lease_until` are about the mail."""
    now = timezone.now()
    return Generation.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now),
        status__in=[Status.DONE, Status.FAILED, Status.REJECTED],
        notified_at=None,
        deleted_at=None,
        trashed_at=None,
        finished_at__gte=now - NOTIFY_WITHIN,
        attempts__lte=len(RETRY_DELAYS),
        user__email_notices=True,
        user__is_active=True,
        team__members=F("user"),  # who has left the team learns no more of its work
    ).order_by("finished_at")


@transaction.atomic
def _claim_next_user() -> list[Generation]:
    """All that is to be told to the person who waits the longest; from now on they count as told."""
    free = _unnotified().select_for_update(skip_locked=True, of=("self",))
    first = free.first()
    if first is None:
        return []
    rows = list(free.filter(user=first.user_id).select_related("user", "team")[:_BATCH_SIZE])
    Generation.objects.filter(pk__in=[row.pk for row in rows]).update(notified_at=timezone.now())
    return rows


def _send(rows: list[Generation]) -> bool:
    """Whether the mail is on its way. What can't be sent now is put back, whatever the reason."""
    name = "several" if len(rows) > 1 else "done" if rows[0].status == Status.DONE else "failed"
    is_sent = send_email(rows[0].user.email, f"generations/mail/{name}", _context(rows))
    if not is_sent:
        _reschedule(rows)
    return is_sent


def _reschedule(rows: list[Generation]) -> None:
    """Try again after the next pause; after the last there is no other try."""
    pks = [row.pk for row in rows]
    for tried, pause in enumerate((*RETRY_DELAYS, NOTIFY_WITHIN)):
        Generation.objects.filter(pk__in=pks, attempts=tried, notified_at__isnull=False).update(
            notified_at=None, attempts=F("attempts") + 1, lease_until=timezone.now() + pause
        )


def _context(rows: list[Generation]) -> dict[str, Any]:
    return {
        "person": rows[0].user,
        "generation": rows[0],
        "words": _short_prompt(rows[0].prompt),
        "made": [row for row in rows if row.status == Status.DONE],
        "failed": [row for row in rows if row.status != Status.DONE],
    }


def _short_prompt(prompt: str) -> str:
    """A header takes no line ends, and a mail program may obey what turns text around."""
    plain = "".join(character if character.isprintable() else " " for character in prompt)
    return Truncator(" ".join(plain.split())).chars(_SUBJECT_PROMPT_LENGTH)
