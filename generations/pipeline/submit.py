"""The step that costs money: one POST to fal for one row, and never a second one while the first may have arrived.

`submitting` is committed when the connection is made and the first byte of the POST is about to leave: a worker that
dies earlier leaves a queued row, which goes to fal once its lease has run out. `lost_answers` finds out what became of
a POST whose answer was lost.
"""

import asyncio
import logging
import uuid
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from generations.fal import webhooks
from generations.fal.arguments import Arguments, Source
from generations.fal.client import AsyncFalClient
from generations.fal.errors import FalError, Sent
from generations.fal.responses import Submitted
from generations.models import Generation, Status, SubmitPause
from generations.moderation.screening import BannedPictureError, refuse_removed
from generations.pipeline import lost_answers, schedule, transitions
from generations.pipeline.arguments import arguments_of
from generations.pipeline.db_retry import with_db_retry

logger = logging.getLogger(__name__)

COMMIT_BATCH_SIZE: Final = 10  # a worker that dies in the very moment before they are sent leaves no more to be found


_PendingCommit = tuple[Generation, asyncio.Future[bool]]


class ClaimLostError(Exception):
    """The row has moved, or another worker has it: nothing was sent."""


@dataclass(frozen=True, slots=True)
class SubmitContext:
    """What a pass knows when it sends: how many rows are at fal, and whether sending has rested until now."""

    in_flight: int = 0
    is_trial: bool = False


class _CommitBatcher:
    """Takes rows of one claim to `submitting`, all that come at about the same time in one transaction."""

    def __init__(self) -> None:
        self._waiting: list[_PendingCommit] = []
        self._working: asyncio.Task[None] | None = None

    async def commit(self, row: Generation) -> None:
        """Returns when the row is ours to send and that is in the database. Raises ClaimLostError."""
        mine: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, mine))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._run())
        if not await mine:
            raise ClaimLostError

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:COMMIT_BATCH_SIZE], self._waiting[COMMIT_BATCH_SIZE:]
            try:
                ours = await with_db_retry(_commit_to_submitting, [row for row, _ in batch])
            except Exception as error:
                for _, mine in _drop_done(batch):
                    mine.set_exception(error)
            else:
                for row, mine in _drop_done(batch):
                    mine.set_result(row.pk in ours)


def _drop_done(waiting: list[_PendingCommit]) -> list[_PendingCommit]:
    """Without those whose time ran out meanwhile."""
    return [(row, mine) for row, mine in waiting if not mine.done()]


def submit_all(
    rows: list[Generation], fal: AsyncFalClient, context: SubmitContext
) -> Iterator[tuple[Generation, Coroutine[Any, Any, None]]]:
    """Each of the `queued` rows of one claim with the step that sends it."""
    commits = _CommitBatcher()
    yield from ((row, _submit(row, fal, context, commits)) for row in rows)


async def _submit(row: Generation, fal: AsyncFalClient, context: SubmitContext, commits: _CommitBatcher) -> None:
    if row.uncertain_until:
        await with_db_retry(lost_answers.begin_search, row)
        return
    try:
        if row.fal_endpoint.source is Source.IMAGE:
            await with_db_retry(_refuse_removed, row)
        arguments = await arguments_of(row, fal)
    except BannedPictureError:
        await with_db_retry(transitions.fail_unsent, row)
        return
    except FalError as error:  # while a picture was uploaded: nothing has been ordered
        await with_db_retry(transitions.retry_or_fail, row, error)
        return
    except (BotoCoreError, ClientError) as error:
        await with_db_retry(transitions.handle_bucket_down, row, error)
        return
    try:
        answer = await _post(row, arguments, fal, commits)
    except ClaimLostError:
        logger.info("Not sent: the row has moved, or another worker has it")
    except FalError as error:
        await _handle_submit_error(row, error, fal)
    else:
        await with_db_retry(_save_answer, row, answer, context)


def _refuse_removed(row: Generation) -> None:
    refuse_removed(row.pictures.all())


async def _post(row: Generation, arguments: Arguments, fal: AsyncFalClient, commits: _CommitBatcher) -> Submitted:
    return await fal.submit(
        row.fal_endpoint,
        arguments,
        webhook_url=_webhook_url(row),
        start_timeout=schedule.start_timeout(),
        before_sending=lambda: commits.commit(row),
    )


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
    return moved | _find_committed([row for row in rows if row.pk not in moved])


def _find_committed(rows: list[Generation]) -> set[uuid.UUID]:
    """Of rows that could not be moved, those that are `submitting` under our own lease: brought up to date."""
    ours = {row.pk for row in rows if _is_committed(row)}
    for row in rows:
        if row.pk in ours:
            row.refresh_from_db()
    return ours


def _is_committed(row: Generation) -> bool:
    return Generation.objects.filter(pk=row.pk, status=Status.SUBMITTING, lease=row.lease).exists()


def _save_answer(row: Generation, answer: Submitted, context: SubmitContext) -> None:
    webhooks_come = bool(settings.PUBLIC_URL)
    first_look = schedule.poll_delay(timedelta(0), webhooks=webhooks_come, in_flight=context.in_flight)
    transitions.mark_at_fal(row, answer.urls, answer.queue_position, asked_in=first_look)
    if context.is_trial:
        SubmitPause.objects.end()


async def _handle_submit_error(row: Generation, error: FalError, fal: AsyncFalClient) -> None:
    """Sent again is only what never reached fal's queue for certain."""
    if row.status == Status.QUEUED or error.sent is not Sent.UNKNOWN:
        await with_db_retry(transitions.retry_or_fail, row, error)
    else:
        await lost_answers.begin(row, error, fal)


def _webhook_url(row: Generation) -> str | None:
    """Where fal shall call when it is done; none without an address that fal can reach."""
    return webhooks.webhook_url(settings.PUBLIC_URL, row.pk, settings.SECRET_KEY) if settings.PUBLIC_URL else None
