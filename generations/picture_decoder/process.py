"""Run the decoder for one picture, at most two at a time on this machine, however many threads and processes."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from generations.picture_decoder.outcome import Change, Decoded, Fault, RefusedError

MAX_PROCESSES: Final = 2
WAIT_SECONDS: Final = 10  # for a place
RUN_SECONDS: Final = 20  # by the clock, however busy the machine is
_POLL_SECONDS: Final = 0.02
_ROOT: Final = Path(__file__).parent.parent.parent
_COMMAND: Final = (sys.executable, "-m", "generations.picture_decoder")


class DecoderBusyError(Exception):
    """Too many pictures at once; str() is a sentence for a person."""

    def __init__(self) -> None:
        super().__init__("The studio is reading many pictures at the moment. Try again in a few seconds.")


def decode(data: bytes, most: int) -> Decoded:
    """As `decode.decode`, in a program that can't harm this one. Raises RefusedError and DecoderBusyError."""
    with _acquire_slot():
        answer, result = _run(data, most)
    if "fault" in answer:
        raise RefusedError(Fault(answer["fault"]), answer["limit"])
    changes = tuple(Change(change) for change in answer["changes"])
    width, height = answer["given"]
    return Decoded(result, answer["is_png"], answer["width"], answer["height"], (width, height), changes)


def _run(data: bytes, most: int) -> tuple[dict[str, Any], bytes]:
    """It gets none of our environment: there are secrets in it."""
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [*_COMMAND, str(most)],
            input=data,
            capture_output=True,
            check=False,
            cwd=_ROOT,
            env=environment,
            timeout=RUN_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise RefusedError(Fault.COSTLY) from None
    head, _, result = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise RefusedError(Fault.COSTLY)
    return json.loads(head), result


@contextmanager
def _acquire_slot() -> Iterator[None]:
    deadline = time.monotonic() + WAIT_SECONDS
    while (held := _try_lock()) is None:
        if time.monotonic() > deadline:
            raise DecoderBusyError
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        os.close(held)


def _try_lock() -> int | None:
    """An open file whose lock the system lets go of when we end, however that happens."""
    for number in range(MAX_PROCESSES):
        path = Path(tempfile.gettempdir(), f"kling-studio-{os.getuid()}-decoder-{number}.lock")
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
        else:
            return file
    return None
