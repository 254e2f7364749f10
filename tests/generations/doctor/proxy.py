"""A proxy before the studio, set up well or badly: what it does to a request's headers is up to the test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

Headers = dict[str, str]
CLIENT = "203.0.113.7"  # whom the first proxy sees


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behind: str, change: Callable[[Headers], Headers]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.change = behind, change

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = self.server.change({name.lower(): value for name, value in self.headers.items()})
        answer = httpx.request(
            self.command, f"{self.server.behind}{self.path}", headers=headers, content=body, trust_env=False
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Quiet."""


def adds(*addresses: str) -> Callable[[Headers], Headers]:
    """As nginx does with $proxy_add_x_forwarded_for; several addresses stand for several proxies."""
    return lambda headers: (
        headers | {"x-forwarded-for": ", ".join([*filter(None, [headers.get("x-forwarded-for")]), *addresses])}
    )


def replaces(*addresses: str) -> Callable[[Headers], Headers]:
    """As Caddy does for strangers."""
    return lambda headers: headers | {"x-forwarded-for": ", ".join(addresses)}


def renames(host: str) -> Callable[[Headers], Headers]:
    """As nginx does without `proxy_set_header Host`."""
    return lambda headers: adds(CLIENT)(headers) | {"host": host}


@contextmanager
def running_proxy(behind: str, change: Callable[[Headers], Headers]) -> Iterator[Proxy]:
    with Proxy(behind, change) as proxy:
        Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
