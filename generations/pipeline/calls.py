"""fal calls: a request has ended. A call only says when to look; what became of the request is asked of fal itself."""

import logging
import uuid

from django.db import IntegrityError, transaction
from django.utils import timezone

from config.logging import naming
from generations.fal.answers import RequestUrls
from generations.models import AT_FAL, Generation, Status
from generations.pipeline import outcomes
from generations.pipeline.account import fal_config

logger = logging.getLogger(__name__)


def fal_called(generation_id: uuid.UUID, request_id: str) -> bool:
    """Take note of a genuine webhook; whether there is something to look at now. Doubled and late ones are harmless."""
    with naming(generation_id):
        try:
            return _take_note(generation_id, RequestUrls.for_id(fal_config(), request_id))
        except (IntegrityError, ValueError) as error:
            logger.warning("A webhook names a request that is not this one's: %s", error)
            return False


@transaction.atomic
def _take_note(generation_id: uuid.UUID, urls: RequestUrls) -> bool:
    row = Generation.objects.select_for_update().filter(pk=generation_id).first()
    if row is None:
        return False
    if not row.request_id and row.status in {Status.SUBMITTING, Status.FAILED}:
        # the answer to the submit was lost, or is slower than the webhook
        return outcomes.at_fal(row, urls, None, event="fal's webhook named the request.")
    if row.request_id != urls.request_id or row.status not in AT_FAL:
        return False
    now = timezone.now()
    return bool(Generation.objects.filter(pk=row.pk).update(called_at=now, due_at=now))
