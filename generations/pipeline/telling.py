"""A mail to whoever asked for a video, once it has ended: at most one about each, never twice.

A row is claimed before its mail is sent: a worker killed in between costs the mail, which only says what the page says.
"""

import logging
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import Truncator

from accounts.models import User
from generations.models import Generation, Status

logger = logging.getLogger(__name__)

NEWS_FOR: Final = timedelta(days=1)  # what ended longer ago is no news
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))  # between one try and the next
_SERVER_PATIENCE: Final = 10  # s
_WORDS_LENGTH: Final = 60  # characters of a prompt in a subject
_LISTED: Final = 50  # in one mail; the rest makes another


def tell_people() -> int:
    """Send what is to be told, a mail a person; how many mails. Any number of workers may do it at once."""
    mails = 0
    while rows := _claim_of_one_person():
        if not _send(rows):
            break
        mails += 1
    return mails


def _to_tell() -> QuerySet[Generation]:
    """Ended rows that nobody was told of. In these, `attempts` and `lease_until` are about the telling."""
    now = timezone.now()
    return Generation.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now),
        status__in=[Status.DONE, Status.FAILED, Status.REJECTED],
        notified_at=None,
        deleted_at=None,
        binned_at=None,
        finished_at__gte=now - NEWS_FOR,
        attempts__lte=len(PAUSES),
        user__email_notices=True,
        user__is_active=True,
        team__members=F("user"),  # who has left the team learns no more of its work
    ).order_by("finished_at")


@transaction.atomic
def _claim_of_one_person() -> list[Generation]:
    """All that is to be told to the person who waits the longest; from now on they count as told."""
    free = _to_tell().select_for_update(skip_locked=True, of=("self",))
    first = free.first()
    if first is None:
        return []
    rows = list(free.filter(user=first.user_id).select_related("user", "team")[:_LISTED])
    Generation.objects.filter(pk__in=[row.pk for row in rows]).update(notified_at=timezone.now())
    return rows


def _send(rows: list[Generation]) -> bool:
    """Whether the mail is on its way. What can't be sent now is put back, whatever the reason."""
    person = rows[0].user
    try:
        _mail(person, rows).send()
    except Exception as error:  # a mail server, or an address, can fail in many ways
        logger.warning("No mail to %s: %s: %s", person.email, type(error).__name__, error)
        _put_back(rows)
        return False
    return True


def _put_back(rows: list[Generation]) -> None:
    """Try again after the next pause; after the last there is no other try."""
    pks = [row.pk for row in rows]
    for tried, pause in enumerate((*PAUSES, NEWS_FOR)):
        Generation.objects.filter(pk__in=pks, attempts=tried, notified_at__isnull=False).update(
            notified_at=None, attempts=F("attempts") + 1, lease_until=timezone.now() + pause
        )


def _mail(person: User, rows: list[Generation]) -> EmailMultiAlternatives:
    name = "several" if len(rows) > 1 else "done" if rows[0].status == Status.DONE else "failed"
    context = _context(person, rows)
    mail = EmailMultiAlternatives(
        " ".join(_rendered(name, "_subject.txt", context).split()),
        _rendered(name, ".txt", context),
        to=[person.email],
        connection=get_connection(timeout=_SERVER_PATIENCE),
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no out-of-office notes in answer to it
    )
    mail.attach_alternative(_rendered(name, ".html", context), "text/html")
    return mail


def _context(person: User, rows: list[Generation]) -> dict[str, Any]:
    return {
        "person": person,
        "site": settings.SITE_URL,
        "generation": rows[0],
        "words": _first_words(rows[0].prompt),
        "made": [row for row in rows if row.status == Status.DONE],
        "failed": [row for row in rows if row.status != Status.DONE],
    }


def _first_words(prompt: str) -> str:
    """A header takes no line ends, and a mail program may obey what turns text around."""
    plain = "".join(character if character.isprintable() else " " for character in prompt)
    return Truncator(" ".join(plain.split())).chars(_WORDS_LENGTH)


def _rendered(name: str, part: str, context: dict[str, Any]) -> str:
    return render_to_string(f"generations/mail/{name}{part}", context)
