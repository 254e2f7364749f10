"""A POST whose answer was lost, or was an error that proves nothing: fal may have queued it, and may charge for it.

It is never sent again unless fal says, by the id that its error bore and for long enough, that it has no such request.
Otherwise fal's own list of our requests is asked until it turns up. A webhook may bring it home sooner.

What the list does not have after `schedule.give_up_after` was never queued, and is released at no cost. By then fal has
ended whatever it took: the request may wait for `schedule.start_timeout` and run for an hour, and the list shows what
has ended, well or badly. Only where the list proves nothing is it left to a person: it can't be read with our key, or
has requests that may be this one.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from generations.fal.advice import Fixer
from generations.fal.answers import FalConfig, ListedRequest, RequestUrls
from generations.fal.arguments import Endpoint, to_json
from generations.fal.client import AsyncFalClient
from generations.fal.errors import FalError, NotFound
from generations.models import Generation, Status
from generations.pipeline import outcomes, schedule
from generations.pipeline.arguments import arguments_of
from generations.pipeline.persisting import persist

logger = logging.getLogger(__name__)

_CLOCKS_DIFFER: Final = timedelta(seconds=30)
_FIRST_LOOK: Final = timedelta(seconds=5)
_LIKELY: Final = timedelta(hours=1)

_SEARCHED: Final = "fal's answer was lost on the way. Looking for the request in fal's own list; it is not sent again."
_ASKED: Final = "fal answered with an error. Asking fal whether it took the request all the same."
_UNKNOWN: Final = (
    "fal's answer was lost, and it can't be told from its list of requests whether it has this one. It may have been "
    "charged: an admin can look it up in fal's dashboard."
)
_NEVER_QUEUED: Final = (
    "fal's answer was lost, and its list of requests does not have this one: it was never queued. Try again."
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What fal's list has: requests that are certainly like the row's, and whether others may be it."""

    same: list[ListedRequest]
    perhaps: bool


async def begin(row: Generation, error: FalError, fal: AsyncFalClient) -> None:
    """The POST has brought `error`, which leaves open whether the request is in fal's queue."""
    is_taken = error.status is not None and error.status < 300  # it said yes, in words that can't be read
    if is_taken and error.request_id and await _is_known(RequestUrls.for_id(fal.config, error.request_id), fal):
        await persist(_take_by_id, row, RequestUrls.for_id(fal.config, error.request_id))
    else:
        await persist(_write_down, row, error, "" if is_taken else error.request_id or "")


async def look_for(row: Generation, fal: AsyncFalClient) -> None:
    """What has become of a `submitting` row whose worker is gone, or whose answer was lost?"""
    if row.unconfirmed_id:
        await _ask(row, RequestUrls.for_id(fal.config, row.unconfirmed_id), fal)
    else:
        await _search(row, fal)


