"""Wait for generations to change: one query a tick for everything that a process waits for, and no thread."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final, TypeVar

from api.threads import run_in
from config.server.later import stopping
from generations.models import Generation, Status

T = TypeVar("T")

TICK: Final = 0.25  # s between two looks

_threads: Final = ThreadPoolExecutor(2, "api")
_look_threads: Final = ThreadPoolExecutor(2, "look")  # one for a watch's look, one for a batch's

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """Of a generation: when something about it has changed, this is another."""

    status: Status
    changed_at: datetime


class StoppingError(Exception):
    """This process is about to end; whoever waits should ask again."""


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """For what one of those who wait asks for."""
    return await run_in(_threads, work, *arguments)


async def in_look_thread(work: Callable[..., T], *arguments: object) -> T:
    """For what everybody waits for, and what is one at a time: no slow result of somebody's keeps it waiting."""
    return await run_in(_look_threads, work, *arguments)


def versions(pks: Collection[uuid.UUID]) -> dict[uuid.UUID, Version]:
    rows = Generation.objects.filter(pk__in=pks).values_list("pk", "status", "changed_at")
    return {pk: Version(Status(status), changed_at) for pk, status, changed_at in rows}


@dataclass(eq=False, slots=True)
class _Waiter:
    pk: uuid.UUID
    seen: Version | None
    change: "asyncio.Future[Version | None]"


@dataclass
class Watch:
    """Of one event loop."""

    look: Callable[[Collection[uuid.UUID]], Mapping[uuid.UUID, Version]] = versions
    _waiters: set[_Waiter] = field(default_factory=set)
    _ticks: "asyncio.Task[None] | None" = None

    async def change(self, pk: uuid.UUID, seen: Version | None) -> Version | None:
        """Its version at once, or as soon as it is another than `seen`; None when there is no such generation any more.

        Raises StoppingError.
        """
        waiter = _Waiter(pk, seen, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        if self._ticks is None or self._ticks.done():
            self._ticks = asyncio.create_task(self._tick())
        try:
            return await waiter.change
        finally:
            self._waiters.discard(waiter)

    async def change_within(self, seconds: float, pk: uuid.UUID, seen: Version | None) -> Version | None:
        """As `change`; `seen` itself when nothing has changed for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self.change(pk, seen)
        except TimeoutError:
            return seen

    async def _tick(self) -> None:
        """As long as anybody waits. A database that is down for a while only takes time."""
        while self._waiters:
            if stopping().is_set():
                self._refuse_all(StoppingError())
                return
            waiters = list(self._waiters)
            try:
                _tell(waiters, await in_look_thread(self.look, {waiter.pk for waiter in waiters}))
            except Exception as error:  # whatever it is, all of them wait for the next look
                logger.warning("What is waited for could not be looked at: %s", error)
            await asyncio.sleep(TICK)

    def _refuse_all(self, error: Exception) -> None:
        for waiter in self._waiters:
            if not waiter.change.done():
                waiter.change.set_exception(error)


def _tell(waiters: Collection[_Waiter], found: Mapping[uuid.UUID, Version]) -> None:
    for waiter in waiters:
        version = found.get(waiter.pk)
        if (waiter.seen is None or version != waiter.seen) and not waiter.change.done():
            waiter.change.set_result(version)


def watch() -> Watch:
    return _watch_of(asyncio.get_running_loop())


@cache
def _watch_of(_loop: asyncio.AbstractEventLoop) -> Watch:
    return Watch()
