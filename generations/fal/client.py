"""Two thin clients over `protocol`, one that blocks and one for asyncio: they send, and know nothing of the protocol.

Neither ever sends a request again by itself. fal has no idempotency key, so a repeated submit is a second paid job;
everything else is for the caller to ask again, with its own timeout. A task that is cancelled during `submit` leaves
its outcome unknown, as a broken connection does.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from generations.fal import protocol
from generations.fal.arguments import Arguments, Endpoint
from generations.fal.error_classification import classify_exception
from generations.fal.errors import AccountLocked, FalError, KeyRefused, NotFound
from generations.fal.responses import (
    Cancellation,
    FalConfig,
    ListedRequest,
    Progress,
    RequestUrls,
    Submitted,
    UsageShare,
    VideoFile,
)

T = TypeVar("T")

BeforeSending = Callable[[], Awaitable[None]]
Observer = Callable[[str, float, FalError | None], None]  # what was asked, in how many seconds, what went wrong

TIMEOUT: Final = httpx.Timeout(connect=10, read=60, write=60, pool=30)
DEADLINE: Final = 140.0  # s for a call as a whole: an answer that drips keeps within every other limit
MAX_CONNECTIONS: Final = 100
USER_AGENT: Final = "kling-studio"

_NOT_THIS_KEY: Final = (NotFound, KeyRefused, AccountLocked)  # another key may still get the answer

LOOPBACK: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")  # the sandbox: never through a proxy

# A submit opens a connection of its own: one from the pool may have been closed by fal a moment ago, and then nobody
# knows whether the job was queued.
_FRESH: Final = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=0)
_POOLED: Final = httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)


class FalClient:
    """fal's queue, blocking; safe to share between threads. A context manager, or `close()` it.

    Every method raises FalError and nothing else.
    """

    def __init__(self, config: FalConfig, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.config = config
        self._submits = httpx.Client(**_options(_FRESH, timeout))
        self._others = httpx.Client(**_options(_POOLED, timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._submits.close()
        self._others.close()

    def submit(self, endpoint: Endpoint, arguments: Arguments, *, webhook_url: str | None = None) -> Submitted:
        """Queue a job: exactly one POST. When it fails, `sent` of the error says whether it can be in the queue."""
        return self._send(protocol.submit(self.config, endpoint, arguments, webhook_url))

    def status(self, request: RequestUrls, *, logs: bool = True) -> Progress:
        """How far it is. Completed tells that it has ended, not how: ask for the result."""
        return self._ask(lambda config: protocol.status(config, request, logs=logs))

    def result(self, request: RequestUrls) -> VideoFile:
        """The video. Raises a Verdict when there will be none; any other error leaves the question open."""
        return self._ask(lambda config: protocol.result(config, request))

    def cancel(self, request: RequestUrls) -> Cancellation:
        """Ask fal to drop the job; after REQUESTED keep listening, since a running one may still finish."""
        return self._ask(lambda config: protocol.cancel(config, request))

    def upload(self, data: bytes | Path, *, content_type: str, file_name: str) -> str:
        """Put a picture into fal's own storage; gives its public address."""
        target = self._send(protocol.initiate_upload(self.config, content_type=content_type, file_name=file_name))
        return self._send(protocol.put_upload(target, _content(data), content_type=content_type))

    def requests(
        self, endpoint: Endpoint, *, start: datetime, end: datetime, with_payloads: bool = True
    ) -> Iterator[ListedRequest]:
        """fal's record of what was submitted from `start` to before `end`: the way to find a lost request id.

        Of each key in turn; an account with two keys is listed twice. When one can't be read, the others are, and then
        the error is raised.
        """
        errors: list[FalError] = []
        for config in self.config.with_each_key():
            try:
                yield from self._requests(config, endpoint, start, end, payloads=with_payloads)
            except FalError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _requests(
        self, config: FalConfig, endpoint: Endpoint, start: datetime, end: datetime, *, payloads: bool
    ) -> Iterator[ListedRequest]:
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            call = protocol.list_requests(config, endpoint, start, end, payloads=payloads, cursor=cursor)
            page = self._send(call)
            yield from page.items
            cursor = page.next_cursor

    def delete_payloads(self, request_id: str) -> None:
        """Have fal forget what went in and what came out, and delete the file. It takes it calmly where it has none, so
        each key asks.
        """
        errors: list[FalError] = []
        for config in self.config.with_each_key():
            try:
                self._send(protocol.delete_payloads(config, request_id))
            except FalError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def usage(self, endpoints: Sequence[Endpoint], *, start: datetime, end: datetime) -> Iterator[UsageShare]:
        """What fal charged the account by day and endpoint, to before `end`; takes a key with the ADMIN scope."""
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            page = self._send(protocol.usage(self.config, endpoints, start, end, cursor=cursor))
            yield from page.items
            cursor = page.next_cursor

    def _ask(self, call_of: Callable[[FalConfig], protocol.Call[T]]) -> T:
        """About a request: with today's key, and where that doesn't know it with the former ones."""
        errors: list[FalError] = []
        for config in self.config.with_each_key():
            try:
                return self._send(call_of(config))
            except _NOT_THIS_KEY as error:
                errors.append(error)
        raise _strongest(errors)

    def _send(self, call: protocol.Call[T]) -> T:
        http = self._submits if call.once else self._others
        with _no_answer_as_fal_error():
            response = http.request(call.method, call.url, headers=call.headers, content=call.content)
        return call.read(response)


