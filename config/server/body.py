"""Read a request's whole body before a thread is used: within its limit of bytes, and not below a minimum rate.

A body over SMALL_BYTES goes to a temporary file without a name, and only when the sender is allowed to send it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from django.conf import settings

from config.server.environ import Scope, header
from config.server.exceptions import DisconnectedError, too_large, too_slow
from config.server.limits import SMALL_BYTES

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MEMORY_BYTES: Final = 4 * SMALL_BYTES  # more than was read when it shows who sends it
MIN_RATE: Final = 4096  # bytes a second, after the first CLIENT_TIMEOUT: a line of 32 kbit/s


def declared_length(scope: Scope) -> int | None:
    """What Content-Length says; 0 when there is no body, None when its length is not said."""
    said = header(scope, b"content-length")
    if header(scope, b"transfer-encoding"):
        return None
    return int(said) if said.isdecimal() else 0


@dataclass(slots=True)
class Body:
    """What has come so far."""

    receive: Receive
    max_bytes: int
    size: int = 0
    ended: bool = False
    begun: float = field(default_factory=time.monotonic)
    file: SpooledTemporaryFile[bytes] = field(default_factory=lambda: SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115

    async def read_until(self, size: int) -> None:
        """Read on until there are more than `size` bytes, or all. Raises RefusedError, DisconnectedError."""
        while not self.ended and self.size <= size:
            piece = await self._next_chunk()
            self.size += len(piece)
            if self.size > self.max_bytes:
                raise too_large(self.max_bytes)
            self.file.write(piece)

    async def _next_chunk(self) -> bytes:
        """The next one; empty when there is none."""
        left = self.begun + settings.CLIENT_TIMEOUT + self.size / MIN_RATE - time.monotonic()
        try:
            async with asyncio.timeout(min(left, settings.CLIENT_TIMEOUT)):
                message = await self.receive()
        except TimeoutError:
            raise too_slow() from None
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        self.ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


async def drain_body(receive: Receive, seconds: float) -> None:
    """Discard the rest: a client that is still sending sees the answer only when it has ended."""
    try:
        async with asyncio.timeout(seconds):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        return
