"""A thousand tabs ask /events once a second: how long does an answer take?

Run `python -m bench.live`. The tabs run in processes of their own and do what static/live.js does, without fetching
the cards that changed; meanwhile rows change, and one user keeps opening the gallery.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import asyncio
import multiprocessing
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.pool import AsyncResult
from typing import Final

import httpx
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from bench._studio import Studio, running_studio, session_of
from bench._targets import Target, percentile, report_targets
from generations.models import Generation, Status
from tests.cast import make_generation

TEAM_SIZE: Final = 5
OLD_ROWS: Final = 20  # finished ones a person
UPDATES_PER_SECOND: Final = 20
WARM_UP: Final = 10.0  # s that are not counted
LOAD_PROCESSES: Final = 2


# --- the tabs, in processes of their own ------------------------------------------------------------------------------


@dataclass
class Tab(asyncio.Protocol):
    """One tab's connection; a second after each answer it asks again."""

    host: str
    session: str
    since: int
    counted_from: float
    answers: dict[int, int]
    times: list[float]
    etag: str = ""
    sent: float = 0.0
    is_waiting: bool = False
    received: bytearray = field(default_factory=bytearray)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        asyncio.get_running_loop().call_later(random.random(), self.ask)

    def connection_lost(self, error: Exception | None) -> None:
        self.answers[0] = self.answers.get(0, 0) + 1

    def ask(self) -> None:
        known = f"If-None-Match: {self.etag}\r\n" if self.etag else ""
        request = (
            f"GET /events?since={self.since} HTTP/1.1\r\nHost: {self.host}\r\nCookie: {self.session}\r\n{known}\r\n"
        )
        self.sent, self.is_waiting = time.perf_counter(), True
        self.transport.write(request.encode())

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        status = int(head[9:12])
        if status != 200:
            self.record_answer(status)
        elif len(body) >= int(_header(head, b"content-length")):
            self.etag = _header(head, b"etag").decode()
            self.since = int(body[8 : body.index(b",")])
            self.record_answer(status)

    def record_answer(self, status: int) -> None:
        self.received.clear()
        now, self.is_waiting = time.perf_counter(), False
        if time.time() > self.counted_from:
            self.times.append(now - self.sent)
            self.answers[status] = self.answers.get(status, 0) + 1
        asyncio.get_running_loop().call_later(1, self.ask)


def _header(head: bytearray, name: bytes) -> bytearray:
    begin = head.lower().index(b"\r\n" + name + b": ") + len(name) + 4
    end = head.find(b"\r\n", begin)
    return head[begin : end if end >= 0 else len(head)]


def run_tabs(port: int, sessions: list[str], seconds: float) -> tuple[list[float], dict[int, int]]:
    """The times of all answers after the warm-up, and how often each status came; 0 is a lost connection."""
    return asyncio.run(_run_tabs(port, sessions, seconds))


async def _run_tabs(port: int, sessions: list[str], seconds: float) -> tuple[list[float], dict[int, int]]:
    times: list[float] = []
    answers: dict[int, int] = {}
    tabs: list[Tab] = []
    loop, now = asyncio.get_running_loop(), time.time()
    for session in sessions:
        tab = Tab(f"127.0.0.1:{port}", session, int(now * 1000), now + WARM_UP, answers, times)
        await loop.create_connection(lambda tab=tab: tab, "127.0.0.1", port)  # type: ignore[misc]
        tabs.append(tab)
    await asyncio.sleep(WARM_UP + seconds)
    ended = time.perf_counter()
    return times + [ended - tab.sent for tab in tabs if tab.is_waiting], dict(answers)


# --- the people and their work ----------------------------------------------------------------------------------------


