"""An ASGI application that waits for bytes in coroutines and runs Django as WSGI in threads.

Three groups of threads, so that none can starve another: pages, requests that bring files, and parts of streams.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from io import BytesIO
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections

from config import logging as logging_
from config import request_id
from config.api_paths import is_fals
from config.server import held, responses
from config.server.body import Body, Receive, Send, declared_length, drain_body
from config.server.environ import Scope, client_address, environ_of, header
from config.server.exceptions import DisconnectedError, HttpError, busy, not_signed_in, too_large
from config.server.later import stopping
from config.server.limits import FORM, SMALL_BYTES, BodyRule, is_anybody, rule_for
from config.server.responses import Wsgi, WsgiResponse
from config.server.slots import Slots
from config.server.sockets import end_stalled_connections

Shortcut = Callable[[Scope], Awaitable[WsgiResponse] | None]  # None: not an address that it answers
T = TypeVar("T")

PAGE_THREADS: Final = 8
FILE_THREADS: Final = 3
PART_THREADS: Final = 4
PIECE_BYTES: Final = 16 * 1024  # granian lets 32 of them wait for a reader
QUEUE_SECONDS: Final = 30  # that a request may wait for a thread

logger = logging.getLogger(__name__)


class ThreadPool:
    """Some threads of their own."""

    def __init__(self, name: str, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, name)

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Raises RefusedError when no thread was free for too long."""
        asked_at = time.monotonic()

        def begin() -> T:
            if time.monotonic() - asked_at > QUEUE_SECONDS:
                raise busy()
            return work(*arguments)

        return await asyncio.get_running_loop().run_in_executor(self._pool, begin)


