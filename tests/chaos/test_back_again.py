"""A worker lives through a restart of what it leans on: it goes on by itself, and within seconds."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.db import OperationalError
from rq import Queue

from accounts.models import User
from devserver import addresses, launcher, valkey
from devserver.server import wait_until
from generations import tasks
from generations.models import Generation, Status
from generations.pipeline import submit
from tests.cast import make_generation
from tests.chaos.processes import PROCFILE, Supply, url_of_test_database
from tests.generations.pipeline.driven import drive_to_the_end, make_due
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = "[sandbox: no_media_generated]"
AWAY = 9.0  # s; RQ's own waits would then be eight seconds and more
TIMEOUT = 60.0  # s; a limit against hanging, not a measure


@pytest.fixture(autouse=True)
def no_faults(sandbox: Sandbox) -> None:
    sandbox.set_faults("")


def break_connections() -> None:
    """What a restart of PostgreSQL does to a worker: its connection is gone when it is next used."""
    with psycopg.connect(url_of_test_database()) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )


def test_a_worker_goes_on_after_postgresql_was_restarted(alice: User) -> None:
    tasks.drive()
    generation = make_generation(alice, alice.personal_team, prompt=f"After the restart {REFUSED}")
    break_connections()

    tasks.drive()

    generation.refresh_from_db()
    assert generation.status == Status.RENDERING


def test_fals_answer_is_not_forgotten_when_postgresql_is_away(
    alice: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Answered meanwhile {REFUSED}")
    write, tries = submit._save_answer, []

    def write_down(*args: Any) -> None:
        tries.append(args)
        if len(tries) == 1:
            break_connections()
        write(*args)

    monkeypatch.setattr(submit, "_save_answer", write_down)
    tasks.drive()

    generation.refresh_from_db()
    assert len(tries) == 2
    assert generation.request_id
    assert drive_to_the_end(generation).reason == "no_media_generated"
    assert sum(request["prompt"] == generation.prompt for request in sandbox.records()["requests"]) == 1


def test_rows_whose_commit_lost_its_word_are_sent_all_the_same_and_once(
    alice: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = f"Committed without a word {REFUSED}"
    rows = [make_generation(alice, alice.personal_team, prompt=prompt) for _ in range(3)]
    commit, tries = submit._commit_to_submitting, []

    def lose_the_first_word(*args: Any) -> Any:
        tries.append(args)
        committed = commit(*args)
        if len(tries) == 1:
            raise OperationalError("the connection is gone")
        return committed

    monkeypatch.setattr(submit, "_commit_to_submitting", lose_the_first_word)
    tasks.drive()

    assert len(tries) == 2
    assert {row.status for row in Generation.objects.all()} == {Status.RENDERING}
    assert sum(request["prompt"] == prompt for request in sandbox.records()["requests"]) == len(rows)


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Supply]:
    """A Valkey that this test alone uses and kills."""
    own = Supply(lambda: valkey.start(tmp_path / "valkey"), signal.SIGKILL)
    own.start()
    yield own
    own.stop()


@pytest.fixture
def queue(own_valkey: Supply, tmp_path: Path) -> Queue:
    return Queue("default", connection=redis.Redis.from_url(valkey.url(tmp_path / "valkey")))


@pytest.fixture
def worker(queue: Queue, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The Procfile's worker, on the tests' database and on that Valkey."""
    own = {"DATABASE_URL": url_of_test_database(), "REDIS_URL": valkey.url(tmp_path / "valkey")}
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            PROCFILE["worker"],
            shell=True,
            cwd=addresses.ROOT,
            env=launcher.environment() | own,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def drives(queue: Queue, generation: Generation) -> None:
    """A wake-up has the worker send it to fal; returns once the worker is idle."""
    make_due()
    queue.enqueue(tasks.drive)
    assert wait_until(lambda: Generation.objects.get(pk=generation.pk).status != Status.QUEUED, TIMEOUT)
    assert wait_until(lambda: not queue.started_job_registry.count, TIMEOUT)
    time.sleep(0.5)


def test_an_idle_worker_goes_on_after_valkey_was_killed(
    alice: User, own_valkey: Supply, queue: Queue, worker: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    drives(queue, make_generation(alice, alice.personal_team, prompt=f"Before {REFUSED}"))
    own_valkey.break_down()
    time.sleep(AWAY)
    own_valkey.start()

    drives(queue, make_generation(alice, alice.personal_team, prompt=f"After {REFUSED}"))

    assert worker.poll() is None, "it ended instead of waiting"
    waits = re.findall(r"retrying in (\d+) seconds", (tmp_path / "worker.log").read_text())
    assert set(waits) <= {"1", "2"}, "the longer Valkey is away, the longer the rows wait after it is back"
