"""Move the file of a film under `quarantine/` while one of its parts is taken down, and back when none is any more.

From the take-down on nobody sees the film (`visible_to`); this lets addresses that were handed out before lead nowhere.
"""

import logging
import uuid
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from django.db import transaction
from django.utils import timezone

from generations.bucket import BucketDownError
from generations.models import QUARANTINE, Film
from generations.moderation.quarantine import move_object

logger = logging.getLogger(__name__)

_BATCH_SIZE: Final = 50  # a pass


def move_pending() -> int:
    """Move what lies in the wrong place; how many. Any number of workers may, and a killed pass is repeated."""
    rows = Film.objects.misplaced().order_by("created_at")
    return sum(_move(pk) for pk in rows.values_list("pk", flat=True)[:_BATCH_SIZE])


def _move(pk: uuid.UUID) -> bool:
    try:
        with transaction.atomic():
            return _move_locked(pk)
    except (BucketDownError, BotoCoreError, ClientError) as error:
        logger.warning("The objects of the film %s are not moved yet: %s", pk, error)
        return False


def _move_locked(pk: uuid.UUID) -> bool:
    row = Film.objects.misplaced().filter(pk=pk).select_for_update(no_key=True, of=("self",)).first()
    if row is None:
        return False
    is_down = row.quarantined_at is None
    for key in row.own_keys():
        there = f"{QUARANTINE}{key}"
        move_object(key, there) if is_down else move_object(there, key)
    now = timezone.now()
    Film.objects.filter(pk=pk).update(quarantined_at=now if is_down else None, changed_at=now)
    return True
