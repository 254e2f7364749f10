"""One pass over everything that is due: many rows at once over one pooled client, copies in threads.

A pass ends when nothing is due and nothing but slow copies is under way; these go on in their threads, and the next
pass takes them up. A worker that dies leaves leases that run out.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from config import metrics, spans
from config.logging import bind_generation
from generations.fal.client import AsyncFalClient
from generations.fal.errors import FalError
from generations.fal_account import fal_config
from generations.models import AT_FAL, DRIVEN, Generation, Status, SubmitPause
from generations.models.generation_queryset import GenerationQuerySet
from generations.pipeline import download, fair_queue, lost_answers, polling, schedule, submit, transitions
from generations.pipeline.db_retry import with_db_retry

logger = logging.getLogger(__name__)

MAX_CALLS: Final = 60  # their writes pass one by one: behind more of them, the next claim would wait longer
MAX_SUBMITS: Final = 45  # what waits to be sent comes first: a render takes longer than the next look at it
PASS_SECONDS: Final = 50.0  # then the pass leaves its copies to the next one, so that RQ sees its worker alive
_COUNT_INTERVAL: Final = 5.0  # s
_CLAIM_DELAY: Final = 0.05  # s, once the calls are done: to claim one row costs as much as to claim many
_CLAIM_INTERVAL: Final = 0.25  # s, for rows that become due while calls or copies last


def drive() -> int:
    """Move every row that is due; how many steps were taken. Safe to run in any number of workers at once."""
    if not download.active_copies() and not Generation.objects.due(DRIVEN, timezone.now()).exists():
        return 0
    return async_to_sync(_drive)()


async def _drive() -> int:
    async with AsyncFalClient(fal_config(), observer=_observe_call) as fal:
        return await _Pass(fal).run()


def _observe_call(operation: str, seconds: float, error: FalError | None) -> None:
    metrics.observe_fal_call(operation, seconds, type(error).__name__ if error else None)


class _Pass:
    def __init__(self, fal: AsyncFalClient) -> None:
        self.fal = fal
        self.ends = time.monotonic() + PASS_SECONDS
        self.calls: set[asyncio.Task[None]] = set()
        self.copies: set[asyncio.Task[None]] = set()
        self.steps = 0
        self.count = 0
        self.count_again_at = 0.0
        self.last_submit: asyncio.Task[None] | None = None

    async def run(self) -> int:
        for copy in download.active_copies():
            self._start(self.copies, copy.row, download.follow(copy, self._is_over))
        takes = True
        while True:
            if takes and not self._is_over():
                takes = await self._run_if_database_up(self._claim_all())
            if not self.calls and download.are_all_slow():
                self.ends = 0.0
            if not self.calls and not self.copies:
                return self.steps
            await asyncio.sleep(_CLAIM_DELAY)
            await asyncio.wait(self.calls or self.copies, timeout=_CLAIM_INTERVAL - _CLAIM_DELAY)
            self.calls = {task for task in self.calls if not task.done()}
            self.copies = {task for task in self.copies if not task.done()}

    def _is_over(self) -> bool:
        return time.monotonic() > self.ends

    async def _run_if_database_up(self, work: Coroutine[Any, Any, None]) -> bool:
        """Without the database nothing new is begun, but what is under way is not aborted: a POST may be in it."""
        try:
            await work
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database does not answer, so the pass takes nothing new: %s", error)
            await sync_to_async(close_old_connections)()
            return False
        return True

    async def _claim_all(self) -> None:
        """Claim what is due, as much as there is room for, and start it."""
        others = Generation.objects.exclude(team__in=download.teams_at_their_limit())
        for row in await self._claim([Status.MIRRORING], download.free_slots(), schedule.COPY_LEASE, others):
            self._start(self.copies, row, download.mirror(row, self._is_over))
        in_flight = await self._in_flight()
        await self._claim_queued(in_flight)
        for row in await self._claim([Status.SUBMITTING], self._free_call_slots(), schedule.SUBMIT_LEASE):
            self._start(self.calls, row, lost_answers.look_for(row, self.fal))
        for status in (Status.CANCELLING, Status.RENDERING):  # a person waits for a cancel, and it may save money
            for row in await self._claim([status], self._free_call_slots(), schedule.POLL_LEASE):
                self._start(self.calls, row, polling.poll(row, self.fal, in_flight))

    async def _claim_queued(self, in_flight: int) -> None:
        """None while submitting is paused; one, to find out, when it is time to try again."""
        pause = await sync_to_async(SubmitPause.objects.current)()
        if pause and (pause.try_at > timezone.now() or self._is_probing()):
            return
        limit = 1 if pause else min(MAX_SUBMITS, self._free_call_slots())
        rows = await sync_to_async(fair_queue.claim_next)(limit) if limit > 0 else []
        context = submit.SubmitContext(in_flight, is_trial=pause is not None)
        for row, step in submit.submit_all(rows, self.fal, context):
            self.last_submit = self._start(self.calls, row, step)

    def _is_probing(self) -> bool:
        """Whether the one that finds out has not yet come back."""
        return self.last_submit is not None and not self.last_submit.done()

    def _free_call_slots(self) -> int:
        return MAX_CALLS - len(self.calls)

    async def _in_flight(self) -> int:
        """How many rows are at fal: counted every few seconds, since it only sets how often they are asked for."""
        if time.monotonic() > self.count_again_at:
            self.count = await Generation.objects.filter(status__in=AT_FAL).acount()
            self.count_again_at = time.monotonic() + _COUNT_INTERVAL
        return self.count

    async def _claim(
        self, statuses: list[Status], limit: int, lease: timedelta, rows: GenerationQuerySet | None = None
    ) -> list[Generation]:
        rows = Generation.objects.all() if rows is None else rows
        return await sync_to_async(rows.claim_due)(statuses, limit, lease) if limit > 0 else []

    def _start(
        self, tasks: set[asyncio.Task[None]], row: Generation, step: Coroutine[Any, Any, None]
    ) -> asyncio.Task[None]:
        self.steps += 1
        task = asyncio.create_task(_guard(row, step))
        tasks.add(task)
        return task


async def _guard(row: Generation, step: Coroutine[Any, Any, None]) -> None:
    """A step that breaks must not take the others with it, and must not do so unseen: its row says what broke."""
    lease = row.lease
    with bind_generation(row.pk), spans.step(f"generation {row.status}", row.pk):
        try:
            await step
        except (OperationalError, InterfaceError):
            logger.exception("A step lost the database; the row is tried again in a while")
        except Exception as error:
            logger.exception("A step failed; the row is tried again in a while")
            await _record_error(row, lease, error)


async def _record_error(row: Generation, lease: uuid.UUID | None, error: Exception) -> None:
    try:
        await with_db_retry(transitions.record_step_error, row, lease, error)
    except Exception:
        logger.exception("The error of a step can't be saved; the row's lease has to run out")
