"""What waits for a generation hears of its changes, of its end, and of the process's."""

import asyncio
import threading
import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import pytest
from django.db import InterfaceError, OperationalError

from api import watch
from api.batch import Batch
from api.watch import StoppingError, Version, Watch
from config.server.later import stopping
from generations.models import Status

OLD: Final = Version(Status.RENDERING, datetime(2026, 1, 1, tzinfo=UTC))
NEW: Final = Version(Status.DONE, datetime(2026, 1, 2, tzinfo=UTC))


class Rows:
    """Instead of the database; `looks` has the ids of each query."""

    def __init__(self, **rows: Version) -> None:
        self.rows = {uuid.uuid5(uuid.NAMESPACE_DNS, name): version for name, version in rows.items()}
        self.looks: list[set[uuid.UUID]] = []
        self.errors: list[Exception] = []

    def __call__(self, pks: Collection[uuid.UUID]) -> dict[uuid.UUID, Version]:
        self.looks.append(set(pks))
        if self.errors:
            raise self.errors.pop()
        return {pk: version for pk, version in self.rows.items() if pk in pks}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "TICK", 0.001)


def pk(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_DNS, name)


def test_tells_the_first_version_at_once_and_then_what_is_new() -> None:
    async def run() -> list[Version | None]:
        rows = Rows(a=OLD)
        waits = Watch(rows)
        first = await waits.change(pk("a"), None)
        later = asyncio.create_task(waits.change(pk("a"), first))
        while len(rows.looks) < 4:
            await asyncio.sleep(0.001)
        assert not later.done()
        rows.rows[pk("a")] = NEW
        second = await later
        del rows.rows[pk("a")]
        return [first, second, await waits.change(pk("a"), second)]

    assert asyncio.run(run()) == [OLD, NEW, None]


def test_many_that_wait_are_one_query() -> None:
    async def run() -> Rows:
        rows = Rows(**{str(number): OLD for number in range(500)})
        waits = Watch(rows)
        await asyncio.gather(*(waits.change(pk(str(number)), None) for number in range(500)))
        return rows

    assert len(asyncio.run(run()).looks[0]) == 500


@pytest.mark.parametrize("error", [OperationalError("down"), InterfaceError("closed"), RuntimeError("a fault of ours")])
def test_look_that_fails_takes_time_alone(error: Exception) -> None:
    async def run() -> Version | None:
        rows = Rows(a=OLD)
        rows.errors = [error, error]
        return await Watch(rows).change(pk("a"), None)

    assert asyncio.run(run()) == OLD


def test_slow_results_keep_no_look_waiting() -> None:
    """As those that a lock of the database holds: whoever polls or waits hears of theirs."""

    async def run() -> tuple[Version | None, list[int]]:
        ends = threading.Event()
        slow = [asyncio.create_task(watch.in_thread(ends.wait, 20)) for _ in range(8)]
        try:
            async with asyncio.timeout(15):
                version = await Watch(Rows(a=OLD)).change(pk("a"), None)
                return version, [await Batch[int, int](list).ask(7)]
        finally:
            ends.set()
            await asyncio.gather(*slow)

    assert asyncio.run(run()) == (OLD, [7])


def test_nobody_waits_any_more_nobody_looks() -> None:
    async def run() -> tuple[int, int]:
        rows = Rows(a=OLD)
        waits = Watch(rows)
        task = asyncio.create_task(waits.change(pk("a"), OLD))
        while not rows.looks:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.sleep(0.05)
        seen = len(rows.looks)
        await asyncio.sleep(0.05)
        return seen, len(rows.looks)

    before, after = asyncio.run(run())
    assert before == after


def test_process_that_ends_says_so() -> None:
    async def run() -> None:
        stopping().set()
        await Watch(Rows(a=OLD)).change(pk("a"), OLD)

    with pytest.raises(StoppingError):
        asyncio.run(run())
