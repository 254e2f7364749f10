"""A real HTTP server on loopback that answers, byte for byte, what a test tells it to."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer. `body` that isn't bytes is sent as JSON; after `cut` bytes of it the connection breaks.

    `raw` is sent in place of HTTP; `drip` is the pause in seconds after each byte; `length` a length that isn't true.
    """

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    raw: bytes | None = None
    pause: float = 0
    drip: float = 0
    length: int | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def content_type(self) -> str:
        return "text/html" if isinstance(self.body, bytes) else "application/json"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer(ThreadingHTTPServer):
    """Gives `replies` one after another, the last one for ever; a path in `pages` always has the same answer."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []
        self.pages: dict[str, Reply] = {}
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def will(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def next_reply(self, path: str) -> Reply:
        if path in self.pages:
            return self.pages[path]
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.command, self.path, headers, content))
        reply = self.server.next_reply(self.path)
        time.sleep(reply.pause)
        if reply.raw is None:
            self._head(reply)
            self._body(reply)
        else:
            self.wfile.write(reply.raw)
        if reply.raw is not None or reply.cut is not None or reply.length is not None:
            self._hang_up()

    do_GET = do_POST = do_PUT = _answer  # noqa: N815

    def _head(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": reply.content_type, "Content-Length": str(reply.length or len(reply.content))}
        for name, value in (headers | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, reply: Reply) -> None:
        content = reply.content[: reply.cut]
        step = 1 if reply.drip else max(1, len(content))
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            time.sleep(reply.drip)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Quiet."""


@contextmanager
def scripted_server(wrap: Callable[[socket.socket], socket.socket] | None = None) -> Iterator[ScriptedServer]:
    """`wrap` puts TLS around the listening socket."""
    with ScriptedServer() as server:
        server.socket = wrap(server.socket) if wrap else server.socket
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