class AsyncFalClient:
    """The same for asyncio: many jobs asked at once over one pool. An async context manager, or `aclose()` it.

    `observer` is told of each call that was made.
    """

    def __init__(
        self, config: FalConfig, *, timeout: httpx.Timeout = TIMEOUT, observer: Observer | None = None
    ) -> None:
        self.config = config
        self._observer = observer
        self._submits = httpx.AsyncClient(**_options(_FRESH, timeout))
        self._others = httpx.AsyncClient(**_options(_POOLED, timeout))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._submits.aclose()
        await self._others.aclose()

    async def submit(
        self,
        endpoint: Endpoint,
        arguments: Arguments,
        *,
        webhook_url: str | None = None,
        start_timeout: timedelta | None = None,
        before_sending: BeforeSending | None = None,
    ) -> Submitted:
        """See FalClient.submit. What `before_sending` raises comes out as it is, and then nothing was sent."""
        call = protocol.submit(self.config, endpoint, arguments, webhook_url, start_timeout)
        return await self._send(call, before_sending)

    async def status(self, request: RequestUrls, *, logs: bool = True) -> Progress:
        """See FalClient.status."""
        return await self._ask(lambda config: protocol.status(config, request, logs=logs))

    async def result(self, request: RequestUrls) -> VideoFile:
        """See FalClient.result."""
        return await self._ask(lambda config: protocol.result(config, request))

    async def cancel(self, request: RequestUrls) -> Cancellation:
        """See FalClient.cancel."""
        return await self._ask(lambda config: protocol.cancel(config, request))

    async def upload(self, data: bytes | Path, *, content_type: str, file_name: str) -> str:
        """See FalClient.upload."""
        target = await self._send(protocol.initiate_upload(self.config, content_type=content_type, file_name=file_name))
        return await self._send(protocol.put_upload(target, _content(data), content_type=content_type))

    async def requests(
        self, endpoint: Endpoint, *, start: datetime, end: datetime, with_payloads: bool = True
    ) -> AsyncIterator[ListedRequest]:
        """See FalClient.requests."""
        errors: list[FalError] = []
        for config in self.config.with_each_key():
            try:
                async for item in self._requests(config, endpoint, start, end, payloads=with_payloads):
                    yield item
            except FalError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    async def _requests(
        self, config: FalConfig, endpoint: Endpoint, start: datetime, end: datetime, *, payloads: bool
    ) -> AsyncIterator[ListedRequest]:
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            call = protocol.list_requests(config, endpoint, start, end, payloads=payloads, cursor=cursor)
            page = await self._send(call)
            for item in page.items:
                yield item
            cursor = page.next_cursor

    async def _ask(self, call_of: Callable[[FalConfig], protocol.Call[T]]) -> T:
        """See FalClient._ask."""
        errors: list[FalError] = []
        for config in self.config.with_each_key():
            try:
                return await self._send(call_of(config))
            except _NOT_THIS_KEY as error:
                errors.append(error)
        raise _strongest(errors)

    async def _send(self, call: protocol.Call[T], before_sending: BeforeSending | None = None) -> T:
        http = self._submits if call.once else self._others
        extensions = {"trace": _hook(before_sending)} if before_sending else {}
        with _observed(call.operation, self._observer):
            with _no_answer_as_fal_error():
                async with asyncio.timeout(DEADLINE):
                    response = await http.request(
                        call.method, call.url, headers=call.headers, content=call.content, extensions=extensions
                    )
            return call.read(response)


def _strongest(errors: Sequence[FalError]) -> FalError:
    """fal does not know a request only where every key could ask and says so."""
    return next((error for error in errors if not isinstance(error, NotFound)), errors[0])


def _hook(before_sending: BeforeSending) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """httpx's docs: Extensions, trace. The connection is made, TLS and all, and the first byte has not left.

    A proxy's CONNECT passes here too, and is part of making the connection.
    """

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            await before_sending()

    return trace


def _options(limits: httpx.Limits, timeout: httpx.Timeout) -> dict[str, Any]:
    """No redirects: fal's API has none, and one would carry a POST or our key elsewhere."""
    return {
        "limits": limits,
        "timeout": timeout,
        "follow_redirects": False,
        "headers": {"User-Agent": USER_AGENT},
        "mounts": dict.fromkeys(LOOPBACK),
        "verify": _certificates(),
    }


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes some 30 ms."""
    return httpx.create_ssl_context()


def _content(data: bytes | Path) -> bytes:
    return data if isinstance(data, bytes) else data.read_bytes()


@contextmanager
def _observed(operation: str, observer: Observer | None) -> Iterator[None]:
    """What `before_sending` raises is no answer of fal's: nothing was sent."""
    began = time.monotonic()
    try:
        yield
    except FalError as error:
        if observer:
            observer(operation, time.monotonic() - began, error)
        raise
    if observer:
        observer(operation, time.monotonic() - began, None)


@contextmanager
def _no_answer_as_fal_error() -> Iterator[None]:
    try:
        yield
    except (httpx.RequestError, httpx.InvalidURL, UnicodeError, TimeoutError) as error:
        raise classify_exception(error) from error
