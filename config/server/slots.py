"""How many transfers run at once, per user and in all. One too many waits for a while first."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from config.server.exceptions import HttpError, busy, too_many


class Slots:
    """Of one web process. A browser that asks for a page of previews waits; who never lets go is told so."""

    def __init__(self, of_one: int, in_all: int, wait_seconds: float) -> None:
        self.of_one, self.wait_seconds = of_one, wait_seconds
        self._all = asyncio.Semaphore(in_all)
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()  # alive as long as one is held

    @asynccontextmanager
    async def acquire(self, person: str) -> AsyncIterator[None]:
        own = self._own.get(person) or asyncio.Semaphore(self.of_one)
        self._own[person] = own
        async with self._acquire_semaphore(own, too_many), self._acquire_semaphore(self._all, busy):
            yield

    @asynccontextmanager
    async def _acquire_semaphore(
        self, semaphore: asyncio.Semaphore, refusal: Callable[[], HttpError]
    ) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.wait_seconds):
                await semaphore.acquire()
        except TimeoutError:
            raise refusal() from None
        try:
            yield
        finally:
            semaphore.release()
