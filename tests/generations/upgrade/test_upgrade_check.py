"""`manage.py upgrade_check`: each thing that an upgrade meets, and whether it may go on."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import django_rq
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.models import User
from devserver.valkey import Valkey
from generations import tasks
from generations.doctor.outcome import Outcome, State
from generations.models import Backup, Status
from generations.upgrade import database, settings_changes, work
from generations.upgrade.settings_changes import SettingChange
from tests.cast import make_generation

pytestmark = pytest.mark.django_db(transaction=True)


SQUASHED = ("generations", "0001_squashed_0_1")
FORMER = ("generations", "0001_initial")  # one of those that it stands for


@pytest.fixture
def recorder() -> Iterator[MigrationRecorder]:
    """What it forgets and learns is put right."""
    recorder = MigrationRecorder(connection)
    before = set(recorder.applied_migrations())
    yield recorder
    now = set(recorder.applied_migrations())
    for key in before - now:
        recorder.record_applied(*key)
    for key in now - before:
        recorder.record_unapplied(*key)


def assert_says(outcome: Outcome, state: State, *words: str) -> None:
    assert outcome.state is state, outcome
    assert all(word in f"{outcome.message} {outcome.advice}" for word in words), outcome
    assert outcome.state is State.OK or outcome.advice


def test_nothing_stands_in_the_way_of_what_is_up_to_date(valkey: Valkey) -> None:
    out = StringIO()
    call_command("upgrade_check", "--json", stdout=out)

    found = json.loads(out.getvalue())
    assert found["ok"]
    names = [check["name"] for check in found["checks"]]
    assert names == [
        "database",
        "version",
        "migration",
        "locks",
        "work",
        "backup",
        "redis",
        "queue",
        "python",
        "settings",
    ]


@pytest.mark.parametrize(
    ("forget", "learn", "words"),
    [
        ([], [("generations", "9999_future")], ["newer than this code", "9999_future"]),
        ([SQUASHED, FORMER], [], ["version 0.1", "059eca1"]),
    ],
)
def test_version_that_cannot_be_upgraded(
    recorder: MigrationRecorder, forget: list[Any], learn: list[Any], words: list[str]
) -> None:
    for key in forget:
        recorder.record_unapplied(*key)
    for key in learn:
        recorder.record_applied(*key)

    assert_says(database.known_version(), State.FAILED, *words)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("upgrade_check", stdout=out)
    assert ended.value.code == 1
    assert "failed" in out.getvalue()


@pytest.mark.parametrize(
    ("redis", "version", "state"),
    [("4.0.14", "", State.FAILED), ("5.0.1", "", State.OK), ("8.2.0", "", State.OK), ("7.2.4", "9.1.2", State.OK)],
)
def test_version_of_redis(redis: str, version: str, state: State) -> None:
    assert_says(database.judge_redis(redis, version), state, f"Valkey {version}" if version else f"Redis {redis}")


@pytest.mark.parametrize(("version", "state"), [((3, 10), State.FAILED), ((3, 11), State.OK), ((3, 14), State.OK)])
def test_version_of_python(version: tuple[int, int], state: State) -> None:
    assert_says(database.judge_python(version, "its version"), state, "its version")


def test_transaction_that_is_open_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LONG_TRANSACTION", 0)

    assert_says(database.long_transactions(), State.WARNING, "A migration would wait for it", "lock_timeout")


def test_work_under_way_is_counted_and_need_not_end(alice: User) -> None:
    assert_says(work.under_way(), State.OK, "Nothing is under way")
    for status in (Status.RENDERING, Status.RENDERING, Status.MIRRORING, Status.QUEUED, Status.DONE):
        make_generation(alice, alice.personal_team, status)

    assert_says(work.under_way(), State.OK, "1 wait to be sent, 2 are at fal, 1 are copied", "Nothing need wait")


@pytest.mark.parametrize(
    ("hours", "has_migrations", "state"),
    [
        (None, True, State.WARNING),
        (None, False, State.OK),
        (2, True, State.OK),
        (30, True, State.WARNING),
        (30, False, State.OK),
    ],
)
def test_age_of_the_backup(hours: float | None, has_migrations: bool, state: State) -> None:
    if hours is not None:
        moment = timezone.now() - timedelta(hours=hours)
        Backup.objects.create(moment=moment, objects_mode="copy", object_count=1, size=1)

    outcome = work.last_backup(has_migrations=has_migrations)

    assert_says(outcome, state, "None is known" if hours is None else f"{hours}.0 hours old")
    assert (state is State.OK) or "manage.py backup" in outcome.advice


def delete_jobs() -> None:
    django_rq.get_queue().empty()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("function", "state", "words"),
    [
        ("generations.tasks.drive", State.OK, "this version knows all"),
        ("generations.tasks.gone", State.WARNING, "generations.tasks.gone"),
        ("gone.module.function", State.WARNING, "gone.module.function"),
    ],
)
def test_jobs_of_the_old_version(valkey: Valkey, function: str, state: State, words: str) -> None:
    queue = django_rq.get_queue()
    delete_jobs()
    queue.enqueue(function)
    try:
        assert_says(work.queued_jobs(), state, words)
    finally:
        delete_jobs()


def test_redis_that_is_away(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    monkeypatch.setattr(tasks, "queued_jobs", lambda: None)

    assert_says(database.redis_version(), State.FAILED, "does not answer")
    assert_says(work.queued_jobs(), State.WARNING, "does not answer")


OLD = SettingChange("FORMER_NAME", became="NEW_NAME")
GONE = SettingChange("GONE_NAME")
NEW = SettingChange("NEW_NAME", meaning="what it is for")


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({}, State.OK, ["NEW_NAME (what it is for)"]),
        ({"NEW_NAME": "x"}, State.OK, ["none required: none"]),
        ({"FORMER_NAME": "x"}, State.WARNING, ["FORMER_NAME is now NEW_NAME", "set NEW_NAME to its value"]),
        ({"GONE_NAME": "x"}, State.WARNING, ["GONE_NAME is gone", "remove GONE_NAME"]),
        ({"GONE_NAME": " ", "FORMER_NAME": ""}, State.OK, ["All that are set are read"]),
    ],
)
def test_settings_that_changed(environment: dict[str, str], state: State, words: list[str]) -> None:
    assert_says(settings_changes.judge((OLD, GONE, NEW), environment), state, *words)


def test_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("upgrade_check", stdout=out)

    connection.close()
    assert "First put the database right" in out.getvalue()
