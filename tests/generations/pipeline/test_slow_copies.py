"""One slow copy delays no other: a pass ends while it goes on, and others are finished meanwhile."""

import time
from collections.abc import Iterator

import pytest

from accounts.models import User
from generations import pipeline
from generations.mirror import transfer_rate
from generations.models import Generation, Status
from generations.pipeline import download
from tests.cast import make_generation
from tests.generations.mirror.videos import mp4
from tests.generations.pipeline.driven import drive_until
from tests.sandbox_process import Sandbox
from tests.scripted_server import Reply, ScriptedServer, scripted_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def files() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        server.pages["/good.mp4"] = Reply(body=mp4())
        server.pages["/drip.mp4"] = Reply(body=mp4(), drip=0.05)
        yield server


@pytest.fixture(autouse=True)
def _ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Slow is what is slow for a moment; no copy outlives its test."""
    monkeypatch.setattr(download, "_GRACE_SECONDS", 0.2)
    yield
    for copy in download.active_copies():
        copy.lost.set()
    give_up = time.monotonic() + 60
    while any(not copy.result.done() for copy in download.active_copies()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    download._active_copies.clear()


def made(user: User, url: str) -> Generation:
    row = make_generation(user, user.personal_team, status=Status.MIRRORING)
    Generation.objects.filter(pk=row.pk).update(source_url=url)
    return row


def status_of(row: Generation) -> str:
    return Generation.objects.get(pk=row.pk).status


def test_more_slow_ones_than_there_are_places_hold_no_good_one(
    alice: User, bob: User, files: ScriptedServer, sandbox: Sandbox
) -> None:
    slow = [made(alice, f"{files.url}/drip.mp4") for _ in range(download.MAX_FAST_COPIES + 4)]
    good = [made(bob, f"{files.url}/good.mp4") for _ in range(3)]

    drive_until(lambda: {status_of(row) for row in good} == {Status.DONE})

    assert {status_of(row) for row in slow} == {Status.MIRRORING}


def test_a_pass_ends_and_the_next_one_brings_it_home(
    alice: User, files: ScriptedServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_rate, "MIN_RATE", 1)
    files.pages["/slow.mp4"] = Reply(body=mp4(), drip=0.0002)
    row = made(alice, f"{files.url}/slow.mp4")

    pipeline.drive()

    assert status_of(row) == Status.MIRRORING, "the pass has ended before the copy"
    assert [copy.row for copy in download.active_copies()] == [row]
    drive_until(lambda: status_of(row) == Status.DONE)
    assert [asked.path for asked in files.asked] == ["/slow.mp4"], "it was one copy all along"
    assert download.active_copies() == []


def test_broken_off_it_says_so_and_comes_again(
    alice: User, files: ScriptedServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_rate, "WINDOW", 0.5)
    row = made(alice, f"{files.url}/drip.mp4")

    drive_until(lambda: Generation.objects.get(pk=row.pk).attempts > 0)

    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.MIRRORING, "source_unavailable")
    assert "broken off" in row.message
    assert row.due_at
    files.pages["/drip.mp4"] = Reply(body=mp4())
    drive_until(lambda: status_of(row) == Status.DONE)


def test_a_team_has_so_many_slow_ones_at_most(alice: User, files: ScriptedServer, sandbox: Sandbox) -> None:
    for _ in range(download.MAX_SLOW_COPIES_PER_TEAM):
        made(alice, f"{files.url}/drip.mp4")
    pipeline.drive()

    assert download.teams_at_their_limit() == [alice.personal_team.pk]
    assert download.free_slots() == download.MAX_FAST_COPIES
