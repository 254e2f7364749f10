"""Responses that come later, through the gateway: no thread waits, and a client that leaves ends what it waited for."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.http import HttpResponse, JsonResponse

from config.server.gateway import PAGE_THREADS, Gateway
from config.server.later import EventStreamResponse, LaterResponse
from config.server.responses import WsgiResponse, read
from tests.config.test_server import scope

Messages = list[dict[str, Any]]


def application(response: Callable[[], HttpResponse]) -> Callable[..., HttpResponse]:
    def wsgi(_environ: dict[str, Any], start_response: Callable[..., Any]) -> HttpResponse:
        answer = response()
        answer.headers["X-Request-ID"] = "r1"
        start_response(f"{answer.status_code} OK", list(answer.items()))
        return answer

    return wsgi


async def ask(gateway: Gateway, leaves: asyncio.Event | None = None, **more: Any) -> Messages:
    sent: Messages = []
    given = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in given:
            return message
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await gateway(scope() | more, receive, send)
    return sent


def test_response_comes_with_the_headers_of_both() -> None:
    async def find() -> HttpResponse:
        return JsonResponse({"video": 1}, status=422, headers={"X-Found": "yes"})

    head, body = asyncio.run(ask(Gateway(application(lambda: LaterResponse(find)))))

    headers = dict(head["headers"])
    assert head["status"] == 422
    assert (headers[b"x-request-id"], headers[b"x-found"]) == (b"r1", b"yes")
    assert (headers[b"content-type"], headers[b"content-length"]) == (b"application/json", b"12")
    assert body["body"] == b'{"video": 1}'


def test_more_wait_than_there_are_threads() -> None:
    many = 50 * PAGE_THREADS

    async def all_at_once() -> list[Messages]:
        waiting, all_wait = 0, asyncio.Event()

        async def find() -> HttpResponse:
            nonlocal waiting
            waiting += 1
            if waiting == many:
                all_wait.set()
            await all_wait.wait()
            return HttpResponse("there")

        gateway = Gateway(application(lambda: LaterResponse(find)))
        return await asyncio.gather(*(ask(gateway) for _ in range(many)))

    assert {messages[-1]["body"] for messages in asyncio.run(all_at_once())} == {b"there"}


def test_error_while_it_is_looked_for_is_a_500_and_no_hanging_client() -> None:
    async def find() -> HttpResponse:
        raise RuntimeError("broken")

    head, _ = asyncio.run(ask(Gateway(application(lambda: LaterResponse(find)))))

    assert head["status"] == 500


def test_events_are_sent_one_by_one() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    head, *body = asyncio.run(ask(Gateway(application(lambda: EventStreamResponse(parts)))))

    headers = dict(head["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert b"content-length" not in headers
    assert [(part["body"], part.get("more_body", False)) for part in body] == [
        (b"data: 1\n\n", True),
        (b"data: 2\n\n", True),
        (b"", False),
    ]


def test_head_of_a_stream_begins_none() -> None:
    begun: list[bool] = []

    async def parts() -> AsyncIterator[bytes]:
        begun.append(True)
        yield b"data: 1\n\n"

    messages = asyncio.run(ask(Gateway(application(lambda: EventStreamResponse(parts))), method="HEAD"))

    assert [message.get("body", b"") for message in messages] == [b"", b""]
    assert dict(messages[0]["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert not begun


def test_stream_ends_when_it_breaks() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise RuntimeError("broken")

    *_, last = asyncio.run(ask(Gateway(application(lambda: EventStreamResponse(parts)))))

    assert last == {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize("kind", ["later", "stream"])
def test_client_that_leaves_ends_the_wait(kind: str) -> None:
    async def run() -> bool:
        leaves, ended = asyncio.Event(), asyncio.Event()

        async def wait_for_ever() -> None:
            leaves.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async def find() -> HttpResponse:
            await wait_for_ever()
            return HttpResponse()

        async def parts() -> AsyncIterator[bytes]:
            await wait_for_ever()
            yield b""

        answer = (lambda: LaterResponse(find)) if kind == "later" else (lambda: EventStreamResponse(parts))
        await ask(Gateway(application(answer)), leaves)
        return ended.is_set()

    assert asyncio.run(run())


def test_shortcut_answers_its_addresses_and_no_others() -> None:
    def shortcut(asked: Any) -> Any:
        async def answer() -> WsgiResponse:
            return read(HttpResponse("short"))

        return answer() if asked["path"] == "/short" else None

    gateway = Gateway(application(lambda: HttpResponse("long")), shortcut)

    async def bodies(**more: Any) -> bytes:
        sent: Messages = []

        async def send(message: Any) -> None:
            sent.append(dict(message))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"x", "more_body": False}

        await gateway(scope() | more, receive, send)
        return bytes(sent[-1]["body"])

    assert asyncio.run(bodies(path="/short")) == b"short"
    assert asyncio.run(bodies(path="/other")) == b"long"
    assert asyncio.run(bodies(path="/short", method="HEAD")) == b"long"
    assert asyncio.run(bodies(path="/short", headers=[(b"content-length", b"1")])) == b"long"


def test_shortcut_that_breaks_says_so_as_fal_would() -> None:
    """As when the database is away for a moment: the client asks again, and finds the answer in the log by its id."""

    async def broken() -> WsgiResponse:
        raise RuntimeError("broken")

    gateway = Gateway(application(lambda: HttpResponse("long")), lambda _: broken())
    head, *body = asyncio.run(ask(gateway, path="/fal/queue/x"))

    headers = dict(head["headers"])
    assert head["status"] == 503
    assert headers[b"x-fal-request-id"]
    assert headers[b"retry-after"]
    assert json.loads(body[0]["body"])["detail"]
