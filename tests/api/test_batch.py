"""What is asked while a look is under way is one look more, however much it is; and everybody gets their own answer."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from api.batch import Batch


def test_everybody_that_waits_is_answered_by_the_next_look() -> None:
    looks: list[int] = []
    may_look = threading.Event()

    def look(questions: Sequence[int]) -> list[int]:
        may_look.wait(10)
        looks.append(len(questions))
        return [number * 2 for number in questions]

    async def run() -> list[int]:
        batch = Batch(look)
        first = asyncio.create_task(batch.ask(-1))
        await asyncio.sleep(0)
        rest = [asyncio.create_task(batch.ask(number)) for number in range(400)]
        await asyncio.sleep(0)
        may_look.set()
        return [await first, *await asyncio.gather(*rest)]

    assert asyncio.run(run()) == [-2, *(number * 2 for number in range(400))]
    assert looks == [1, 400]


def test_error_of_a_look_is_told_to_those_who_asked_and_the_next_look_is_another() -> None:
    def look(questions: Sequence[str]) -> Sequence[str]:
        if "bad" in questions:
            raise ValueError(questions)
        return questions

    async def run() -> str:
        batch = Batch(look)
        with pytest.raises(ValueError, match="bad"):
            await batch.ask("bad")
        return await batch.ask("good")

    assert asyncio.run(run()) == "good"


def test_one_who_leaves_takes_no_answer_from_the_others() -> None:
    async def run() -> int:
        batch: Batch[int, int] = Batch(lambda questions: questions)
        gone, stays = asyncio.create_task(batch.ask(1)), asyncio.create_task(batch.ask(2))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(run()) == 2
