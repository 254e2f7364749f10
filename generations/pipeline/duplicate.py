"""fal has two jobs for one order and charges for both: the second becomes a row of its own, and is copied too."""

import logging

from django.db import IntegrityError, transaction
from django.utils import timezone

from generations.bucket import BucketDownError
from generations.fal.responses import RequestUrls
from generations.models import Generation, InputPicture, Price, Relation, Slot, Status
from generations.orders.place import copy_picture

logger = logging.getLogger(__name__)

_MESSAGE = "fal has made this order twice, and charges for both: this is the second one."


def create_duplicate(row: Generation, urls: RequestUrls) -> None:
    """Write down the second job; once, however often fal tells of it. Nobody asked for it, so no budget refuses it."""
    logger.error("fal has a second job for one order: %s besides %s", urls.request_id, row.request_id)
    try:
        with transaction.atomic():
            duplicate = Generation.objects.create(**_columns(row), **_request_fields(urls))
            duplicate.events.create(status=duplicate.status, message=_MESSAGE)
    except IntegrityError:
        logger.info("The second job has a row already")
    else:
        _copy_pictures(row, duplicate)


def _copy_pictures(row: Generation, duplicate: Generation) -> None:
    """Without them the video is copied all the same."""
    try:
        copies = [copy_picture(duplicate, Slot(picture.slot), picture) for picture in row.pictures.all()]
    except BucketDownError as error:
        logger.warning("The second job's pictures are not copied: %s", error)
    else:
        InputPicture.objects.bulk_create(copies)


def _columns(row: Generation) -> dict[str, object]:
    """The same order for the same people."""
    return {
        "team": row.team,
        "user": row.user,
        "assigned_to": row.assigned_to,
        "parent": row,
        "relation": Relation.RETRY,
        "collection": row.collection,
        "billed_project": row.billed_project,
        "is_private": row.is_private,
        "awaits_review": row.awaits_review,
        **row.request_columns(),
        "submitted_at": row.submitted_at or timezone.now(),
        "cost_cents": Price.objects.cents_or_zero(row.endpoint, row.duration),
    }


def _request_fields(urls: RequestUrls) -> dict[str, object]:
    return {
        "status": Status.RENDERING,
        "request_id": urls.request_id,
        "status_url": urls.status_url,
        "response_url": urls.response_url,
        "cancel_url": urls.cancel_url,
    }
