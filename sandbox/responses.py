"""HTTP responses that Starlette has no class for."""

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


def json_response(body: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON in plain ASCII, so that even half a surrogate pair from a prompt can be sent back."""
    return Response(json.dumps(body), code, headers, media_type="application/json")


def detail(code: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as fal's gateway words it."""
    return json_response({"detail": sentence}, code, headers)


GATEWAY_PAGE = """<html>
<head><title>{title}</title></head>
<body><center><h1>{title}</h1></center><hr><center>nginx</center></body>
</html>
"""


class GatewayPage(Response):
    """A proxy's own page: no JSON, no x-fal-request-id. fal's client takes it for passing because it names nginx."""

    def __init__(self, code: int, title: str) -> None:
        page = GATEWAY_PAGE.format(title=f"{code} {title}")
        super().__init__(page, code, {"x-fal-request-id": ""}, media_type="text/html")


class GatewayTimeout(GatewayPage):
    def __init__(self) -> None:
        super().__init__(504, "Gateway Time-out")


class ClosedConnection(Response):
    """No answer at all: the socket is closed. ASGI has no word for that, so the socket is found by its peer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host, port = scope["client"]
        connection = _connection_to(host, int(port))
        assert connection, "no socket of this process leads to the client"
        with connection:
            connection.shutdown(socket.SHUT_RDWR)


def _connection_to(host: str, port: int) -> socket.socket | None:
    for descriptor in os.listdir("/dev/fd"):  # noqa: PTH208 - not files but numbers
        try:
            connection = socket.socket(fileno=os.dup(int(descriptor)))
        except OSError:
            continue
        try:
            if connection.getpeername()[:2] == (host, port):
                return connection
        except OSError:
            pass
        connection.close()
    return None


class TruncatedFile(Response):
    """A file whose Content-Length is right and whose body stops halfway; the server then closes the connection."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        super().__init__(None, 200, media_type="video/mp4")
        self.headers["content-length"] = str(len(self._data))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = self._data[: len(self._data) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class DrippingFile(Response):
    """A file that comes a byte at a time, so slowly that no single read waits too long, and all of it for ever."""

    PAUSE: Final = 8.0  # s

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        super().__init__(None, 200, media_type="video/mp4")
        self.headers["content-length"] = str(len(self._data))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        for byte in self._data:
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            if (await asyncio.wait([gone], timeout=self.PAUSE))[0]:
                return


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