def _write_down(row: Generation, error: FalError, unconfirmed_id: str) -> None:
    logger.warning("fal's answer to the submit was lost: %s", error)
    row.note(
        reason="answer_lost",
        message=_ASKED if unconfirmed_id else _SEARCHED,
        fal_words=error.message,
        unconfirmed_id=unconfirmed_id,
        due_at=timezone.now() + _FIRST_LOOK,
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


async def _ask(row: Generation, urls: RequestUrls, fal: AsyncFalClient) -> None:
    """Trouble while asking says nothing."""
    try:
        await fal.status(urls)
    except NotFound:
        await _unknown_there(row, fal)
    except FalError as error:
        await persist(outcomes.ask_again, row, error)
    else:
        await persist(_take_by_id, row, urls)


async def _unknown_there(row: Generation, fal: AsyncFalClient) -> None:
    """Said twice, a minute apart, it is so; fal's own parts may hear of a new request one after the other.

    The id may have been of the call and not of the job: what fal's list has by then is not sent again.
    """
    now = timezone.now()
    since = row.unknown_since or now
    if now - since < schedule.UNKNOWN_FOR:
        await persist(_wait_for_fal, row, since + schedule.UNKNOWN_FOR - now, since)
        return
    try:
        found = await _find(row, fal)
    except FalError as error:
        await persist(_not_listed if error.permanent else outcomes.ask_again, row, error)
    else:
        await persist(_take_or_send_again, row, found, fal.config)


def _wait_for_fal(row: Generation, delay: timedelta, since: datetime) -> None:
    row.put_off(delay, unknown_since=since)


def _not_listed(row: Generation, _error: FalError) -> None:
    outcomes.not_taken(row)


def _take_or_send_again(row: Generation, found: _Found, config: FalConfig) -> None:
    if found.same or found.perhaps:
        row.note(unconfirmed_id="", unknown_since=None)
        _take_up(row, found, [RequestUrls.for_id(config, item.request_id) for item in found.same])
    else:
        outcomes.not_taken(row)


def _take_by_id(row: Generation, urls: RequestUrls) -> None:
    if not _take(row, urls, "fal has taken the request, though its answer was an error."):
        row.put_off(_FIRST_LOOK, unconfirmed_id="", unknown_since=None)  # the id was of the call and of no job of ours


# --- in fal's list ----------------------------------------------------------------------------------------------------


async def _search(row: Generation, fal: AsyncFalClient) -> None:
    try:
        found = await _find(row, fal)
    except FalError as error:
        logger.warning("fal's list of requests could not be read: %s", error)
        await persist(_search_again if error.permanent else outcomes.ask_again, row, error)
    else:
        await persist(_take_up, row, found, [RequestUrls.for_id(fal.config, item.request_id) for item in found.same])


async def _find(row: Generation, fal: AsyncFalClient) -> _Found:
    """The listed requests that were sent when the row was, and have its input.

    fal's list shows what has ended and goes by that time, so it is read up to now and sifted here.
    """
    sent = row.submitted_at or row.changed_at
    wanted = to_json(await arguments_of(row, fal))
    listed = fal.requests(Endpoint(row.endpoint), start=sent - _CLOCKS_DIFFER, end=timezone.now() + _CLOCKS_DIFFER)
    items = [item async for item in listed if _is_of_then(item, sent)]
    taken = await persist(_ids_in_use, row, [item.request_id for item in items])
    free = [item for item in items if item.request_id not in taken]
    same = [item for item in free if _is_same(item, wanted)]
    return _Found(same, perhaps=any(_may_be_same(item, wanted) for item in free if item not in same))


def _is_of_then(item: ListedRequest, sent: Any) -> bool:
    latest = sent + schedule.SUBMIT_LEASE + _CLOCKS_DIFFER
    return item.sent_at is None or sent - _CLOCKS_DIFFER <= item.sent_at <= latest


def _ids_in_use(_row: Generation, ids: list[str]) -> set[str | None]:
    return set(Generation.objects.filter(request_id__in=ids).values_list("request_id", flat=True))


def _is_same(item: ListedRequest, wanted: dict[str, Any]) -> bool:
    """fal may add what we left out, and give no time."""
    given = item.json_input or {}
    return item.sent_at is not None and all(_is_alike(given.get(name), value) for name, value in wanted.items())


def _is_alike(given: object, sent: object) -> bool:
    """fal takes 5 for "5", and may keep it so."""
    return given == sent or str(given).strip() == str(sent).strip()


def _may_be_same(item: ListedRequest, wanted: dict[str, Any]) -> bool:
    """What it was asked for is not kept, or is kept otherwise than it was sent."""
    prompt = (item.json_input or {}).get("prompt")
    return prompt is None or _is_alike(prompt, wanted["prompt"])


def _take_up(row: Generation, found: _Found, urls: list[RequestUrls]) -> None:
    """The first that no other row has: equal requests of which several were lost stand for each other."""
    if any(_take(row, each, "Found again in fal's list of requests.") for each in urls):
        return
    if urls:
        row.put_off(_FIRST_LOOK)
    else:
        _search_again(row, is_proof=not found.perhaps)


def _take(row: Generation, urls: RequestUrls, event: str) -> bool:
    """False when another row has taken it at this very moment."""
    try:
        with transaction.atomic():
            outcomes.at_fal(row, urls, None, event=event)
    except IntegrityError:
        return False
    return True


def _search_again(row: Generation, _error: FalError | None = None, *, is_proof: bool = False) -> None:
    """Until the time is over after which fal's list would have it; seldom once it is unlikely to come."""
    age = timezone.now() - (row.submitted_at or row.changed_at)
    if age <= schedule.give_up_after():
        delay = schedule.retry_delay(row.attempts + 1) if age < _LIKELY else schedule.seldom()
        row.put_off(delay, attempts=row.attempts + 1)
    elif is_proof:
        _release(row)
    else:
        row.move(Status.FAILED, held=True, reason="outcome_unknown", message=_UNKNOWN, fixer=Fixer.US)


def _release(row: Generation) -> None:
    row.move(
        Status.FAILED,
        held=True,
        reason="never_queued",
        message=_NEVER_QUEUED,
        fixer=Fixer.PROVIDER,
        cost_cents=0,
        needs_person_since=None,
    )
