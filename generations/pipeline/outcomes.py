"""fal's answers and errors as moves of a row, with words for the person who waits for it."""

import logging
from typing import Any

from generations.fal.advice import advise
from generations.fal.answers import RequestUrls
from generations.fal.errors import FalError
from generations.models import Generation, Status
from generations.pipeline import schedule

logger = logging.getLogger(__name__)


def at_fal(row: Generation, urls: RequestUrls, position: int | None, event: str = "") -> None:
    """fal has the request: its id is written down at once, whatever became of the lease meanwhile."""
    row.move(
        Status.RENDERING,
        event=event,
        request_id=urls.request_id,
        status_url=urls.status_url,
        response_url=urls.response_url,
        cancel_url=urls.cancel_url,
        queue_position=position,
    )


def not_sent(row: Generation, error: FalError) -> None:
    """Nothing was queued or charged: try again later, or say why that is useless."""
    if error.permanent:
        fail(row, error)
        return
    attempts = row.attempts + 1
    delay = schedule.retry_delay(attempts, error.retry_after)
    words = _words(error)
    if row.status == Status.SUBMITTING:
        row.move(Status.QUEUED, held=True, event=words["message"], lease=row.lease)
    row.put_off(delay, attempts=attempts, **words)


def no_bucket(row: Generation, error: Exception) -> None:
    """The picture to send lies in a bucket that does not answer; nothing has been ordered yet."""
    logger.warning("The bucket does not hand out the picture: %s", error)
    attempts = row.attempts + 1
    row.put_off(
        schedule.retry_delay(attempts),
        attempts=attempts,
        reason="storage_unavailable",
        message="The studio's bucket does not answer. Trying again; tell an admin if this lasts.",
    )


def ask_again(row: Generation, error: FalError) -> None:
    """fal gave no verdict: the job goes on, we ask again."""
    logger.info("No verdict yet: %s", error)
    attempts = row.attempts + 1
    row.put_off(schedule.retry_delay(attempts, error.retry_after), attempts=attempts, **_words(error))


def fail(row: Generation, error: FalError) -> None:
    """fal's verdict, or a refusal that stands."""
    logger.info("Failed: %s", error)
    advice = advise(error)
    cost = 0 if error.charged is False else row.cost_cents
    row.move(Status.FAILED, held=True, fixer=advice.fixer, cost_cents=cost, **_words(error))


def _words(error: FalError) -> dict[str, Any]:
    advice = advise(error)
    return {"reason": advice.reason, "message": advice.message, "fal_words": error.message}
