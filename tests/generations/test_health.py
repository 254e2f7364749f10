"""/healthz and /readyz, for machines that watch."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from generations import bucket
from generations.models import Status, SubmitPause
from tests.cast import make_generation
from tests.sandbox_process import Sandbox, free_port


@pytest.fixture
def dead() -> str:
    """An origin where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def checks(client: Client) -> dict[str, str]:
    answer = client.get("/readyz")
    told = answer.json()
    found: dict[str, str] = told["checks"]
    assert told["ready"] is (answer.status_code == 200)
    assert answer.status_code in {200, 503}
    return found


def assert_only(name: str, found: dict[str, str], words: str) -> None:
    assert words in found.pop(name)
    assert set(found.values()) == {"ok"}


def test_process_is_up_whatever_else_is_down(client: Client) -> None:
    """Without the database: this test may not even use one."""
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_studio_is_ready_when_all_pieces_answer(client: Client, sandbox: Sandbox) -> None:
    assert checks(client) == dict.fromkeys(["database", "redis", "bucket", "fal", "submitting", "copies"], "ok")


@pytest.mark.django_db
def test_resting_submits_are_named(client: Client, sandbox: Sandbox) -> None:
    SubmitPause.objects.begin_or_extend("balance_exhausted", "The balance is exhausted.")

    assert_only("submitting", checks(client), "The balance is exhausted.")


@pytest.mark.django_db
def test_a_video_that_is_not_home_after_an_hour_is_named(client: Client, sandbox: Sandbox, alice: User) -> None:
    made = make_generation(alice, alice.personal_team, status=Status.MIRRORING)
    assert checks(client)["copies"] == "ok"

    made.events.update(at=timezone.now() - timedelta(hours=1, seconds=1))

    assert_only("copies", checks(client), "1 finished videos")


@pytest.mark.django_db
def test_fal_that_is_away_is_named(client: Client, sandbox: Sandbox, settings: Settings, dead: str) -> None:
    settings.FAL_QUEUE_URL = dead

    assert_only("fal", checks(client), "refused")


@pytest.mark.django_db
def test_wrong_key_of_fal_is_named(client: Client, sandbox: Sandbox, settings: Settings) -> None:
    settings.SANDBOX_KEY = "somebody:else"

    assert_only("fal", checks(client), "KeyRefused: ")


@pytest.mark.django_db
def test_redis_that_is_away_is_named(client: Client, sandbox: Sandbox, settings: Settings, dead: str) -> None:
    settings.REDIS_URL = dead.replace("http", "redis")

    assert_only("redis", checks(client), "ConnectionError")


@pytest.mark.django_db
def test_bucket_that_is_missing_is_named(client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "name", lambda: "no-such-bucket")

    assert_only("bucket", checks(client), "ClientError")


@pytest.mark.django_db
def test_database_that_is_away_is_named(client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", refuse)

    assert_only("database", checks(client), "OperationalError: connection refused")
