"""Turn fal's answers and errors into moves of a row, with a message for the user who waits."""

import logging
import uuid
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from generations.fal.error_messages import ResponsibleParty, explain
from generations.fal.errors import AccountLocked, Cancelled, FalError, KeyRefused
from generations.fal.responses import RequestUrls
from generations.models import MOVES, Generation, Price, Status, SubmitPause
from generations.pipeline import schedule
from generations.pipeline.duplicate import create_duplicate

logger = logging.getLogger(__name__)

ERRORS_BEFORE_ATTENTION: Final = 3

_NOT_LOST: Final = "It is not lost."


def mark_at_fal(
    row: Generation,
    urls: RequestUrls,
    position: int | None,
    *,
    event: str = "",
    by: User | None = None,
    asked_in: timedelta = timedelta(0),
) -> bool:
    """fal has the request: its id is written down at once, whatever became of the lease meanwhile."""
    came = row.move(
        Status.RENDERING,
        by=by,
        event=event,
        due_at=timezone.now() + asked_in,
        request_id=urls.request_id,
        status_url=urls.status_url,
        response_url=urls.response_url,
        cancel_url=urls.cancel_url,
        queue_position=position,
        cost_cents=_cost(row),
    )
    if came:
        _cancel_if_requested(row)
        return True
    return _handle_late_answer(row, urls)


def _cost(row: Generation) -> int:
    """The cost of what was given up or canceled was released; fal charges for it after all."""
    return row.cost_cents or Price.objects.cents_or_zero(row.endpoint, row.duration)


def _cancel_if_requested(row: Generation) -> None:
    """Somebody asked for a cancel while the request was on its way."""
    row.refresh_from_db(fields=["cancel_requested_at"])
    if row.cancel_requested_at:
        row.move(Status.CANCELLING)


def _handle_late_answer(row: Generation, urls: RequestUrls) -> bool:
    """The row moved on before the answer came: the webhook was first, or it was given up and is taken up again."""
    row.refresh_from_db()
    if row.request_id == urls.request_id:
        return True
    if row.request_id:
        create_duplicate(row, urls)
        return True
    return Status.RENDERING in MOVES[Status(row.status)] and mark_at_fal(
        row, urls, None, event="fal's answer came after all."
    )


def retry_or_fail(row: Generation, error: FalError) -> None:
    """Nothing was queued or charged: try again later, or say why that is useless."""
    if isinstance(error, KeyRefused | AccountLocked):
        _pause_submitting(row, error)
    elif error.permanent:
        fail(row, error)
    else:
        delay = schedule.retry_delay(row.attempts + 1, error.retry_after)
        _requeue(row, delay, _error_fields(error))


def _pause_submitting(row: Generation, error: FalError) -> None:
    """No request would be taken now, so none is sent until fal takes this one; it is the first to be tried again."""
    fields = _error_fields(error)
    SubmitPause.objects.begin_or_extend(fields["reason"], fields["message"])
    _requeue(row, timedelta(0), fields)


@transaction.atomic
def _requeue(row: Generation, delay: timedelta, fields: dict[str, Any]) -> None:
    attempts = row.attempts + 1
    if row.status == Status.QUEUED:
        row.reschedule(delay, attempts=attempts, **fields)
    elif row.move(Status.QUEUED, leased=True, due_at=timezone.now() + delay, attempts=attempts, **fields):
        row.refresh_from_db(fields=["cancel_requested_at"])
        if row.cancel_requested_at:
            row.move(Status.CANCELED, cost_cents=0)


def mark_not_taken(row: Generation) -> None:
    """fal does not know the id that its error bore, for long enough: it took nothing, and the row is sent again."""
    fields = {"reason": "not_taken", "message": "fal failed before it took this. It is sent again."}
    _requeue(row, schedule.retry_delay(row.attempts + 1), fields)


def mark_not_sent(row: Generation) -> None:
    """Nothing was sent of it after the backup from which it comes: it is sent now."""
    fields = {"reason": "", "message": "It was not sent before the studio was restored. It is sent now."}
    _requeue(row, timedelta(0), {**fields, "uncertain_until": None})