def populate(count: int) -> list[str]:
    """So many people in teams of five, each with one running generation and some old ones; their session cookies."""
    users = User.objects.bulk_create([User(email=f"person{n}@example.com", password="!") for n in range(count)])
    teams = Team.objects.bulk_create([Team(name=f"Team {n}", slug=f"team-{n}") for n in range(-(-count // TEAM_SIZE))])
    Membership.objects.bulk_create(
        [Membership(team=teams[n // TEAM_SIZE], user=user, role=Role.MEMBER) for n, user in enumerate(users)]
    )
    first = make_generation(users[0], teams[0], Status.RENDERING)
    made = make_generation(users[0], teams[0], Status.CANCELED)
    hour_ago = timezone.now() - timedelta(hours=1)
    for n, user in enumerate(users):
        team = teams[n // TEAM_SIZE]
        Generation.objects.bulk_create(
            [_copy_generation(first, user, team, request_id=f"running-{n}")]
            + [_copy_generation(made, user, team, created_at=hour_ago, changed_at=hour_ago) for _ in range(OLD_ROWS)]
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [f"{settings.SESSION_COOKIE_NAME}={session_of(user)}" for user in users]


def _copy_generation(row: Generation, user: User, team: Team, **columns: object) -> Generation:
    names = [
        f.attname for f in Generation._meta.concrete_fields if f.attname not in {"id", "idempotency_key", "request_id"}
    ]
    values = {name: getattr(row, name) for name in names} | {"user_id": user.pk, "team_id": team.pk} | columns
    return Generation(**values)


# --- what happens meanwhile -------------------------------------------------------------------------------------------


class BackgroundLoad:
    """Rows move, and somebody opens the gallery again and again; until it is told to stop."""

    def __init__(self, url: str, session: str) -> None:
        self.pages: list[float] = []
        self._url, self._session = url, session
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._move, self._open)]

    def __enter__(self) -> "BackgroundLoad":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _move(self) -> None:
        rows = list(Generation.objects.filter(status=Status.RENDERING).values_list("pk", flat=True))
        while not self._stop.wait(1 / UPDATES_PER_SECOND):
            Generation.objects.filter(pk=random.choice(rows)).update(changed_at=timezone.now())
        connection.close()

    def _open(self) -> None:
        counted_from = time.perf_counter() + WARM_UP
        with httpx.Client(headers={"Cookie": self._session}, timeout=60) as client:
            while not self._stop.wait(0.2):
                begun = time.perf_counter()
                client.get(f"{self._url}/").raise_for_status()
                if begun > counted_from:
                    self.pages.append(time.perf_counter() - begun)


def measure(studio: Studio, tabs: int, seconds: float) -> int:
    sessions = populate(tabs)
    web = studio.start_web()
    port = int(studio.url.rpartition(":")[2])
    shares = [sessions[number::LOAD_PROCESSES] for number in range(LOAD_PROCESSES)]
    with (
        multiprocessing.get_context("spawn").Pool(LOAD_PROCESSES) as pool,
        BackgroundLoad(studio.url, sessions[0]) as meanwhile,
    ):
        before = web.cpu_seconds()
        running: list[AsyncResult[tuple[list[float], dict[int, int]]]] = [
            pool.apply_async(run_tabs, (port, share, seconds)) for share in shares
        ]
        found = [one.get(seconds + 120) for one in running]
        cpu = (web.cpu_seconds() - before) / (seconds + WARM_UP)
    times = [each for some, _ in found for each in some]
    statuses = {status for _, some in found for status in some}
    answers = {status: sum(some.get(status, 0) for _, some in found) for status in sorted(statuses)}
    return report(times, answers, meanwhile.pages, tabs, seconds, cpu, web.peak_bytes())


def report(
    times: list[float], answers: dict[int, int], pages: list[float], tabs: int, seconds: float, cpu: float, memory: int
) -> int:
    print(f"\n{tabs:,} tabs for {seconds:.0f} s, {len(times) / seconds:.0f} answers a second:", end=" ")
    print(", ".join(f"{count:,} × {status or 'connection lost'}" for status, count in answers.items()), end=". ")
    print(f"Web process: {cpu * 100:.0f} % of a core, {memory / 1e6:.0f} MB at most.")
    print("\n| milliseconds | median | p95 | p99 | worst |\n|---|---:|---:|---:|---:|")
    for name, some in (("/events", times), ("gallery page meanwhile", pages)):
        cells = [percentile(some, share) for share in (50, 95, 99)] + [max(some, default=float("nan")) * 1000]
        print(f"| {name} | {' | '.join(f'{cell:.0f}' for cell in cells)} |")
    failed = sum(count for status, count in answers.items() if status not in {200, 204, 304})
    return report_targets(
        [
            Target("p95 of /events, ms", percentile(times, 95), 200, at_most=True),
            Target("answers a second and tab", len(times) / seconds / tabs, 0.8),
            Target("answers that were none", failed, 0, at_most=True),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="tabs")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    with running_studio() as studio:
        return measure(studio, arguments.count, arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
