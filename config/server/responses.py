"""Send a WSGI response: whole, or in parts that wait for the client without a thread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from django.http import HttpResponse

from config.server.exceptions import Headers
from config.server.later import EventStreamResponse, LaterResponse

PART_BYTES: Final = 128 * 1024  # in CLIENT_TIMEOUT: 4 kB a second

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass(frozen=True, slots=True)
class WsgiResponse:
    """`parts` come after `body`; `close` ends whatever they hold."""

    status: int
    headers: Headers
    body: bytes
    parts: Iterator[bytes] | None = None
    close: Callable[[], object] = bool
    later: LaterResponse | EventStreamResponse | None = None


def call(wsgi: Wsgi, environ: dict[str, Any]) -> WsgiResponse:
    """In a thread: ask the application. What is short is read at once; only what says its length is left in parts.

    A view may also leave the rest to the gateway (`later`).
    """
    head: list[tuple[int, list[tuple[str, str]]]] = []
    response = wsgi(environ, lambda status, headers, *_: head.append((int(status[:3]), headers)))
    status, pairs = head[0]
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    if isinstance(response, LaterResponse | EventStreamResponse):
        begun = WsgiResponse(status, _without_length(headers), _read_all(response), later=response)
        is_head = environ["REQUEST_METHOD"] == "HEAD" and isinstance(response, EventStreamResponse)
        return replace(begun, later=None) if is_head else begun  # nobody reads the events
    if not getattr(response, "streaming", False):
        return WsgiResponse(status, headers, _read_all(response))
    length = dict(headers).get(b"content-length", b"")
    if not length:
        return _spool(status, headers, response)
    if int(length) <= PART_BYTES:
        return WsgiResponse(status, headers, _read_all(response))
    return WsgiResponse(status, headers, b"", iter(response), response.close)


def _without_length(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name != b"content-length"]


def read(response: HttpResponse) -> WsgiResponse:
    """One that was found later, as if Django had sent it."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    body = _read_all(response)
    return WsgiResponse(response.status_code, [*_without_length(pairs), (b"content-length", b"%d" % len(body))], body)


def _read_all(response: Any) -> bytes:
    try:
        return b"".join(response)
    finally:
        response.close()


def _spool(status: int, headers: Headers, response: Any) -> WsgiResponse:
    """A table from the database: it is read by the thread that began it, whose connection it uses."""
    file = SpooledTemporaryFile[bytes](PART_BYTES)
    try:
        for line in response:
            file.write(line)
    finally:
        response.close()
    headers = [*headers, (b"content-length", str(file.tell()).encode())]
    file.seek(0)
    return WsgiResponse(status, headers, b"", _parts(file), file.close)


def _parts(file: "IO[bytes] | SpooledTemporaryFile[bytes]") -> Iterator[bytes]:
    while part := file.read(PART_BYTES):
        yield part
