"""Responses that a view only begins: the gateway ends them, and meanwhile no thread waits.

A view returns one of these as any other response; middleware sees it and adds its headers. Served by anything but the
gateway, such as Django's test client, it is the beginning alone: an empty body.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

from django.http import HttpResponse

Find = Callable[[], Awaitable[HttpResponse]]
Parts = Callable[[], AsyncIterator[bytes]]

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class LaterResponse(HttpResponse):
    """`find` is awaited; the response that it gives is sent with the headers that this one got on its way out."""

    def __init__(self, find: Find) -> None:
        super().__init__()
        self.find = find


class EventStreamResponse(HttpResponse):
    """Server-sent events: `parts` are sent as they come, each a whole event or a comment."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(content_type="text/event-stream; charset=utf-8")
        self.headers["Cache-Control"] = "no-cache"
        self.headers["X-Accel-Buffering"] = "no"  # nginx would keep events until there are enough of them
        self.parts = parts


def stopping() -> asyncio.Event:
    """Set when this process was told to stop, so that what waits can still say so to its client."""
    return _stopping(asyncio.get_running_loop())


@cache
def _stopping(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Beside the server's own handler: asyncio leaves Python's handler free, and goes by its wake-up pipe."""
    event = asyncio.Event()

    def tell(*_: Any) -> None:
        loop.call_soon_threadsafe(event.set)

    with suppress(ValueError):  # not in the main thread: a server that tests run
        for number in _STOP_SIGNALS:
            if getattr(signal.getsignal(number), "__module__", "").startswith("asyncio"):
                signal.signal(number, tell)
    return event
