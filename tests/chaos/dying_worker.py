"""`python -m tests.chaos.dying_worker POINT`: one pass of a worker that SIGKILLs itself at the named point.

The points are put into this process alone.
"""

import asyncio
import os
import signal
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

from generations import pipeline
from generations.fal import protocol
from generations.fal.client import AsyncFalClient
from generations.models import Generation, Video
from generations.pipeline import download, polling, submit, worker

SURVIVED: Final = 3  # exit code


def _die(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


async def _die_async(*_: Any, **__: Any) -> NoReturn:
    _die()


async def _send_and_die(
    self: AsyncFalClient, call: protocol.Call[Any], before_sending: Callable[[], Awaitable[None]] | None = None
) -> Any:
    """The last byte of the POST has left, and nothing of the answer has been read."""

    async def trace(event: str, _info: Any) -> None:
        if before_sending and event == "http11.send_request_headers.started":
            await before_sending()
        if call.once and event == "http11.receive_response_headers.started":
            await asyncio.sleep(0.2)  # so that fal has read it: it is not the network that is on trial
            _die()

    http = self._submits if call.once else self._others
    answer = await http.request(
        call.method, call.url, headers=call.headers, content=call.content, extensions={"trace": trace}
    )
    return call.read(answer)


def _after_claiming() -> None:
    worker._Pass._start = _die  # type: ignore[method-assign]


def _before_submitting() -> None:
    submit._commit_to_submitting = _die


def _before_the_post() -> None:
    AsyncFalClient.submit = _die_async  # type: ignore[method-assign]


def _between_commit_and_post() -> None:
    """The connection is made, `submitting` is committed, and not a byte has left."""
    commit = submit._commit_to_submitting

    def commit_and_die(rows: list[Generation]) -> set[uuid.UUID]:
        commit(rows)
        _die()

    submit._commit_to_submitting = commit_and_die


def _between_two_groups() -> None:
    """The first group has been sent; the second is committed, and that is all."""
    commit, groups = submit._commit_to_submitting, []

    def commit_and_die(rows: list[Generation]) -> set[uuid.UUID]:
        committed = commit(rows)
        groups.append(rows)
        if len(groups) == 2:
            time.sleep(1)  # in a thread: the loop goes on sending the first
            _die()
        return committed

    submit._commit_to_submitting = commit_and_die


def _before_the_answer() -> None:
    AsyncFalClient._send = _send_and_die  # type: ignore[method-assign]


def _before_the_id_is_saved() -> None:
    submit._save_answer = _die


def _before_the_cancel_is_noted() -> None:
    polling._mark_cancel_sent = _die


def _between_poll_and_verdict() -> None:
    polling._start_mirroring = _die


def _during_the_copy() -> None:
    download._Copy.report = _die  # type: ignore[method-assign]


def _before_done() -> None:
    download._save_video = _die


def _inside_done() -> None:
    Video.objects.create = _die  # type: ignore[method-assign]


POINTS: Final[dict[str, Callable[[], None]]] = {
    "after claiming": _after_claiming,
    "before submitting": _before_submitting,
    "before the POST": _before_the_post,
    "between commit and POST": _between_commit_and_post,
    "between two groups": _between_two_groups,
    "before the answer": _before_the_answer,
    "before the id is saved": _before_the_id_is_saved,
    "before the cancel is noted": _before_the_cancel_is_noted,
    "between poll and verdict": _between_poll_and_verdict,
    "during the copy": _during_the_copy,
    "before done": _before_done,
    "inside done": _inside_done,
}


if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    pipeline.drive()
    sys.exit(SURVIVED)
