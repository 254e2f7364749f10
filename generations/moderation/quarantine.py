"""Move the objects of a removed video under `quarantine/`, and back when it is restored.

Addresses that were handed out before then lead nowhere. The columns say where objects belong; a pass that was killed
or met a bucket that was down is repeated.
"""

import logging
import uuid

from botocore.exceptions import BotoCoreError, ClientError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from generations import bucket
from generations.bucket import BucketDownError
from generations.fal.client import FalClient
from generations.fal.errors import FalError
from generations.fal_account import fal_config
from generations.models import QUARANTINE, Generation

logger = logging.getLogger(__name__)

_TO_MOVE = Q(taken_down_at__isnull=False, quarantined_at=None) | Q(taken_down_at=None, quarantined_at__isnull=False)
_BATCH_SIZE = 50  # a pass


def move_pending() -> int:
    """Move what still lies in the wrong place, and have fal delete its copies; how many. Any number of workers may."""
    rows = Generation.objects.filter(_TO_MOVE, deleted_at=None).order_by("taken_down_at")
    return sum(move_objects(pk) for pk in rows.values_list("pk", flat=True)[:_BATCH_SIZE]) + _delete_at_fal()


def move_objects(pk: uuid.UUID) -> bool:
    """Whether this call put its objects where they belong."""
    try:
        with transaction.atomic():
            return _move_objects(pk)
    except (BucketDownError, BotoCoreError, ClientError) as error:
        logger.warning("The objects of %s are not moved yet: %s", pk, error)
        return False


def _move_objects(pk: uuid.UUID) -> bool:
    rows = Generation.objects.select_for_update(no_key=True, of=("self",)).filter(_TO_MOVE, pk=pk, deleted_at=None)
    row = rows.first()
    if row is None:
        return False
    for key in sorted(row.own_keys()):
        there = f"{QUARANTINE}{key}"
        move_object(key, there) if row.taken_down_at else move_object(there, key)
    now = timezone.now()
    Generation.objects.filter(pk=pk).update(quarantined_at=now if row.taken_down_at else None, changed_at=now)
    return True


def move_object(source: str, target: str) -> None:
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
