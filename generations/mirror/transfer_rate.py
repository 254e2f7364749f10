"""A minimum rate for a copy: one that stays below it for a while is aborted, even in the middle of a read.

Time limits on single reads don't do that: a byte every eight seconds meets them for ever.
"""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

MIN_RATE: Final = 16_000  # bytes a second
WINDOW: Final = 30.0  # seconds over which they are counted
LOWEST_RATE: Final = 500  # bytes a second: the minimum halves with each try, but not below this

_CHECK_INTERVAL: Final = 1.0  # s


def min_rate_for(attempt: int) -> float:
    """Bytes a second that the try with this number (from 0) must move: a copy that is only slow succeeds in the end."""
    return max(float(LOWEST_RATE), MIN_RATE * 0.5 ** min(attempt, 16))


class Pace:
    """While it is entered, a thread watches; below the minimum rate it shuts the connections that `trace` has seen.

    `trace` is for httpx's extension of this name. `allow_idle` says for how many seconds from now nothing need move.
    """

    def __init__(self, min_rate: float) -> None:
        self.is_too_slow = False
        self._min_rate, self._window = min_rate, WINDOW
        self._moved = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._rests_until = 0.0
        self._waiting_since = time.monotonic()
        self._waited = {"source": 0.0, "bucket": 0.0}  # seconds of it that have ended
        self._waits_for = "source"
        self._sockets: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pace", daemon=True)

    def __enter__(self) -> Self:
        self._marks.append((time.monotonic(), 0))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def add_bytes(self, count: int) -> None:
        self._moved += count

    def track_source(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces; until one comes the copy waits for the source, and then for the bucket."""
        iterator = iter(pieces)
        while True:
            self._wait_for("source")
            piece = next(iterator, None)
            self._wait_for("bucket")
            if piece is None:
                return
            yield piece

    def _wait_for(self, whom: str) -> None:
        now = time.monotonic()
        self._waited[self._waits_for] += now - self._waiting_since
        self._waits_for, self._waiting_since = whom, now

    @property
    def is_bucket_slower(self) -> bool:
        self._wait_for(self._waits_for)
        return self._waited["bucket"] > self._waited["source"]

    def allow_idle(self, seconds: float) -> None:
        self._rests_until = time.monotonic() + seconds

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Keeps the socket of each connection; TLS wraps the one before."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                self._sockets.append(found)

    def _watch(self) -> None:
        while not self._over.wait(min(_CHECK_INTERVAL, self._window / 4)):
            if self._is_below(time.monotonic()):
                self.is_too_slow = True
                self._break_off()

    def _is_below(self, now: float) -> bool:
        if now < self._rests_until:
            self._marks = deque([(now, self._moved)])
            return False
        self._marks.append((now, self._moved))
        while len(self._marks) > 1 and self._marks[1][0] <= now - self._window:
            self._marks.popleft()
        began, before = self._marks[0]
        return now - began >= self._window and self._moved - before < self._min_rate * (now - began)

    def _break_off(self) -> None:
        """A read or write that waits in the other thread fails at once."""
        for each in list(self._sockets):
            with contextlib.suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)
