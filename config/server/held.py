"""Send what a view has left to the gateway: a coroutine waits for it, and ends when its client leaves."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse

from config.server import responses
from config.server.body import Receive, Send
from config.server.exceptions import DisconnectedError, Headers
from config.server.later import EventStreamResponse, LaterResponse
from config.server.responses import WsgiResponse

logger = logging.getLogger(__name__)


async def send(receive: Receive, send: Send, answer: WsgiResponse) -> None:
    """Raises DisconnectedError when the client leaves first."""
    later = answer.later
    work = _find(send, answer.headers, later) if isinstance(later, LaterResponse) else _stream(send, answer)
    sending, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            raise DisconnectedError
        sending.result()
    finally:
        await _cancel(sending, leaving)


async def _find(send: Send, headers: Headers, later: LaterResponse) -> None:
    """The response itself, once it is there; whoever finds it answers for its errors."""
    try:
        found = responses.read(await later.find())
    except Exception:
        logger.exception("A response that was to come later was not found")
        found = responses.read(HttpResponse(status=500))
    told = {name for name, _ in found.headers}
    kept = [(name, value) for name, value in headers if name not in told]
    await send({"type": "http.response.start", "status": found.status, "headers": [*kept, *found.headers]})
    await send({"type": "http.response.body", "body": found.body})


async def _stream(send: Send, answer: WsgiResponse) -> None:
    """Drop a client that takes too long over one part. An error of ours ends the stream: the client asks again."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    parts = cast("EventStreamResponse", answer.later).parts()
    try:
        await _send_parts(send, parts)
    except TimeoutError:
        return
    except Exception:
        logger.exception("A stream of events was aborted")
    finally:
        await cast("Any", parts).aclose()
    await send({"type": "http.response.body", "body": b""})


async def _send_parts(send: Send, parts: AsyncIterator[bytes]) -> None:
    async for part in parts:
        async with asyncio.timeout(settings.CLIENT_TIMEOUT):
            await send({"type": "http.response.body", "body": part, "more_body": True})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(*tasks: "asyncio.Future[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