def handle_bucket_down(row: Generation, error: Exception) -> None:
    """The picture to send lies in a bucket that does not answer; nothing has been ordered yet."""
    logger.warning("The bucket does not hand out the picture: %s", error)
    attempts = row.attempts + 1
    row.reschedule(
        schedule.retry_delay(attempts),
        attempts=attempts,
        reason="storage_unavailable",
        message="The studio's bucket does not answer. Trying again; tell an admin if this lasts.",
    )


def fail_unsent(row: Generation) -> None:
    """Its picture may not be used any more: nothing has been ordered."""
    message = "A picture of this was removed while it waited. Nothing was sent or spent. Choose another picture."
    row.move(
        Status.FAILED,
        leased=True,
        responsible_party=ResponsibleParty.USER,
        cost_cents=0,
        reason="picture_removed",
        message=message,
    )


def poll_again(row: Generation, error: FalError) -> None:
    """fal gave no verdict: the job goes on, we ask again."""
    logger.info("fal has no verdict yet: %s", error)
    attempts = row.attempts + 1
    delay = schedule.retry_delay(attempts, error.retry_after)
    if is_overdue(row):
        request_attention(row, delay, attempts=attempts)
    else:
        row.reschedule(delay, attempts=attempts, **_error_fields(error))


def is_overdue(row: Generation) -> bool:
    """Whether machines alone have waited long enough; anew from when a request that was lost was taken up."""
    since = timezone.now() - schedule.give_up_after()
    if (row.submitted_at or row.changed_at) > since:
        return False
    return not row.events.filter(status=Status.RENDERING, at__gt=since).exists()


def request_attention(row: Generation, delay: timedelta, **changes: Any) -> None:
    """Too old for machines alone: it shows in the admin until a person, or fal after all, ends it.

    After trouble on the way it is soon asked for again: nobody need look at what machines resolve in a minute.
    """
    hours = settings.GENERATION_GIVE_UP_HOURS
    message = f"fal has not finished this within {hours:g} hours. An admin has been asked to look; it is not lost."
    since = row.needs_attention_since or timezone.now()
    news = (
        {} if row.needs_attention_since else {"needs_attention_since": since, "message": message, "reason": "overdue"}
    )
    row.reschedule(delay, **changes, **news)


def record_step_error(row: Generation, lease: uuid.UUID | None, error: Exception) -> None:
    """A step raised what nobody foresaw: the row says so, and after a few tries an admin is asked."""
    row.refresh_from_db(fields=["status", "attempts", "needs_attention_since"])
    row.lease = lease  # what the step has changed in memory may be undone in the database
    text = f"The studio failed here ({type(error).__name__}). "
    attempts = row.attempts + 1
    changes: dict[str, Any] = {"attempts": attempts, "reason": "studio_error", "provider_message": f"{error}"[:2000]}
    if attempts < ERRORS_BEFORE_ATTENTION:
        row.reschedule(schedule.retry_delay(attempts), message=f"{text}Trying again.", **changes)
        return
    changes["needs_attention_since"] = row.needs_attention_since or timezone.now()
    row.reschedule(
        schedule.slow_poll_delay(),
        message=f"{text}It stays so; an admin has been asked to look. {_NOT_LOST}",
        **changes,
    )


def mark_canceled(row: Generation, cost_cents: int = 0) -> None:
    """fal confirms that there will be no video, and charges nothing unless it says so."""
    row.move(Status.CANCELED, leased=True, cost_cents=cost_cents)


def fail(row: Generation, error: FalError) -> None:
    """fal's verdict, or a refusal that stands."""
    cost = 0 if error.charged is False else row.cost_cents
    if isinstance(error, Cancelled) and (row.status == Status.CANCELLING or row.cancel_requested_at):
        mark_canceled(row, cost)
        return
    logger.info("The request failed: %s", error)
    advice = explain(error)
    row.move(
        Status.FAILED,
        leased=True,
        responsible_party=advice.responsible_party,
        cost_cents=cost,
        **_error_fields(error),
    )


def _error_fields(error: FalError) -> dict[str, Any]:
    advice = explain(error)
    return {"reason": advice.reason, "message": advice.message, "provider_message": error.message}
