"""One POST to somebody's server, and what came of it. Knows no models."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Any, Final, Self

import httpx
from django.utils.translation import gettext as _

from generations import fetch

TIMEOUT: Final = 20.0  # s, from the first byte of the connection to the last of the answer
LONGEST_WAIT: Final = timedelta(hours=24)  # that a receiver may ask for by Retry-After
LOGGED_BYTES: Final = 1000  # of an answer
_READ_BYTES: Final = 64_000  # of an answer, so that it can be read to its end and was heard
_LOGGED_HEADERS: Final = 40
_LOGGED_VALUE: Final = 300  # characters of a header


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, or `error`, why nothing was heard: then `status` is None."""

    milliseconds: int
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    error: str = ""
    is_refused: bool = False  # by us: the address is one that nothing is sent to

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def retry_after(self, now: datetime) -> timedelta | None:
        """How long the server asks us to wait: seconds, or a date (RFC 9110 §10.2.3). None for nonsense."""
        said = self.headers.get("retry-after", "").strip()
        wait = timedelta(seconds=int(said[:9])) if said.isascii() and said.isdecimal() else _until(said, now)
        return min(wait, LONGEST_WAIT) if wait and wait > timedelta() else None


def _until(date: str, now: datetime) -> timedelta | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment - now if moment.tzinfo else None


def post(url: str, body: bytes, headers: Mapping[str, str], *, trusted_origins: frozenset[str]) -> Answer:
    """POST JSON; never follows a redirect. It raises nothing: whatever goes wrong is an answer, too."""
    began = time.monotonic()

    def took() -> int:
        return int((time.monotonic() - began) * 1000)

    with _Deadline(TIMEOUT) as deadline:
        try:
            status, found, content = _exchange(url, body, headers, trusted_origins, deadline)
        except fetch.AddressRefused as error:
            return Answer(took(), error=str(error), is_refused=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(took(), error=_reason(error, deadline))
    return Answer(took(), status, found, _text(content))


def _exchange(
    url: str, body: bytes, headers: Mapping[str, str], trusted_origins: frozenset[str], deadline: "_Deadline"
) -> tuple[int, dict[str, str], bytes]:
    client = _client(trusted_origins)
    request = client.build_request(
        "POST",
        url,
        content=body,
        headers={"Content-Type": "application/json", **headers},
        extensions={"trace": deadline.trace},
    )
    response = client.send(request, stream=True, follow_redirects=False)
    try:
        return response.status_code, _logged(response.headers), _read(response)
    finally:
        response.close()


@cache
def _client(trusted_origins: frozenset[str]) -> httpx.Client:
    """One for all threads: reading the system's certificates takes 30 ms."""
    return fetch.client(trusted_origins=trusted_origins, timeout=httpx.Timeout(TIMEOUT, connect=10))


os.register_at_fork(after_in_child=_client.cache_clear)  # two processes must not share a pool's sockets


def _read(response: httpx.Response) -> bytes:
    data = bytearray()
    for piece in response.iter_raw():
        data += piece
        if len(data) > _READ_BYTES:
            break
    return bytes(data[:LOGGED_BYTES])


def _logged(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value[:_LOGGED_VALUE] for name, value in list(headers.items())[:_LOGGED_HEADERS]}


def _text(content: bytes) -> str:
    """PostgreSQL's text takes no NUL."""
    return content.decode(errors="replace").replace("\0", "\ufffd")


def _reason(error: Exception, deadline: "_Deadline") -> str:
    if deadline.is_over or isinstance(error, httpx.TimeoutException):
        return _("No answer within %d seconds.") % TIMEOUT
    if isinstance(error, fetch.HostNotFound):
        return _("This host doesn’t exist.")
    if _is_about_certificates(error):
        return _("Its TLS certificate can’t be trusted: %s") % error
    return _("The connection failed: %s") % (str(error) or type(error).__name__)


def _is_about_certificates(error: BaseException) -> bool:
    return isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


class _Deadline:
    """While it is entered, a timer runs; at its end the connections that `trace` has seen are shut.

    httpx's own limits are about each read: a byte every ten seconds meets them for ever.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """For httpx's extension of this name. TLS wraps the socket of before."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            found = info["return_value"].get_extra_info("socket")
            if isinstance(found, socket.socket):
                self._sockets.append(found)
            if self.is_over:
                self._shut()

    def _end(self) -> None:
        self.is_over = True
        self._shut()

    def _shut(self) -> None:
        for each in list(self._sockets):
            with contextlib.suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)
