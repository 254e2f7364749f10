"""What a wait says on its way: each change once, a sign of life between, and the end, also the server's own."""

import asyncio
import json
import uuid
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from mcp_types import CallToolResult, ClientCapabilities, TextContent

from api.mcp import wait
from api.mcp.messages import Message
from api.mcp.schemas import WaitArguments
from api.watch import StoppingError, Version, Watch
from generations.models import Status

PK: Final = uuid.UUID(int=1)


class Waits(Watch):
    """Instead of an invocation and of the watch: what each look finds, and what each change is."""

    def __init__(self, *looks: tuple[str, bool], changes: list[Any], token: str | None = "t") -> None:
        super().__init__()
        self.arguments = WaitArguments(id=PK, timeout_seconds=60)
        meta = {"progressToken": token} if token else {}
        self.message = Message(7, "tools/call", {"_meta": meta}, "2025-06-18", ClientCapabilities())
        self.looks, self.changes = list(looks), changes

    def run(self) -> CallToolResult:
        words, is_final = self.looks.pop(0)
        found = {"message": words, "is_final": is_final}
        return CallToolResult(content=[TextContent(text=words)], structured_content=found)

    async def change(self, _pk: uuid.UUID, _seen: Version | None) -> Version | None:
        found = self.changes.pop(0)
        if found is TimeoutError:
            await asyncio.sleep(1)
        if isinstance(found, Exception):
            raise found
        return Version(Status.RENDERING, datetime(2026, 1, 1, tzinfo=UTC))


def heard(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(wait, "watch", lambda: waits)
    monkeypatch.setattr(wait, "PING_SECONDS", 0.01)

    async def run() -> list[bytes]:
        return [event async for event in wait.events(waits)]  # type: ignore[arg-type]

    events = asyncio.run(run())
    return [event if event.startswith(b":") else json.loads(event.partition(b"data: ")[2]) for event in events]


def told(events: list[Any]) -> list[str]:
    """The words of each event; `ping` for a sign of life."""
    words = [event if isinstance(event, bytes) else event.get("params", {}).get("message", "end") for event in events]
    return ["ping" if isinstance(one, bytes) else one for one in words]


def test_each_change_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [("Queued.", False), ("Queued.", False), ("At fal.", False), ("Done.", True)]
    events = heard(Waits(*looks, changes=[None, None, None]), monkeypatch)
    assert told(events) == ["Queued.", "ping", "At fal.", "Done.", "end"]
    progress = [event["params"]["progress"] for event in events if isinstance(event, dict) and "params" in event]
    assert progress == [1, 2, 3]
    assert events[-1]["id"] == 7
    assert events[-1]["result"]["structuredContent"]["is_final"]


def test_who_asks_for_no_progress_hears_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(("Queued.", False), ("Queued.", False), ("Done.", True), changes=[TimeoutError, None], token=None)
    assert told(heard(waits, monkeypatch)) == ["ping", "ping", "ping", "end"]


def test_server_that_stops_says_how_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    events = heard(Waits(("At fal.", False), changes=[StoppingError()]), monkeypatch)
    assert told(events) == ["At fal.", "end"]
    assert not events[-1]["result"]["structuredContent"]["is_final"]


def test_time_that_is_over_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(("At fal.", False), changes=[])
    waits.arguments = WaitArguments(id=PK, timeout_seconds=0)
    assert told(heard(waits, monkeypatch)) == ["At fal.", "end"]
