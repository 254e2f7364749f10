"""The step that costs money: one POST to fal for one row, and never a second one while the first may have arrived.

`submitting` is committed before the POST, for a few text requests at once. When the answer is lost, the row
stays `submitting` and fal's own list of our requests is asked for it until it turns up or the search is given up.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from generations import bucket
from generations.fal import webhooks
from generations.fal.advice import Fixer
from generations.fal.answers import ListedRequest, RequestUrls, Submitted
from generations.fal.arguments import Arguments, Endpoint, parse, to_json
from generations.fal.client import AsyncFalClient
from generations.fal.errors import FalError, Sent, Unavailable
from generations.models import Generation, InputPicture, Slot, Status, SubmitPause
from generations.pipeline import outcomes, schedule
from generations.pipeline.persisting import persist

logger = logging.getLogger(__name__)

PRESIGNED_SECONDS: Final = 6 * 24 * 3600  # fal's queue has no time limit; S3 allows seven days
COMMITTED_AT_ONCE: Final = 10  # a worker that dies before these are sent leaves no more of them to a person
_CLOCKS_DIFFER: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pass knows when it sends: how many rows are at fal, and whether sending has rested until now."""

    in_flight: int = 0
    is_trial: bool = False


def submit_all(
    rows: list[Generation], fal: AsyncFalClient, around: Surroundings
) -> Iterator[tuple[Generation, Coroutine[Any, Any, None]]]:
    """Each of the `queued` rows of one claim with the step that sends it.

    A text needs nothing before its POST, so that one transaction takes several texts to `submitting`; the next group
    is committed while the one before is sent.
    """
    texts = [row for row in rows if row.endpoint == Endpoint.TEXT_TO_VIDEO]
    groups = [texts[start : start + COMMITTED_AT_ONCE] for start in range(0, len(texts), COMMITTED_AT_ONCE)]
    for group in groups:
        committed = asyncio.ensure_future(persist(_commit_to_submitting, group))
        yield from ((row, _submit(row, fal, around, committed)) for row in group)
    yield from ((row, _submit(row, fal, around, None)) for row in rows if row not in texts)


async def _submit(
    row: Generation, fal: AsyncFalClient, around: Surroundings, committed: Awaitable[set[uuid.UUID]] | None
) -> None:
    """Send one row. `committed`: the rows that are ours to send, once that is in the database."""
    try:
        arguments = await _arguments(row, fal)
    except FalError as error:  # while a picture was uploaded: nothing has been ordered
        await persist(outcomes.not_sent, row, error)
        return
    except (BotoCoreError, ClientError) as error:
        await persist(outcomes.no_bucket, row, error)
        return
    if row.pk not in await (committed or persist(_commit_to_submitting, [row])):
        return
    try:
        answer = await fal.submit(Endpoint(row.endpoint), arguments, webhook_url=_webhook_url(row))
    except FalError as error:
        await persist(_not_submitted, row, error)
        return
    await persist(_submitted, row, answer, around)


async def search(row: Generation, fal: AsyncFalClient) -> None:
    """Look in fal's list for a `submitting` row whose answer was lost; given up only when the list does not show it."""
    try:
        found = await _search(row, fal)
    except FalError as error:
        logger.warning("fal's list of requests could not be read: %s", error)
        await persist(_search_again if error.permanent else outcomes.ask_again, row, error)
    else:
        await persist(_take_up, row, [RequestUrls.for_id(fal.config, item.request_id) for item in found])


async def _search(row: Generation, fal: AsyncFalClient) -> list[ListedRequest]:
    """The listed requests with the row's endpoint and input, sent when the row was.

    fal's list shows what has ended and goes by that time, so it is read up to now and sifted here.
    """
    sent = row.submitted_at or row.changed_at
    earliest, latest = sent - _CLOCKS_DIFFER, sent + schedule.SUBMIT_LEASE + _CLOCKS_DIFFER
    wanted = to_json(await _arguments(row, fal))
    listed = fal.requests(Endpoint(row.endpoint), start=earliest, end=timezone.now() + _CLOCKS_DIFFER)
    return [
        item
        async for item in listed
        if item.json_input == wanted and item.sent_at and earliest <= item.sent_at <= latest
    ]


def _commit_to_submitting(rows: list[Generation]) -> set[uuid.UUID]:
    """Which rows of one claim are ours to send; also when an earlier try was committed and its word was lost."""
    now, lease = timezone.now(), rows[0].lease
    moved = Generation.objects.move_claimed(
        rows,
        Status.SUBMITTING,
        submitted_at=now,
        attempts=F("attempts"),
        lease=lease,
        lease_until=now + schedule.SUBMIT_LEASE,
    )
    return moved | _already_ours([row for row in rows if row.pk not in moved])


