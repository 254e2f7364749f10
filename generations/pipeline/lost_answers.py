"""Find a request whose POST was not answered, or got an error that proves nothing: fal may have it, and charge for it.

It is never sent again unless fal says, by the id that its error bore and for long enough, that it has no such request.
Otherwise fal's own list of our requests is searched until it turns up, or until a webhook names it.

What the list does not have after `schedule.give_up_after` was never queued, and is released at no cost. By then fal has
ended whatever it took: the request may wait for `schedule.start_timeout` and run for an hour, and the list shows what
has ended, well or badly. A person must decide only where the list proves nothing: it can't be read with our key, or
has requests that may be this one.

A row of a restored database is searched for in the same way, over all the time in which it may have been sent
(`uncertain_until`). What fal's list does not have by then is no failure: it is sent.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from generations.fal.arguments import to_json
from generations.fal.client import AsyncFalClient
from generations.fal.error_messages import ResponsibleParty
from generations.fal.errors import FalError, NotFound
from generations.fal.responses import FalConfig, ListedRequest, RequestUrls
from generations.models import Generation, InputPicture, Status
from generations.pipeline import schedule, transitions
from generations.pipeline.arguments import arguments_of
from generations.pipeline.db_retry import with_db_retry

logger = logging.getLogger(__name__)

_CLOCK_SKEW: Final = timedelta(seconds=30)
_FIRST_CHECK_DELAY: Final = timedelta(seconds=5)
_LIKELY_WITHIN: Final = timedelta(hours=1)
_NAMED: Final = "https://picture.invalid/"  # before the SHA-256 of a picture whose address is not known

_SEARCHING_MESSAGE: Final = (
    "fal's answer was lost on the way. Looking for the request in fal's own list; it is not sent again."
)
_ASKING_MESSAGE: Final = "fal answered with an error. Asking fal whether it took the request all the same."
_UNKNOWN_MESSAGE: Final = (
    "fal's answer was lost, and it can't be told from its list of requests whether it has this one. It may have been "
    "charged: an admin can look it up in fal's dashboard."
)
RESTORED_MESSAGE: Final = (
    "The studio was restored from a backup. Looking in fal's list whether this was sent since; it is not sent again "
    "before that is known."
)
LOST_REASONS: Final = ("answer_lost", "restored")
_NEVER_QUEUED_MESSAGE: Final = (
    "fal's answer was lost, and its list of requests does not have this one: it was never queued. Try again."
)


@dataclass(frozen=True, slots=True)
class _SearchResult:
    """What fal's list has: requests that are certainly like the row's, and whether others may be it."""

    same: list[ListedRequest]
    perhaps: bool


async def begin(row: Generation, error: FalError, fal: AsyncFalClient) -> None:
    """The POST has brought `error`, which leaves open whether the request is in fal's queue."""
    is_taken = error.status is not None and error.status < 300  # it said yes, in words that can't be read
    if is_taken and error.request_id and await _is_known(RequestUrls.for_id(fal.config, error.request_id), fal):
        await with_db_retry(_adopt_by_id, row, RequestUrls.for_id(fal.config, error.request_id))
    else:
        await with_db_retry(_record_lost_answer, row, error, "" if is_taken else error.request_id or "")


async def look_for(row: Generation, fal: AsyncFalClient) -> None:
    """What has become of a `submitting` row whose worker is gone, or whose answer was lost?"""
    if row.unconfirmed_id:
        await _check_by_id(row, RequestUrls.for_id(fal.config, row.unconfirmed_id), fal)
    else:
        await _search(row, fal)


def begin_search(row: Generation) -> bool:
    """A row of a restored database may have been sent since the backup: first find out. Whether it is ours to do so."""
    return row.move(
        Status.SUBMITTING,
        leased=True,
        submitted_at=row.submitted_at or row.changed_at,
        reason="restored",
        message=RESTORED_MESSAGE,
    )


