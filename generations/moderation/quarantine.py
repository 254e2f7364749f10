"""Move the objects of a removed video under `quarantine/`, and back when it is restored; a film goes with its parts.

Addresses that were handed out before then lead nowhere. The columns say where objects belong; a pass that was killed
or met a bucket that was down is repeated.
"""

import logging
import uuid
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from generations import bucket
from generations.bucket import BucketDownError
from generations.fal.client import FalClient
from generations.fal.errors import FalError
from generations.fal_account import fal_config
from generations.models import QUARANTINE, Film, Generation
from generations.models.generation_queryset import GenerationQuerySet

logger = logging.getLogger(__name__)

_MISPLACED: Final = Q(taken_down_at__isnull=False, quarantined_at=None) | Q(
    taken_down_at=None, quarantined_at__isnull=False
)
_BATCH_SIZE: Final = 50  # a pass


def move_pending() -> int:
    """Move what still lies in the wrong place, and have fal delete its copies; how many. Any number of workers may."""
    return _move_all(_misplaced().order_by("taken_down_at")) + _delete_at_fal()


def move_films() -> int:
    """The same for films with a part that was taken down, or restored."""
    return _move_all(Film.objects.misplaced().order_by("created_at"))


def move_objects(pk: uuid.UUID) -> bool:
    """Whether this call put a video's objects where they belong."""
    return _move(_misplaced(), pk)


def _misplaced() -> GenerationQuerySet:
    return Generation.objects.filter(_MISPLACED, deleted_at=None)


def _move_all(rows: "QuerySet[Any]") -> int:
    return sum(_move(rows, pk) for pk in rows.values_list("pk", flat=True)[:_BATCH_SIZE])


def _move(rows: "QuerySet[Any]", pk: uuid.UUID) -> bool:
    try:
        with transaction.atomic():
            return _move_locked(rows, pk)
    except (BucketDownError, BotoCoreError, ClientError) as error:
        logger.warning("The objects of %s are not moved yet: %s", pk, error)
        return False


def _move_locked(rows: "QuerySet[Any]", pk: uuid.UUID) -> bool:
    row = rows.filter(pk=pk).select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        return False
    is_removed = row.quarantined_at is None
    for key in sorted(row.own_keys()):
        there = f"{QUARANTINE}{key}"
        _move_object(key, there) if is_removed else _move_object(there, key)
    now = timezone.now()
    rows.model._default_manager.filter(pk=pk).update(quarantined_at=now if is_removed else None, changed_at=now)
    return True


def _move_object(source: str, target: str) -> None:
    """One that is not there was moved before, or never was."""
    if bucket.size_or_none(source) is not None:
        bucket.copy(source, target)
        bucket.delete(source)


def _delete_at_fal() -> int:
    """fal's copies of what was taken down, and its record of what went in."""
    rows = Generation.objects.filter(taken_down_at__isnull=False, fal_copy_deleted_at=None, request_id__isnull=False)
    ids = list(rows.order_by("taken_down_at").values_list("pk", "request_id")[:_BATCH_SIZE])
    deleted = 0
    with FalClient(fal_config()) as client:
        for pk, request_id in ids:
            try:
                client.delete_payloads(str(request_id))
            except FalError as error:
                logger.warning("fal has not deleted its copy of %s yet: %s", pk, error)
                break
            deleted += Generation.objects.filter(pk=pk).update(fal_copy_deleted_at=timezone.now())
    return deleted
