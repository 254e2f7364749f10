"""What is under way: it goes on with the new version. And what there is to go back to."""

from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from generations import tasks
from generations.doctor.outcome import Outcome, ok, warning
from generations.models import Backup, Status

MAX_BACKUP_AGE: Final = timedelta(days=1)
_BACKUP: Final = "Make one: `manage.py backup DIR`, or see that your point-in-time recovery works."
_SHOWN: Final = {
    Status.HELD: "wait for a yes",
    Status.QUEUED: "wait to be sent",
    Status.SUBMITTING: "are being sent",
    Status.RENDERING: "are at fal",
    Status.CANCELLING: "are being canceled",
    Status.MIRRORING: "are copied",
}


def under_way() -> Outcome:
    """By the columns that every version has."""
    if not _has_rows():
        return ok("Nothing is there yet.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, count(*) FROM generations_generation WHERE status = ANY(%s) GROUP BY status",
            [[str(status) for status in _SHOWN]],
        )
        counts = dict(cursor.fetchall())
    if not counts:
        return ok("Nothing is under way.")
    parts = [f"{counts[status]:,} {words}" for status, words in _SHOWN.items() if status in counts]
    return ok(
        f"{', '.join(parts)}. Nothing need wait for it: SIGTERM lets each process end what it has begun, and the new "
        "version goes on with the rows."
    )


def _has_rows() -> bool:
    """A first installation has not even the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('generations_generation') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def last_backup(*, has_migrations: bool) -> Outcome:
    """There is no way back from a migration but a backup."""
    if not _has_rows():
        return ok("Nothing is there yet.")
    try:
        with transaction.atomic():
            moment = Backup.objects.last_moment()
    except DatabaseError:  # its table comes with one of the migrations
        moment = None
    return judge_backup(moment, has_migrations=has_migrations)


def judge_backup(moment: datetime | None, *, has_migrations: bool) -> Outcome:
    if moment is None:
        told = "None is known; those made otherwise than by `manage.py backup` are not."
        return warning(told, _BACKUP) if has_migrations else ok(told)
    age = timezone.now() - moment
    told = f"The last is {age / timedelta(hours=1):,.1f} hours old."
    return warning(told, _BACKUP) if has_migrations and age > MAX_BACKUP_AGE else ok(told)


def queued_jobs() -> Outcome:
    """Jobs are wake-ups: one that the new version does not know fails, and its rows are found all the same."""
    jobs = tasks.queued_jobs()
    if jobs is None:
        return warning("Not known, since Redis does not answer.", "See `manage.py doctor`.")
    unknown = sorted(name for name in jobs if not tasks.is_known(name))
    if unknown:
        return warning(
            f"{len(unknown)} jobs of the old version have no function here, such as {unknown[0]}.",
            "They fail, and that is all: what they would have found, the next sweep finds.",
        )
    return ok(f"{len(jobs)} jobs wait; this version knows all of them.")
