"""What a database of the past must know before anything drives its rows: that fal, people and the mail server went on.

The same for a backup and for any point-in-time recovery. What may have been sent since is searched for at fal and sent
only once it is known not to be there; no mail goes out a second time; nobody stays signed in.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from config.migrations import unapplied_migrations
from generations import tasks
from generations.backup.exceptions import BackupError
from generations.models import DRIVEN, OPEN, Event, Generation, Notification, Status, SubmitPause
from generations.notifications import create_notifications
from generations.pipeline import lost_answers

BARRIER: Final = "restoring"
_BARRIER_MESSAGE: Final = "A database was restored here, and not yet prepared: run `manage.py after_restore`."
_ALIVE_WITHIN: Final = timedelta(minutes=1)  # each tells Redis of itself every few seconds
_FOREVER: Final = timedelta(days=36_500)
_EVENT: Final = "The studio was restored from a backup."
_BATCH_SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """How many rows are searched for at fal, go on there or are copied, wait for a yes; and mails that are not sent."""

    searched: int
    at_fal: int
    copied: int
    held: int
    mails: int
    sessions: int


_steps: Final[list[Callable[[datetime], object]]] = []


def add_step(step: Callable[[datetime], object]) -> None:
    """For an app that knows this one: `step` prepares its rows. Before the moment that it is given, they are unsure."""
    _steps.append(step)


def raise_barrier() -> None:
    """Nothing is sent until `mark_restored` is through, whoever starts a worker meanwhile."""
    now = timezone.now()
    SubmitPause.objects.all().delete()
    SubmitPause.objects.create(reason=BARRIER, message=_BARRIER_MESSAGE, since=now, try_at=now + _FOREVER)


def refuse_company() -> None:
    """Raises BackupError where another process of the studio may be at work."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND application_name = current_setting('application_name')"
        )
        (others,) = cursor.fetchone()
    if others:
        raise BackupError(
            f"{others} processes of the studio are connected to this database. Stop web, worker and cron, on every "
            "host, first."
        )
    if alive := tasks.working_processes(_ALIVE_WITHIN):
        raise BackupError(
            f"{alive} workers or cron processes were alive within the last minute, by Redis. Stop them first; where "
            "they were killed, wait a minute."
        )


def mark_restored(until: datetime | None = None) -> Restored:
    """Prepare the rows. Before `until`, now if it isn't given, something unknown may have happened to each of them.

    Harmless when repeated. Raises BackupError.
    """
    if missing := unapplied_migrations():
        raise BackupError(f"{len(missing)} migrations are not applied: run `manage.py migrate` first.")
    refuse_company()
    now = timezone.now()
    until = until or now
    if until > now:
        raise BackupError(f"{until.isoformat()} is in the future. Say when the studio was stopped at the latest.")
    with transaction.atomic():
        result = _mark(until)
        SubmitPause.objects.filter(reason=BARRIER).delete()
    return result


def mark_unchanged() -> Restored:
    """The studio was stopped before the backup and has not run since: nothing happened that is not known."""
    with transaction.atomic():
        _free_leases()
        SubmitPause.objects.filter(reason=BARRIER).delete()
        return _restored()


def _mark(until: datetime) -> Restored:
    _free_leases()
    Generation.objects.filter(status__in=sorted(OPEN)).update(uncertain_until=until)
    unsent = Generation.objects.filter(status__in=[Status.HELD, Status.QUEUED], submitted_at=None)
    unsent.update(submitted_at=F("changed_at"))  # not before then, if at all
    _note(Generation.objects.filter(status__in=sorted(OPEN - {Status.QUEUED})).values_list("pk", "status"))
    waiting = Generation.objects.filter(status=Status.QUEUED).select_for_update(of=("self",))
    for row in waiting.iterator(chunk_size=_BATCH_SIZE):
        lost_answers.begin_search(row)
    submitting = Generation.objects.filter(status=Status.SUBMITTING, reason__in=["", "answer_lost"])
    submitting.update(reason="restored", message=lost_answers.RESTORED_MESSAGE)
    for step in _steps:
        step(until)
    searched = Generation.objects.filter(status=Status.SUBMITTING).count()
    return _restored(searched, _keep_mails(), _end_sessions())


def _restored(searched: int = 0, mails: int = 0, sessions: int = 0) -> Restored:
    """With what the rows themselves say."""

    def count(*statuses: Status) -> int:
        return Generation.objects.filter(status__in=statuses).count()

    return Restored(
        searched=searched,
        at_fal=count(Status.RENDERING, Status.CANCELLING),
        copied=count(Status.MIRRORING),
        held=count(Status.HELD),
        mails=mails,
        sessions=sessions,
    )


def _free_leases() -> None:
    """Whoever held a row is gone, and every open row is looked at now."""
    rows = Generation.objects.filter(status__in=sorted(DRIVEN))
    rows.update(lease=None, lease_until=None, due_at=timezone.now())


def _note(rows: Iterable[tuple[uuid.UUID, str]]) -> None:
    """In the log of each, where whoever looks at it finds out why it began anew."""
    events = [Event(generation_id=pk, status=status, message=_EVENT) for pk, status in rows]
    Event.objects.bulk_create(events, batch_size=_BATCH_SIZE)


def _keep_mails() -> int:
    """What is not told yet is told under the bell alone: its mail may have gone out since the backup."""
    create_notifications()
    return Notification.objects.filter(email_due_at__isnull=False).update(email_due_at=None)


def _end_sessions() -> int:
    """One that was ended since the backup must not be alive again."""
    UserSession.objects.all().delete()
    return Session.objects.all().delete()[0]
