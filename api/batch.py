"""Answer all requests of a kind that wait at one moment from one look at the database.

While a thread looks, more come, and are the next look. With nobody else about, a request is looked at alone, at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from api.watch import in_look_thread

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass
class Batch(Generic[Question, Answer]):
    """Of one event loop. `look` gives the answers in the order of the questions; `pause` in seconds after each."""

    look: Callable[[Sequence[Question]], Sequence[Answer]]
    pause: float = 0.0
    _waiting: "list[tuple[Question, asyncio.Future[Answer]]]" = field(default_factory=list)
    _looks: "asyncio.Task[None] | None" = None

    async def ask(self, question: Question) -> Answer:
        """Raises what `look` does."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._looks is None or self._looks.done():
            self._looks = asyncio.create_task(self._look())
        return await answer

    async def _look(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, []
            try:
                answers = await in_look_thread(self.look, [question for question, _ in asked])
            except Exception as error:
                _give(asked, error)
            else:
                for (_, future), answer in zip(asked, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
            await asyncio.sleep(self.pause)


def _give(asked: "list[tuple[Question, asyncio.Future[Answer]]]", error: Exception) -> None:
    for _, future in asked:
        if not future.done():
            future.set_exception(error)
