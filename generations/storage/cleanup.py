"""Remove objects from the bucket: empty the outbox of deletions, and put what has expired into it."""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.apps import apps
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Model

from generations import bucket
from generations.mirror import MirrorError, storage_errors
from generations.models import QUARANTINE, Film, FilmStatus, Generation, LibraryPicture, StorageDeletion, Upload

logger = logging.getLogger(__name__)

# keys beside those of videos and their pictures; by the models' names, since apps above this one are among them
OTHER_COLUMNS: Final = (("accounts.User", "avatar_key"), ("sharing.TeamSharing", "logo_key"))
PASS_SECONDS: Final = 5.0  # then the worker is free for other work; the rest waits for the next pass
REMOVAL_LOCK: Final = 0x1A13  # of PostgreSQL's advisory locks: shared by who removes, a backup's alone
LEASE: Final = timedelta(minutes=5)  # longer than the bucket's timeouts for a batch of one
_BATCH_SIZE: Final = 20  # claimed at once: a killed worker holds up no more than these
_UPLOAD_BATCH_SIZE: Final = 500
_TRASH_BATCH_SIZE: Final = 100
_GENERATION_KEY: Final = re.compile(
    r"(?:quarantine/)?teams/[0-9a-f-]{36}/generations/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/"
)

_FILM_KEY: Final = re.compile(
    r"(?:quarantine/)?teams/[0-9a-f-]{36}/films/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/"
)

_LIBRARY_KEY: Final = re.compile(
    r"teams/[0-9a-f-]{36}/library/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/"
)


@contextmanager
def removal_paused() -> Iterator[None]:
    """Nothing leaves the bucket meanwhile: a backup copies what was there at its moment. Its death ends it, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [REMOVAL_LOCK])
    try:
        yield
    finally:
        _resume_removal()


def _resume_removal() -> None:
    """A connection that has broken has taken its lock along."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [REMOVAL_LOCK])
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database connection has broken meanwhile: %s", error)
        connection.close()


def _may_remove() -> bool:
    """Until the end of the transaction, in which no backup begins."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [REMOVAL_LOCK])
        return bool(cursor.fetchone()[0])


def remove_objects() -> int:
    """Empty the outbox as far as the bucket lets; how many rows are done. Any number of workers may do it at once.

    A worker killed at any line leaves the row, which is due again when its lease has run out.
    """
    ends = time.monotonic() + PASS_SECONDS
    settled = 0
    while time.monotonic() < ends and _may_remove() and (rows := StorageDeletion.objects.claim_due(_BATCH_SIZE, LEASE)):
        settled += sum(_remove(row.pk) for row in rows)
    return settled


@transaction.atomic
def _remove(pk: int) -> bool:
    """Remove one object and its row. The row is locked meanwhile: its lease may have run out.

    The lock is waited for: a claim that comes too late for a row holds it for a moment before it lets go.
    """
    row = StorageDeletion.objects.select_for_update().filter(pk=pk).first()
    if row is None or not _may_remove():
        return False
    try:
        _remove_object(row.key)
    except MirrorError as error:
        logger.warning("The object %s is not removed: %s", row.key, error)
        row.record_failure(str(error))
        return False
    row.delete()
    return True


def _remove_object(key: str) -> None:
    """Raises MirrorError with the bucket's own message."""
    if is_referenced(key):
        logger.warning("An object is kept, since a row has it: %s", key)
        return
    with storage_errors():
        bucket.delete(key)


def other_columns() -> Iterator[tuple[type[Model], str]]:
    """Each column of OTHER_COLUMNS with its model."""
    return ((apps.get_model(name), column) for name, column in OTHER_COLUMNS)


@transaction.atomic
def is_referenced(key: str) -> bool:
    """Whether a row that is not deleted has this object, or can still get it.

    A generation is locked until the caller's transaction ends, so that it can't begin to want the object meanwhile.
    """
    if film := _FILM_KEY.match(key):
        return _is_of_film(key, film[1])
    if picture := _LIBRARY_KEY.match(key):
        row = LibraryPicture.objects.filter(pk=picture[1]).first()
        return row is not None and key in row.own_keys()
    generation_id = generation_id_in(key)
    if generation_id is None:
        others = (model._base_manager.filter(**{column: key}).exists() for model, column in other_columns())
        return Upload.objects.filter(key=key).exists() or any(others)
    rows = Generation.objects.filter(pk=generation_id, deleted_at=None)
    generation = rows.select_for_update(no_key=True).first()
    return generation is not None and key in generation.object_keys()


def _is_of_film(key: str, pk: str) -> bool:
    """One that failed or was canceled has none; the lock keeps it from being joined again meanwhile."""
    ended = [FilmStatus.FAILED, FilmStatus.CANCELED]
    row = Film.objects.filter(pk=pk).exclude(status__in=ended).select_for_update(no_key=True).first()
    return row is not None and key.removeprefix(QUARANTINE) in row.own_keys()


def generation_id_in(key: str) -> str | None:
    """The generation that owns an object, by its key alone."""
    match = _GENERATION_KEY.match(key)
    return match[1] if match else None


def delete_unused_uploads() -> int:
    """Let go of pictures that have waited in the composer for too long; how many."""
    swept = 0
    while count := _delete_unused_batch():
        swept += count
    return swept


@transaction.atomic
def _delete_unused_batch() -> int:
    """The locks wait for nobody, and see a row that was taken meanwhile as it is now."""
    forgotten = Upload.objects.unused().select_for_update(skip_locked=True, of=("self",))
    rows = list(forgotten[:_UPLOAD_BATCH_SIZE])
    StorageDeletion.objects.enqueue(row.key for row in rows)
    Upload.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def empty_trash() -> int:
    """Delete for good what has been in the trash for 30 days; how many."""
    emptied = 0
    while count := _empty_batch():
        emptied += count
    return emptied


def empty_picture_trash() -> int:
    """The same for pictures of libraries."""
    return LibraryPicture.objects.trash_expired().delete_with_objects()


@transaction.atomic
def _empty_batch() -> int:
    """The rows are locked, so that none is deleted that somebody takes out at this moment."""
    rows = Generation.objects.trash_expired().order_by("trashed_at").select_for_update(skip_locked=True, of=("self",))
    return sum(row.delete_permanently(None) for row in rows[:_TRASH_BATCH_SIZE])
