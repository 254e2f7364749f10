"""Programs that poll as fal's own client does, and as many that wait: what is left for the pages?

Run `python -m bench.api`. 400 clients ask for the status of a request each 0.1 s after the last answer; then 1,000
streams of events and 1,000 `run` calls are open at once. Meanwhile one user keeps opening the gallery. The clients
run on the same machine, in a process of their own.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import asyncio
import json
import multiprocessing
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Team, User
from api.models import ApiRequest, Key, Scope
from bench._studio import Process, Studio, running_studio, session_of, wait_for
from bench._targets import Target, percentile, report_targets
from generations.models import Generation, Status
from tests.cast import make_generation

POLL_PAUSE: Final = 0.1  # s; fal-client's
WARM_UP: Final = 5.0  # s that are not counted
OLD_ROWS: Final = 60
OPEN_SECONDS: Final = 240  # a limit against hanging, not a measure
GALLERY_PAUSE: Final = 0.1
ENDPOINT: Final = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
A: Final = "fal-ai/kling-video"


# --- the programs, in a process of their own --------------------------------------------------------------------------


@dataclass
class Poller(asyncio.Protocol):
    """One connection; it asks again a pause after each answer."""

    request: bytes
    counted_from: float
    statuses: dict[int, int]
    received: bytearray = field(default_factory=bytearray)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        asyncio.get_running_loop().call_later(random.random() * POLL_PAUSE, self.ask)

    def connection_lost(self, error: Exception | None) -> None:
        self.statuses[0] = self.statuses.get(0, 0) + 1

    def ask(self) -> None:
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.received.endswith(b"}"):
            return
        if time.time() > self.counted_from:
            status = int(self.received[9:12])
            self.statuses[status] = self.statuses.get(status, 0) + 1
        self.received.clear()
        asyncio.get_running_loop().call_later(POLL_PAUSE, self.ask)


def poll(port: int, token: str, pks: list[str], seconds: float) -> dict[int, int]:
    """How often each status came after the warm-up; 0 is a lost connection."""
    return asyncio.run(_poll(port, token, pks, seconds))


async def _poll(port: int, token: str, pks: list[str], seconds: float) -> dict[int, int]:
    statuses: dict[int, int] = {}
    loop, counted_from = asyncio.get_running_loop(), time.time() + WARM_UP
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Key {token}\r\n\r\n"
    for pk in pks:
        request = f"GET /fal/queue/{A}/requests/{pk}/status?logs=false HTTP/1.1\r\n{head}".encode()
        poller = Poller(request, counted_from, statuses)
        await loop.create_connection(lambda poller=poller: poller, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.sleep(WARM_UP + seconds)
    return dict(statuses)


def wait(port: int, token: str, pks: list[str], runs: int, enough: Path) -> tuple[int, int]:
    """How many streams and how many `run` calls are open when the file is there that says that it is enough."""
    return asyncio.run(_wait(port, token, pks, runs, enough))


async def _wait(port: int, token: str, pks: list[str], runs: int, enough: Path) -> tuple[int, int]:
    host = f"Host: 127.0.0.1:{port}\r\nAuthorization: Key {token}\r\n"
    streams = [f"GET /fal/queue/{A}/requests/{pk}/status/stream HTTP/1.1\r\n{host}\r\n".encode() for pk in pks]
    body = json.dumps({"prompt": "A fox in the snow"})
    post = (
        f"POST /fal/run/{ENDPOINT} HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    opened = [await _open(port, request) for request in streams]
    heads = await asyncio.gather(*(reader.readuntil(b"\r\n\r\n") for reader, _ in opened))
    waiting = [await _open(port, f"{post}\r\n{body}".encode()) for _ in range(runs)]
    while not enough.exists():
        await asyncio.sleep(0.5)
    alive = sum(b"200" in head[:15] and not reader.at_eof() for head, (reader, _) in zip(heads, opened, strict=True))
    unanswered = sum(not reader._buffer and not reader.at_eof() for reader, _ in waiting)  # type: ignore[attr-defined]
    for _, writer in [*opened, *waiting]:
        writer.close()
    return alive, unanswered


async def _open(port: int, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    return reader, writer


# --- the studio -------------------------------------------------------------------------------------------------------


def populate(count: int) -> tuple[str, str, list[str]]:
    """A key's token, its person's session cookie, and the ids of so many requests at fal."""
    bob = User.objects.create_user("bob@example.com", name="Bob")
    team = Team.objects.get(personal_of=bob)
    key = Key(user=bob, team=team, name="bench", scopes=[Scope.READ, Scope.GENERATE])
    token = key.save_with_token()
    first = make_generation(bob, team, Status.RENDERING)
    long_ago = timezone.now() - timedelta(days=1)
    rows = [_copy(first, request_id=f"running-{n}") for n in range(count)]
    made = Generation.objects.bulk_create(rows)
    ApiRequest.objects.bulk_create([ApiRequest(generation=row, key=key) for row in made])
    ended = make_generation(bob, team, Status.CANCELED)
    Generation.objects.bulk_create([_copy(ended, created_at=long_ago, changed_at=long_ago) for _ in range(OLD_ROWS)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return token, f"{settings.SESSION_COOKIE_NAME}={session_of(bob)}", [str(row.pk) for row in made]


def _copy(row: Generation, **columns: object) -> Generation:
    own = {"id", "idempotency_key", "request_id"}
    values = {f.attname: getattr(row, f.attname) for f in Generation._meta.concrete_fields if f.attname not in own}
    return Generation(**values | columns)


class Visitor:
    """Somebody opens the gallery again and again, for so many seconds; then `times` has how long each took."""

    def __init__(self, url: str, session: str, seconds: float) -> None:
        self.times: list[float] = []
        self._url, self._session, self._seconds = url, session, seconds
        self._thread = threading.Thread(target=self._open)

    def __enter__(self) -> "Visitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _open(self) -> None:
        begun, until = time.perf_counter() + WARM_UP, time.perf_counter() + WARM_UP + self._seconds
        with httpx.Client(headers={"Cookie": self._session}, timeout=60) as client:
            while (now := time.perf_counter()) < until:
                client.get(f"{self._url}/").raise_for_status()
                if now > begun:
                    self.times.append(time.perf_counter() - now)
                time.sleep(GALLERY_PAUSE)


def measure(studio: Studio, web: Process, clients: int, open_at_once: int, seconds: float) -> int:
    token, session, pks = populate(max(clients, open_at_once))
    port = int(studio.url.rpartition(":")[2])
    with Visitor(studio.url, session, seconds) as calm:
        pass
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        used = web.cpu_seconds()
        polled = pool.apply_async(poll, (port, token, pks[:clients], seconds))
        with Visitor(studio.url, session, seconds) as beside_polls:
            pass
        statuses = polled.get(seconds + 60)
        used = web.cpu_seconds() - used
        before = web.resident_bytes()
        enough = studio.directory / "enough"
        held = pool.apply_async(wait, (port, token, pks[:open_at_once], open_at_once, enough))
        ordered = Generation.objects.filter(status=Status.QUEUED)
        wait_for(lambda: ordered.count() >= open_at_once, OPEN_SECONDS, lambda: f"{ordered.count()} run calls made")
        with Visitor(studio.url, session, seconds) as beside_held:
            pass
        resident = web.resident_bytes()
        enough.touch()
        streams, runs = held.get(OPEN_SECONDS)
    answers = statuses.get(202, 0) / seconds
    print(f"While polled, the web processes take {used / (seconds + WARM_UP) * 100:.0f} % of a core, pages included.")
    print(f"Answers: {statuses}; the web processes have {before / 1e6:.0f} MB before, and {resident / 1e6:.0f} MB with")
    print(f"{streams:,} streams and {runs:,} run calls open.")
    p95 = {
        name: percentile(one.times, 95)
        for name, one in [("calm", calm), ("polls", beside_polls), ("open", beside_held)]
    }
    print("p95 of the gallery in ms: " + ", ".join(f"{value:.1f} {name}" for name, value in p95.items()))
    return report_targets(
        [
            Target("answers a second", answers, 2000),
            Target("answers that were no status", sum(statuses.values()) - statuses.get(202, 0), 0, at_most=True),
            Target("gallery beside the polls, of calm", p95["polls"] / p95["calm"], 2, at_most=True),
            Target("streams open", streams, open_at_once),
            Target("run calls open", runs, open_at_once),
            Target("MB for what is open", (resident - before) / 1e6, 300, at_most=True),
            Target("gallery beside what is open, of calm", p95["open"] / p95["calm"], 2, at_most=True),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=400)
    parser.add_argument("--open", type=int, default=1000, help="streams, and as many run calls")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with running_studio() as studio:
        return measure(studio, studio.start_web(), options.clients, options.open, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
