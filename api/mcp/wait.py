"""Wait for a video without a thread: as one answer at the end, or as events with the progress before it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse, JsonResponse
from mcp_types import CallToolResult, JSONRPCNotification, ProgressNotificationParams, Result

from api.mcp.schemas import WaitArguments
from api.mcp.server import Invocation
from api.watch import StoppingError, in_thread, watch

PING_SECONDS: Final = 10.0  # proxies end what is silent; and the key is asked for as often
_PING: Final = b": ping\n\n"


@dataclass(frozen=True, slots=True)
class Look:
    """`words` tell the progress of what has not ended."""

    result: Result
    has_ended: bool
    words: str


async def result(invocation: Invocation) -> HttpResponse:
    """For a client that takes no events."""
    async for look in _looks(invocation):
        last = look
    return JsonResponse(invocation.message.reply(last.result))


async def events(invocation: Invocation) -> AsyncIterator[bytes]:
    message, told, count = invocation.message, "", 0
    async for look in _looks(invocation):
        if message.progress_token is None or look.words == told:
            yield _PING
        else:
            told, count = look.words, count + 1
            yield _event(_progress(message.progress_token, count, told))
        last = look
    yield _event(message.reply(last.result))


async def _looks(invocation: Invocation) -> AsyncIterator[Look]:
    """At each change, at each ping, and once at the end."""
    arguments = invocation.arguments
    assert isinstance(arguments, WaitArguments)
    now = asyncio.get_running_loop().time
    ends_at, version = now() + arguments.timeout_seconds, None
    while True:
        look = await in_thread(_look, invocation)
        yield look
        left = ends_at - now()
        if look.has_ended or left <= 0:
            return
        try:
            version = await watch().change_within(min(left, PING_SECONDS), arguments.id, version)
        except StoppingError:
            return  # the client asks again, as the answer says


def _look(invocation: Invocation) -> Look:
    found = invocation.run()
    told = found.structured_content if isinstance(found, CallToolResult) and not found.is_error else None
    return Look(found, told is None or told["is_final"], told["message"] if told else "")


def _progress(token: str | int, count: int, words: str) -> dict[str, object]:
    params = ProgressNotificationParams(progress_token=token, progress=count, message=words)
    own = params.model_dump(mode="json", by_alias=True, exclude_none=True)
    return JSONRPCNotification(jsonrpc="2.0", method="notifications/progress", params=own).model_dump(mode="json")


def _event(body: object) -> bytes:
    return b"event: message\ndata: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"
