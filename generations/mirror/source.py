"""The provider's file as one stream of bytes, however often its connection breaks. Knows no bucket."""

import os
import re
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Final, Self

import httpx

from generations import fetch
from generations.mirror import mp4_boxes
from generations.mirror.errors import MirrorError, Reason
from generations.mirror.transfer_rate import Pace

TIMEOUT: Final = httpx.Timeout(15, connect=10)  # S3 drops an upload that stands still for much longer
RETRY_DELAYS: Final = (0.25, 0.5, 1.0, 2.0)  # seconds before each new connection
RETRY_RESET_BYTES: Final = 1 << 20  # so many bytes since the last break earn all the tries anew

_WORTH_RESUMING: Final = frozenset({Reason.SOURCE_UNAVAILABLE, Reason.TRUNCATED})


class Source:
    """Iterate over it, once, for the bytes; entering it connects and looks at the first of them.

    `total` is the announced length, None where the server sends chunks of unknown number; `media_type` is what the
    first bytes say, whatever type the server gives. A broken connection is taken up where it broke (`Range` with
    `If-Range`). Raises MirrorError on entering and while iterating.
    """

    def __init__(self, url: str, *, trusted_origins: frozenset[str], max_bytes: int, pace: Pace) -> None:
        self.total: int | None = None
        self.media_type = ""
        self.position = 0
        self._url, self._max_bytes, self._pace = url, max_bytes, pace
        self._client = _client(trusted_origins)
        self._type = ""
        self._etag = ""
        self._head = b""
        self._flow = self._read_resuming()

    def __enter__(self) -> Self:
        while len(self._head) < mp4_boxes.HEAD and (piece := next(self._flow, b"")):
            self._head += piece
        self._check_type()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flow.close()

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._flow

    def _check_type(self) -> None:
        self.media_type = mp4_boxes.media_type(self._head)
        if self.media_type:
            return
        if "video" in self._type or not self._type:
            raise MirrorError(Reason.NOT_A_VIDEO, "The provider's file isn't an MP4 video.")
        raise MirrorError(Reason.NOT_A_VIDEO, f"The provider's address led to {self._type[:100]}, not to a video.")

    def _read_resuming(self) -> Generator[bytes, None, None]:
        """All bytes. Gives up with the last error after len(PAUSES) connections in a row without much progress."""
        pauses, mark = iter(RETRY_DELAYS), 0
        while self.total is None or self.position < self.total:
            try:
                yield from self._connection()
            except MirrorError as error:
                if self.position - mark >= RETRY_RESET_BYTES:
                    pauses, mark = iter(RETRY_DELAYS), self.position
                pause = next(pauses, None)
                if pause is None or error.reason not in _WORTH_RESUMING or self._pace.is_too_slow:
                    raise
                time.sleep(pause)

    def _connection(self) -> Iterator[bytes]:
        """The bytes from `position` on that one connection yields."""
        extensions = {"trace": self._pace.trace}
        connecting = self._client.stream("GET", self._url, headers=self._headers(), extensions=extensions)
        with _source_errors(), connecting as response:
            for piece in _skip_bytes(self._check_response(response), response.iter_raw()):
                self.position += len(piece)
                self._check_size(self.position)
                yield piece
        self._check_complete()

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if self.position:
            headers["Range"] = f"bytes={self.position}-"
            if self._etag:
                headers["If-Range"] = self._etag
        return headers

    def _check_response(self, response: httpx.Response) -> int:
        """Checks the answer's head; returns how many of its first bytes we already have."""
        _check_status(response.status_code)
        begin, total = _extent(response.headers)
        self._check_same(response, total)
        if begin not in (0, self.position):
            raise MirrorError(Reason.SOURCE_UNAVAILABLE, "The provider's server sent another part than asked for.")
        self.total = total if total is not None else self.total
        self._check_size(self.total or 0)
        return self.position - begin

    def _check_same(self, response: httpx.Response, total: int | None) -> None:
        """A file that changed between two connections must not become a mixture of both."""
        etag = _strong_etag(response.headers)
        if self.position == 0:
            self._type, self._etag = response.headers.get("content-type", ""), etag
        elif (etag != self._etag) or (self.total is not None and total not in (None, self.total)):
            raise MirrorError(Reason.TRUNCATED, "The provider's file changed while it was being copied.")

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            sentence = f"The video is larger than the {self._max_bytes / 1e6:,.0f} MB that this studio takes."
            raise MirrorError(Reason.TOO_LARGE, sentence)

    def _check_complete(self) -> None:
        if self.total is None:
            self.total = self.position
        if self.position != self.total:
            sentence = f"The provider's file ended after {self.position:,} of {self.total:,} bytes."
            raise MirrorError(Reason.TRUNCATED, sentence)


@cache
def _client(trusted_origins: frozenset[str]) -> httpx.Client:
    """One for all threads: reading the system's certificates costs 30 ms, as much as copying a short video."""
    return fetch.client(trusted_origins=trusted_origins, timeout=TIMEOUT)


os.register_at_fork(after_in_child=_client.cache_clear)  # two processes must not share a pool's sockets


@contextmanager
def _source_errors() -> Iterator[None]:
    try:
        yield
    except fetch.AddressRefused as error:
        raise MirrorError(Reason.ADDRESS_REFUSED, str(error)) from error
    except httpx.RemoteProtocolError as error:
        raise MirrorError(Reason.TRUNCATED, f"The provider's server ended the video too early: {error}") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        text = str(error) or type(error).__name__
        raise MirrorError(Reason.SOURCE_UNAVAILABLE, f"The provider's server can't be reached: {text}") from error


def _check_status(status: int) -> None:
    if status in (200, 206):
        return
    if status in (401, 403, 404, 410):
        raise MirrorError(Reason.EXPIRED, f"The provider no longer gives this video out (HTTP {status}).")
    if status == 416:
        raise MirrorError(Reason.TRUNCATED, "The provider's file is shorter than it said at first.")
    raise MirrorError(Reason.SOURCE_UNAVAILABLE, f"The provider's server answers with HTTP {status}.")


def _extent(headers: httpx.Headers) -> tuple[int, int | None]:
    """Where the body begins in the file, and the file's length. A server may answer a Range with all of it."""
    if found := re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("content-range", "").strip()):
        begin, total = found.groups()
        return int(begin), None if total == "*" else int(total)
    length = headers.get("content-length", "")
    return 0, int(length) if length.isdecimal() else None


def _strong_etag(headers: httpx.Headers) -> str:
    """If-Range takes no weak one (RFC 9110 §13.1.5)."""
    etag: str = headers.get("etag", "")
    return "" if etag.startswith("W/") else etag


def _skip_bytes(count: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces less their first `count` bytes."""
    for piece in pieces:
        if count < len(piece):
            yield piece[count:] if count else piece
        count = max(0, count - len(piece))
