"""The official client of MCP, unmodified, over HTTP against the real web server; and waits, which hold no thread."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from accounts.models import Team, User
from api.models import ApiRequest, Key
from generations.models import Generation, Status
from tests.api.conftest import make_key
from tests.cast import make_generation, make_video, signed_in
from tests.sandbox_process import Sandbox
from tests.security.web_server import WebServer, running_web

pytestmark = pytest.mark.django_db(transaction=True)

FOX: Final = {"prompt": "A fox in the snow"}
MODES: Final = {"legacy": "2025-11-25", "auto": "2026-07-28"}
MANY: Final = 200


@pytest.fixture(scope="module")
def web(django_db_setup: None, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with running_web(tmp_path_factory.mktemp("web") / "log", WEB_CONCURRENCY="1") as server:
        yield server


@asynccontextmanager
async def connected(web: WebServer, token: str, mode: str = "auto", **options: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{web.url}/mcp", http_client=http), mode=mode, **options) as client,
    ):
        yield client


async def end(row: Generation) -> None:
    """As the pipeline does."""
    now = timezone.now()
    ended = {"status": Status.DONE, "due_at": None, "source_url": "https://fal.media/files/fox.mp4"}
    await Generation.objects.filter(pk=row.pk).aupdate(**ended, finished_at=now, changed_at=now)


def told(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    return found


@pytest.mark.parametrize("mode", MODES)
def test_client_orders_waits_lists_shares(web: WebServer, bobs_key: tuple[Key, str], mode: str) -> None:
    """With `auto` it asks without a handshake; it checks each answer against the tool's schema."""
    told_meanwhile: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told_meanwhile.append(message or "")

    async def run() -> None:
        async with connected(web, bobs_key[1], mode) as client:
            assert client.protocol_version == MODES[mode]
            assert client.server_info
            assert client.server_info.name == "kling-studio"
            assert len((await client.list_tools()).tools) == 7
            assert told(await client.call_tool("cost_and_budget"))["limits"] == []
            price = told(await client.call_tool("generate_video", FOX))
            agreed = {name: price[name] for name in ("confirm_cost_cents", "idempotency_key")}
            both = [client.call_tool("generate_video", {**FOX, **agreed}) for _ in "ab"]
            ids = {told(result)["video"]["id"] for result in await asyncio.gather(*both)}
            row = await Generation.objects.aget()
            assert ids == {str(row.pk)}
            await Generation.objects.filter(pk=row.pk).aupdate(**AT_FAL)
            waiting = asyncio.create_task(
                client.call_tool("wait_for_video", {"id": str(row.pk)}, progress_callback=note)
            )
            while not told_meanwhile:
                await asyncio.sleep(0.01)
            await sync_to_async(make_video)(row)
            await end(row)
            video = told(await waiting)
            assert (video["status"], video["is_final"]) == ("done", True)
            shared = told(await client.call_tool("share_videos", {"ids": [str(row.pk)]}))
            assert shared["url"].startswith("http")
            assert [one["id"] for one in told(await client.call_tool("list_videos"))["videos"]] == [str(row.pk)]

    asyncio.run(run())
    assert told_meanwhile[0] == "At fal."


AT_FAL: Final = {
    "status": Status.RENDERING,
    "request_id": str(uuid.UUID(int=7)),
    "status_url": "https://queue.fal.run/s",
    "response_url": "https://queue.fal.run/r",
    "cancel_url": "https://queue.fal.run/c",
    "submitted_at": timezone.now(),
}


@pytest.mark.parametrize("action", ["accept", "decline"])
def test_client_that_can_ask_its_person(web: WebServer, bobs_key: tuple[Key, str], action: Any) -> None:
    asked: list[str] = []

    async def ask(_context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action=action)

    async def run() -> CallToolResult:
        async with connected(web, bobs_key[1], elicitation_callback=ask) as client:
            return await client.call_tool("generate_video", FOX)

    result = asyncio.run(run())
    assert "$0.35" in asked[0]
    assert (result.is_error, Generation.objects.count()) == ((False, 1) if action == "accept" else (True, 0))