def _record_lost_answer(row: Generation, error: FalError, unconfirmed_id: str) -> None:
    logger.warning("fal's answer to the submit was lost: %s", error)
    row.update_if_leased(
        reason="answer_lost",
        message=_ASKING_MESSAGE if unconfirmed_id else _SEARCHING_MESSAGE,
        provider_message=error.message,
        unconfirmed_id=unconfirmed_id,
        due_at=timezone.now() + _FIRST_CHECK_DELAY,
        lease=None,
        lease_until=None,
    )


# --- by the id that the error bore ------------------------------------------------------------------------------------


async def _is_known(urls: RequestUrls, fal: AsyncFalClient) -> bool:
    try:
        await fal.status(urls)
    except FalError:
        return False
    return True


async def _check_by_id(row: Generation, urls: RequestUrls, fal: AsyncFalClient) -> None:
    """Trouble while asking says nothing."""
    try:
        await fal.status(urls)
    except NotFound:
        await _handle_unknown_id(row, fal)
    except FalError as error:
        await with_db_retry(transitions.poll_again, row, error)
    else:
        await with_db_retry(_adopt_by_id, row, urls)


async def _handle_unknown_id(row: Generation, fal: AsyncFalClient) -> None:
    """Said twice, a minute apart, it is so; fal's own parts may hear of a new request one after the other.

    The id may have been of the call and not of the job: what fal's list has by then is not sent again.
    """
    now = timezone.now()
    since = row.unknown_since or now
    if now - since < schedule.UNKNOWN_CONFIRM_DELAY:
        await with_db_retry(_wait_for_fal, row, since + schedule.UNKNOWN_CONFIRM_DELAY - now, since)
        return
    try:
        found = await _find(row, fal)
    except FalError as error:
        await with_db_retry(_requeue if error.permanent else transitions.poll_again, row, error)
    else:
        await with_db_retry(_adopt_or_requeue, row, found, fal.config)


def _wait_for_fal(row: Generation, delay: timedelta, since: datetime) -> None:
    row.reschedule(delay, unknown_since=since)


def _requeue(row: Generation, _error: FalError) -> None:
    transitions.mark_not_taken(row)


def _adopt_or_requeue(row: Generation, found: _SearchResult, config: FalConfig) -> None:
    if found.same or found.perhaps or row.uncertain_until:
        row.update_if_leased(unconfirmed_id="", unknown_since=None)
        _adopt_first(row, found, [RequestUrls.for_id(config, item.request_id) for item in found.same])
    else:
        transitions.mark_not_taken(row)


def _adopt_by_id(row: Generation, urls: RequestUrls) -> None:
    if not _adopt(row, urls, "fal has taken the request, though its answer was an error."):
        row.reschedule(
            _FIRST_CHECK_DELAY, unconfirmed_id="", unknown_since=None
        )  # the id was of the call and of no job of ours


# --- in fal's list ----------------------------------------------------------------------------------------------------


async def _search(row: Generation, fal: AsyncFalClient) -> None:
    try:
        found = await _find(row, fal)
    except FalError as error:
        logger.warning("fal's list of requests could not be read: %s", error)
        await with_db_retry(_search_again if error.permanent else transitions.poll_again, row, error)
    else:
        await with_db_retry(
            _adopt_first, row, found, [RequestUrls.for_id(fal.config, item.request_id) for item in found.same]
        )


async def _find(row: Generation, fal: AsyncFalClient) -> _SearchResult:
    """The listed requests that were sent when the row was, and have its input.

    fal's list shows what has ended and goes by that time, so it is read up to now and sifted here.
    """
    sent = row.submitted_at or row.changed_at
    until = max(sent + schedule.SUBMIT_LEASE, row.uncertain_until or sent)
    wanted = await _wanted(row, fal)
    listed = fal.requests(row.fal_endpoint, start=sent - _CLOCK_SKEW, end=timezone.now() + _CLOCK_SKEW)
    items, unread = await _read_all(listed, sent, until)
    taken = await with_db_retry(_ids_in_use, row, [item.request_id for item in items])
    free = [item for item in items if item.request_id not in taken]
    same = [item for item in free if _is_same(item, wanted)]
    if unread and not same:
        raise unread
    return _SearchResult(same, perhaps=any(_may_be_same(item, wanted) for item in free if item not in same))


