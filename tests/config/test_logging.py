"""Every log line that is written while a generation is worked on carries its id."""

import asyncio
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from config.logging import NameGeneration, bind_generation, config


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What a handler with our filter and our format writes."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(NameGeneration())
    handler.setFormatter(logging.Formatter(config("INFO")["formatters"]["line"]["format"]))
    logger = logging.getLogger("tests.naming")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def ids(written: StringIO) -> list[str]:
    return [line.partition("[")[2].partition("]")[0] for line in written.getvalue().splitlines()]


def log() -> None:
    logging.getLogger("tests.naming").warning("something happened")


def test_studios_own_handler_has_the_filter() -> None:
    handlers = logging.getLogger().handlers

    assert any(isinstance(found, NameGeneration) for handler in handlers for found in handler.filters)


def test_line_names_the_generation_inside_and_none_outside(written: StringIO) -> None:
    log()
    with bind_generation("fox"):
        log()
        with bind_generation("badger"):
            log()
        log()
    log()

    assert ids(written) == ["-", "fox", "badger", "fox", "-"]


def test_name_ends_with_an_error(written: StringIO) -> None:
    with pytest.raises(ValueError, match="broke"), bind_generation("fox"):
        raise ValueError("broke")
    log()

    assert ids(written) == ["-"]


def test_tasks_and_threads_started_inside_inherit_the_name(written: StringIO) -> None:
    async def work(name: str) -> None:
        with bind_generation(name):
            await asyncio.gather(asyncio.create_task(later()), asyncio.to_thread(log))

    async def later() -> None:
        await asyncio.sleep(0)
        log()

    async def both() -> None:
        await asyncio.gather(work("fox"), work("badger"))

    asyncio.run(both())

    assert sorted(ids(written)) == ["badger", "badger", "fox", "fox"]