def test_two_orders_at_once_pay_once(web: WebServer, bobs_key: tuple[Key, str]) -> None:
    order = {**FOX, "confirm_cost_cents": 35, "idempotency_key": "fox"}

    async def run() -> set[str]:
        async with connected(web, bobs_key[1]) as client:
            calls = [client.call_tool("generate_video", order) for _ in range(8)]
            return {told(result)["video"]["id"] for result in await asyncio.gather(*calls)}

    assert len(asyncio.run(run())) == Generation.objects.count() == 1


def test_wait_ends_by_its_time_and_with_the_key(web: WebServer, bobs_key: tuple[Key, str], bob: User) -> None:
    key, token = bobs_key
    row = make_generation(bob, key.team, Status.RENDERING)

    async def run() -> None:
        async with connected(web, token) as client:
            found = told(await client.call_tool("wait_for_video", {"id": str(row.pk), "timeout_seconds": 0}))
            assert (found["status"], found["is_final"]) == ("rendering", False)
            waiting = asyncio.create_task(client.call_tool("wait_for_video", {"id": str(row.pk)}))
            await asyncio.sleep(0.2)
            await Key.objects.filter(pk=key.pk).aupdate(revoked_at=timezone.now())
            await Generation.objects.filter(pk=row.pk).aupdate(changed_at=timezone.now())
            assert (await waiting).is_error

    asyncio.run(run())


def test_wait_of_a_client_that_takes_no_events(web: WebServer, bobs_key: tuple[Key, str], bob: User) -> None:
    row = make_generation(bob, bobs_key[0].team, Status.FAILED)
    params = {"name": "wait_for_video", "arguments": {"id": str(row.pk)}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"Authorization": f"Key {bobs_key[1]}", "Accept": "application/json"}
    answer = httpx.post(f"{web.url}/mcp", json=body, headers=headers, timeout=60)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["result"]["structuredContent"]["status"] == "failed"


def test_many_that_wait_leave_the_pages_alone(web: WebServer, bobs_key: tuple[Key, str], bob: User) -> None:
    """Of one process with eight threads for pages."""
    key, token = bobs_key
    row = make_generation(bob, key.team, Status.RENDERING)
    ApiRequest.objects.create(generation=row, key=key)
    make_video(row)
    params = {"name": "wait_for_video", "arguments": {"id": str(row.pk), "timeout_seconds": 600}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"Authorization": f"Key {token}", "Accept": "application/json, text/event-stream"}
    begun = 0

    async def wait(http: httpx.AsyncClient) -> str:
        nonlocal begun
        async with http.stream("POST", "/mcp", json=body) as answer:
            found = ""
            async for piece in answer.aiter_text():
                begun += not found
                found += piece
            return found

    async def run() -> list[str]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=web.url, headers=headers, timeout=90, limits=limits) as http:
            waits = [asyncio.create_task(wait(http)) for _ in range(MANY)]
            while begun < MANY:
                await asyncio.sleep(0.05)
            pages = await asyncio.to_thread(read_pages, web, bob)
            assert not any(one.done() for one in waits)
            await end(row)
            assert pages == [200] * len(pages)
            return await asyncio.gather(*waits)

    for found in asyncio.run(run()):
        last = json.loads(found.rstrip().rpartition("data: ")[2])
        assert last["result"]["structuredContent"]["status"] == "done"


def read_pages(web: WebServer, person: User) -> list[int]:
    with web.browser(signed_in(person)) as browser:
        return [browser.get("/").status_code for _ in range(12)]


def test_other_teams_key_waits_for_nothing(web: WebServer, bob: User, film: Team, mallory: User) -> None:
    other = Team.objects.create(name="Other", slug="other")
    other.memberships.create(user=mallory, role="owner")
    row = make_generation(bob, film, Status.RENDERING)

    token = make_key(mallory, other)[1]

    async def run() -> CallToolResult:
        async with connected(web, token) as client:
            return await client.call_tool("wait_for_video", {"id": str(row.pk)})

    assert asyncio.run(run()).is_error