async def _read_all(
    listed: AsyncIterator[ListedRequest], sent: datetime, until: datetime
) -> tuple[list[ListedRequest], FalError | None]:
    """What could be read, and why that is not all: the list of one key may be closed, and that of another has it."""
    items: list[ListedRequest] = []
    try:
        async for item in listed:
            if _is_in_time_window(item, sent, until):
                items.append(item)
    except FalError as error:
        return items, error
    return items, None


async def _wanted(row: Generation, fal: AsyncFalClient) -> dict[str, Any]:
    """The input that was sent. Where a picture was sent after the backup, its address at fal is not known here: it has
    the picture's own name, which is that of its content.
    """
    return to_json(await arguments_of(row, fal, addresses=_known_or_named if row.uncertain_until else None))


def _known_or_named(picture: InputPicture) -> str:
    return picture.fal_url or f"{_NAMED}{picture.sha256}"


def _is_in_time_window(item: ListedRequest, sent: datetime, until: datetime) -> bool:
    return item.sent_at is None or sent - _CLOCK_SKEW <= item.sent_at <= until + _CLOCK_SKEW


def _ids_in_use(_row: Generation, ids: list[str]) -> set[str | None]:
    return set(Generation.objects.filter(request_id__in=ids).values_list("request_id", flat=True))


def _is_same(item: ListedRequest, wanted: dict[str, Any]) -> bool:
    """fal may add what we left out, and give no time."""
    given = item.json_input or {}
    return item.sent_at is not None and all(_is_alike(given.get(name), value) for name, value in wanted.items())


def _is_alike(given: object, sent: object) -> bool:
    """fal takes 5 for "5", and may keep it so."""
    if isinstance(sent, str) and sent.startswith(_NAMED):
        return sent.removeprefix(_NAMED) in str(given)
    return given == sent or str(given).strip() == str(sent).strip()


def _may_be_same(item: ListedRequest, wanted: dict[str, Any]) -> bool:
    """What it was asked for is not kept, or is kept otherwise than it was sent."""
    prompt = (item.json_input or {}).get("prompt")
    return prompt is None or _is_alike(prompt, wanted["prompt"])


def _adopt_first(row: Generation, found: _SearchResult, urls: list[RequestUrls]) -> None:
    """The first that no other row has: equal requests of which several were lost stand for each other."""
    if any(_adopt(row, each, "Found again in fal's list of requests.") for each in urls):
        return
    if urls:
        row.reschedule(_FIRST_CHECK_DELAY)
    else:
        _search_again(row, is_proof=not found.perhaps)


def _adopt(row: Generation, urls: RequestUrls, event: str) -> bool:
    """False when another row has taken it at this very moment."""
    try:
        with transaction.atomic():
            transitions.mark_at_fal(row, urls, None, event=event)
    except IntegrityError:
        return False
    return True


def _search_again(row: Generation, _error: FalError | None = None, *, is_proof: bool = False) -> None:
    """Until the time is over after which fal's list would have it; seldom once it is unlikely to come."""
    age = timezone.now() - (row.uncertain_until or row.submitted_at or row.changed_at)
    if age <= schedule.give_up_after():
        delay = schedule.retry_delay(row.attempts + 1) if age < _LIKELY_WITHIN else schedule.slow_poll_delay()
        row.reschedule(delay, attempts=row.attempts + 1)
    elif is_proof and row.uncertain_until:
        transitions.mark_not_sent(row)
    elif is_proof:
        _fail_never_queued(row)
    else:
        row.move(
            Status.FAILED,
            leased=True,
            reason="outcome_unknown",
            message=_UNKNOWN_MESSAGE,
            responsible_party=ResponsibleParty.US,
        )


def _fail_never_queued(row: Generation) -> None:
    row.move(
        Status.FAILED,
        leased=True,
        reason="never_queued",
        message=_NEVER_QUEUED_MESSAGE,
        responsible_party=ResponsibleParty.PROVIDER,
        cost_cents=0,
    )
