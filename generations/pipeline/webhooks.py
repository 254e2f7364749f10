"""Handle fal's webhooks. A webhook only says when to look; what became of the request is asked of fal itself.

A genuine webhook is about a job that fal has, and may charge for: whatever state the row is in, it takes the job up.
"""

import logging
import uuid
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from config.logging import bind_generation
from generations.fal.responses import RequestUrls
from generations.fal.webhooks import Delivery
from generations.fal_account import fal_config
from generations.models import AT_FAL, MOVES, Generation, Price, Status
from generations.pipeline import transitions
from generations.pipeline.duplicate import create_duplicate

logger = logging.getLogger(__name__)

_LATE_VIDEO_MESSAGE: Final = "fal has made this after all: it is kept and charged."


def receive_webhook(generation_id: uuid.UUID, delivery: Delivery) -> bool:
    """Take note of a genuine webhook; whether there is something to look at now. Doubled and late ones are harmless."""
    with bind_generation(generation_id):
        try:
            return _apply(generation_id, delivery, RequestUrls.for_id(fal_config(), delivery.request_id))
        except (IntegrityError, ValueError) as error:
            logger.warning("A webhook names a request that is not this one's: %s", error)
            return False


@transaction.atomic
def _apply(generation_id: uuid.UUID, delivery: Delivery, urls: RequestUrls) -> bool:
    row = Generation.objects.select_for_update().filter(pk=generation_id).first()
    if row is None:
        logger.warning("A webhook for a generation that does not exist")
        return False
    if row.request_id and row.request_id in {delivery.request_id, *delivery.other_ids}:
        return _record_end(row, delivery)
    known = Generation.objects.select_for_update(of=("self",)).filter(request_id=urls.request_id).first()
    if known:
        return known.parent_id == row.pk and _record_end(known, delivery)
    if row.deleted_at or row.taken_down_at:
        return _charge_removed(row, delivery, urls)
    if row.request_id:
        create_duplicate(row, urls)
        return True
    return _adopt(row, delivery, urls)


def _adopt(row: Generation, delivery: Delivery, urls: RequestUrls) -> bool:
    """The answer to the submit was lost, was an error, or is slower than the webhook."""
    if row.status == Status.HELD and row.uncertain_until:
        row.move(Status.QUEUED, event="It was approved after the backup from which the studio was restored.")
    if Status.RENDERING not in MOVES[Status(row.status)]:
        logger.error("fal has a request for a row that was never sent: %s (%s)", urls.request_id, row.status)
        row.events.create(status=row.status, message=f"fal has a request for this that nobody sent: {urls.request_id}")
        return False
    is_late = row.finished_at is not None and delivery.has_video
    return transitions.mark_at_fal(
        row, urls, None, event=_LATE_VIDEO_MESSAGE if is_late else "fal's webhook named the request."
    )


def _record_end(row: Generation, delivery: Delivery) -> bool:
    """fal is asked how. A row that has ended is opened again only for a video, which is paid for."""
    now = timezone.now()
    if row.status in AT_FAL:
        return bool(Generation.objects.filter(pk=row.pk).update(webhook_received_at=now, due_at=now))
    if not delivery.has_video or row.deleted_at or row.status not in {Status.CANCELED, Status.FAILED}:
        return False
    urls = RequestUrls(row.request_id or "", row.status_url, row.response_url, row.cancel_url)
    return transitions.mark_at_fal(row, urls, None, event=_LATE_VIDEO_MESSAGE)


def _charge_removed(row: Generation, delivery: Delivery, urls: RequestUrls) -> bool:
    """What was deleted stays deleted, and its price is still spent."""
    logger.error("fal has ended a request of a row that was deleted meanwhile: %s", urls.request_id)
    if not row.request_id:
        price = Price.objects.cents_or_zero(row.endpoint, row.duration) if delivery.has_video else 0
        Generation.objects.filter(pk=row.pk).update(
            request_id=urls.request_id, cost_cents=row.cost_cents or price, changed_at=timezone.now()
        )
        message = "fal has ended this after it was deleted. A video of it is charged and not kept."
        row.events.create(status=row.status, message=message)
    return False