class Gateway:
    def __init__(self, wsgi: Wsgi, *shortcuts: Shortcut) -> None:
        self._wsgi, self._shortcuts = wsgi, shortcuts
        self._pages, self._files = ThreadPool("page", PAGE_THREADS), ThreadPool("file", FILE_THREADS)
        self._parts = ThreadPool("part", PART_THREADS)
        self._uploads = Slots(of_one=4, in_all=24, wait_seconds=settings.CLIENT_TIMEOUT / 2)
        self._strangers_uploads = Slots(of_one=4, in_all=8, wait_seconds=settings.CLIENT_TIMEOUT / 2)
        self._streams = Slots(of_one=8, in_all=64, wait_seconds=settings.CLIENT_TIMEOUT / 2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        end_stalled_connections()
        stopping()  # from the first request on, this process hears when it is to end
        try:
            if shortcut := self._shortcut(scope):
                await self._send(send, await _taken(shortcut), {})
                return
            async with self._request(scope, receive) as (lane, environ):
                answer = await lane.run(responses.call, self._wsgi, environ)
            if answer.later is not None:
                await held.send(receive, send, answer)
            else:
                await self._send(send, answer, environ)
        except HttpError as refusal:
            await self._refuse(scope, receive, send, refusal)
        except DisconnectedError:
            return

    def _shortcut(self, scope: Scope) -> Awaitable[WsgiResponse] | None:
        if scope["method"] != "GET" or declared_length(scope) != 0:
            return None
        return next((found for shortcut in self._shortcuts if (found := shortcut(scope)) is not None), None)

    @asynccontextmanager
    async def _request(self, scope: Scope, receive: Receive) -> AsyncIterator[tuple[ThreadPool, dict[str, Any]]]:
        """The whole request, and the threads that it is for."""
        length = declared_length(scope)
        if length == 0:
            yield self._pages, environ_of(scope, BytesIO(), 0)
            return
        rule = rule_for(scope["path"])
        if length is not None and length > rule.max_bytes:
            raise too_large(rule.max_bytes)
        async with AsyncExitStack() as stack:
            body = Body(receive, rule.max_bytes)
            stack.callback(body.file.close)
            if length is None or length <= SMALL_BYTES:
                await body.read_until(SMALL_BYTES)
            if not body.ended:
                await stack.enter_async_context(await self._slot(scope, rule))
                body.begun = time.monotonic()  # it was we who kept the rest waiting
                await body.read_until(rule.max_bytes)
            body.file.seek(0)
            brings_files = rule is not FORM and header(scope, b"content-type").startswith("multipart/")
            lane = self._files if brings_files or body.size > SMALL_BYTES else self._pages
            yield lane, environ_of(scope, body.file, body.size)

    async def _slot(self, scope: Scope, rule: BodyRule) -> Any:
        """A slot for a large body. Raises HttpError for a client that may not send one."""
        person = await self._pages.run(_identify_sender, scope, rule)
        if person is None:
            raise not_signed_in()
        slots = self._strangers_uploads if rule.allows is is_anybody else self._uploads
        return slots.acquire(person)

    async def _send(self, send: Send, answer: WsgiResponse, environ: dict[str, Any]) -> None:
        head = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.parts is None:
            await send(head)
            await send({"type": "http.response.body", "body": answer.body})
            return
        try:
            person = str(environ.get("REMOTE_USER") or _address(environ))
            async with self._streams.acquire(person):
                await send(head)
                with _ids_of(environ):
                    await self._send_parts(send, answer.parts)
        finally:
            await self._parts.run(answer.close)

    async def _send_parts(self, send: Send, parts: Any) -> None:
        """Drop a client that takes too long over one part; it can resume with Range."""
        try:
            while (part := await self._parts.run(next, parts, None)) is not None:
                async with asyncio.timeout(settings.CLIENT_TIMEOUT):
                    for start in range(0, len(part), PIECE_BYTES):
                        piece = part[start : start + PIECE_BYTES]
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            return
        except HttpError:
            return
        except Exception:
            logger.exception("A transfer was aborted")
            return
        await send({"type": "http.response.body", "body": b""})

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: HttpError) -> None:
        """The answer goes out first; then what is still being sent goes by, so that the answer can be read."""
        headers, body = await asyncio.to_thread(refusal.render, header(scope, b"accept"), scope["path"])
        own = request_id.choose(header(scope, request_id.HEADER.lower().encode()), settings.TRUSTED_PROXIES)
        headers.append((request_id.HEADER.lower().encode(), own.encode()))
        if is_fals(scope["path"]):
            headers.append((b"x-fal-request-id", own.encode()))
        if declared_length(scope) == 0:
            headers.append((b"content-length", str(len(body)).encode()))
        else:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if declared_length(scope) != 0 and refusal.status != 408:
            await drain_body(receive, settings.CLIENT_TIMEOUT)
        await send({"type": "http.response.body", "body": b""})


async def _taken(shortcut: Awaitable[WsgiResponse]) -> WsgiResponse:
    """Nobody else answers for its errors. Raises HttpError, so that the client hears that it may ask again."""
    try:
        return await shortcut
    except Exception as error:
        logger.exception("A shortcut gave no answer")
        raise busy() from error


def _identify_sender(scope: Scope, rule: BodyRule) -> str | None:
    """The sender, by the head of the request alone; None when they may not send as much."""
    close_old_connections()
    request = WSGIRequest(environ_of(scope, BytesIO(), 0))
    if not rule.allows(request):
        return None
    user = getattr(request, "user", None)
    return str(user.pk) if user is not None else _address(request.META)


@contextmanager
def _ids_of(environ: Mapping[str, Any]) -> Iterator[None]:
    """What the middleware has written into the environ, for the log."""
    request, generation = (environ.get(key, logging_.NONE) for key in (logging_.REQUEST_ID, logging_.GENERATION_ID))
    with logging_.bind_request(request), logging_.bind_generation(generation):
        yield


def _address(environ: Mapping[str, Any]) -> str:
    return client_address(environ, settings.ALLAUTH_TRUSTED_PROXY_COUNT)