def _already_ours(rows: list[Generation]) -> set[uuid.UUID]:
    """Of rows that could not be moved, those that are `submitting` under our own lease: brought up to date."""
    ours = {row.pk for row in rows if _is_committed(row)}
    for row in rows:
        if row.pk in ours:
            row.refresh_from_db()
    return ours


def _is_committed(row: Generation) -> bool:
    return Generation.objects.filter(pk=row.pk, status=Status.SUBMITTING, lease=row.lease).exists()


def _submitted(row: Generation, answer: Submitted, around: Surroundings) -> None:
    webhooks_come = bool(settings.PUBLIC_URL)
    first_look = schedule.poll_delay(timedelta(0), webhooks=webhooks_come, in_flight=around.in_flight)
    outcomes.at_fal(row, answer.urls, answer.queue_position, asked_in=first_look)
    if around.is_trial:
        SubmitPause.objects.end()


def _not_submitted(row: Generation, error: FalError) -> None:
    if error.sent is not Sent.UNKNOWN or _is_plain_outage(error):
        outcomes.not_sent(row, error)
        return
    logger.warning("fal's answer to the submit was lost: %s", error)
    row.note(
        reason="answer_lost",
        message="fal's answer was lost on the way. Looking for the request in fal's own list; it is not sent again.",
        due_at=timezone.now() + timedelta(seconds=5),
        lease=None,
        lease_until=None,
    )


def _is_plain_outage(error: FalError) -> bool:
    """fal answered the POST with 500, 502 or 503: it took nothing. A 504 is a time-out after sending, so unknown."""
    return isinstance(error, Unavailable) and error.status in {500, 502, 503}


def _take_up(row: Generation, found: list[RequestUrls]) -> None:
    """The first of the found that no other row has: equal requests of which several were lost stand for each other."""
    ids = [urls.request_id for urls in found]
    taken = set(Generation.objects.filter(request_id__in=ids).values_list("request_id", flat=True))
    for urls in found:
        if urls.request_id not in taken and _take(row, urls):
            return
    _search_again(row)


def _take(row: Generation, urls: RequestUrls) -> bool:
    """False when another row has taken it at this very moment."""
    try:
        with transaction.atomic():
            outcomes.at_fal(row, urls, None, event="Found again in fal's list of requests.")
    except IntegrityError:
        return False
    return True


def _search_again(row: Generation, error: FalError | None = None) -> None:
    if timezone.now() - (row.submitted_at or row.changed_at) > schedule.give_up_after():
        row.move(
            Status.FAILED,
            held=True,
            reason="outcome_unknown",
            message="fal's answer was lost and its list of requests does not show this one. It may have been charged: "
            "an admin can look it up in fal's dashboard.",
            fixer=Fixer.US,
        )
    else:
        row.put_off(schedule.retry_delay(row.attempts + 1), attempts=row.attempts + 1)


def _webhook_url(row: Generation) -> str | None:
    """Where fal shall call when it is done; none without an address that fal can reach."""
    return webhooks.address(settings.PUBLIC_URL, row.pk, settings.SECRET_KEY) if settings.PUBLIC_URL else None


async def _arguments(row: Generation, fal: AsyncFalClient) -> Arguments:
    """The row's exact request, with addresses at which fal can read its pictures."""
    pictures = await persist(_pictures, row) if row.endpoint == Endpoint.IMAGE_TO_VIDEO else []
    addresses = {Slot(picture.slot): await _address_for_fal(picture, fal) for picture in pictures}
    return parse(
        Endpoint(row.endpoint),
        {
            "prompt": row.prompt,
            "negative_prompt": row.negative_prompt,
            "cfg_scale": row.cfg_scale,
            "duration": row.duration,
            "aspect_ratio": row.aspect_ratio,
            "image_url": addresses.get(Slot.START),
            "tail_image_url": addresses.get(Slot.TAIL),
        },
    )


def _pictures(row: Generation) -> list[InputPicture]:
    return list(row.pictures.all())


async def _address_for_fal(picture: InputPicture, fal: AsyncFalClient) -> str:
    """Written down once made, so that a second try sends the very same request."""
    if not picture.fal_url:
        picture.fal_url = await _new_address(picture, fal)
        await sync_to_async(picture.save)(update_fields=["fal_url"])
    return picture.fal_url


async def _new_address(picture: InputPicture, fal: AsyncFalClient) -> str:
    if settings.FAL_INPUT_DELIVERY == "presigned":
        return bucket.presigned(picture.key, seconds=PRESIGNED_SECONDS)
    data = await sync_to_async(bucket.get, thread_sensitive=False)(picture.key)
    file_name = picture.key.rpartition("/")[2]
    return await fal.upload(data, content_type=picture.media_type, file_name=file_name)
