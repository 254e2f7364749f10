"""/healthz and /readyz, for machines that watch."""

import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from generations import bucket
from generations.models import Status, SubmitPause
from generations.views import health
from tests.cast import make_generation
from tests.history import rewriting_history
from tests.sandbox_process import Sandbox, free_port


@pytest.fixture
def dead() -> str:
    """An origin where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    health.readiness_cache.clear()


def checks(client: Client) -> dict[str, str]:
    health.readiness_cache.clear()
    answer = client.get("/readyz", HTTP_HOST="127.0.0.1:8000")
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
def test_a_video_that_is_not_copied_after_an_hour_is_named(client: Client, sandbox: Sandbox, alice: User) -> None:
    made = make_generation(alice, alice.personal_team, status=Status.MIRRORING)
    assert checks(client)["copies"] == "ok"

    with rewriting_history():
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

    assert_only("bucket", checks(client), "There is no bucket no-such-bucket in us-east-1.")


@pytest.mark.django_db
def test_database_that_is_away_is_named(client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", refuse)

    assert_only("database", checks(client), "OperationalError: connection refused")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("request_", "sees"),
    [
        ({"HTTP_HOST": "127.0.0.1:8000"}, True),
        ({"HTTP_HOST": "localhost"}, True),
        ({"HTTP_HOST": "[::1]:8000", "REMOTE_ADDR": "::1"}, True),
        ({"HTTP_HOST": "localhost", "REMOTE_ADDR": "10.0.0.5"}, False),
        ({"HTTP_HOST": "localhost", "REMOTE_ADDR": ""}, False),
        ({"HTTP_HOST": "studio.example.com"}, False),  # a proxy on this machine that says only this
        ({"HTTP_HOST": "localhost", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ({"HTTP_HOST": "localhost", "HTTP_X_REAL_IP": "127.0.0.1"}, False),
        ({"HTTP_HOST": "localhost", "HTTP_FORWARDED": "for=127.0.0.1"}, False),
        ({"HTTP_HOST": "localhost", "HTTP_X_FORWARDED_PROTO": "https"}, False),
        ({"HTTP_HOST": "localhost", "HTTP_VIA": "1.1 proxy"}, False),
        ({"HTTP_HOST": "studio.example.com", "HTTP_AUTHORIZATION": "Bearer s3cr3t-token"}, True),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "bearer s3cr3t-token"}, True),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "Bearer other"}, False),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "Bearer "}, False),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "Basic s3cr3t-token"}, False),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "Bearer é"}, False),
    ],
)
def test_details_are_for_this_machine_or_for_who_has_the_token(
    client: Client, sandbox: Sandbox, settings: Settings, request_: dict[str, str], sees: bool
) -> None:
    settings.ALLOWED_HOSTS, settings.METRICS_TOKEN = ["*"], "s3cr3t-token"
    settings.REDIS_URL = "redis://127.0.0.1:1"

    answer = client.get("/readyz", **request_)  # type: ignore[arg-type]

    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert ("checks" in answer.json()) is sees
    assert (b"redis" in answer.content) is sees


@pytest.mark.django_db
def test_without_a_token_none_opens(client: Client, sandbox: Sandbox, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    answer = client.get("/readyz", REMOTE_ADDR="203.0.113.7", HTTP_AUTHORIZATION="Bearer ")

    assert answer.json() == {"ready": True}


class Asked:
    """In the place of the bucket's check: counts, and holds who asks until it is let go."""

    def __init__(self) -> None:
        self.times = 0
        self.is_asked, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()

    def __call__(self) -> None:
        self.times += 1
        self.is_asked.set()
        assert self.may_go_on.wait(60)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(health, "_CHECKS", {"database": asked})
    monkeypatch.setattr(health, "_ROW_CHECKS", {})
    return asked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_answer_stands_for_some_seconds(client: Client, asked: Asked, clock: list[float]) -> None:
    for _ in range(20):
        assert client.get("/readyz").status_code == 200
    assert asked.times == 1

    clock[0] += health.READY_CACHE_SECONDS
    client.get("/readyz")
    assert asked.times == 2


def test_bad_answer_stands_for_less(client: Client, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    def fail() -> None:
        times.append(1)
        raise health.NotReadyError("no")

    monkeypatch.setattr(health, "_CHECKS", {"database": fail})
    assert [client.get("/readyz").status_code for _ in range(5)] == [503] * 5
    assert len(times) == 1

    clock[0] += health.NOT_READY_CACHE_SECONDS
    client.get("/readyz")
    assert len(times) == 2


def test_one_thread_asks_and_the_others_do_not_wait(client: Client, asked: Asked, clock: list[float]) -> None:
    client.get("/readyz")
    clock[0] += health.READY_CACHE_SECONDS
    asked.is_asked.clear()
    asked.may_go_on.clear()
    slow = threading.Thread(target=health.readiness_cache.current)
    slow.start()
    assert asked.is_asked.wait(60)

    assert client.get("/readyz").status_code == 200, "by what was known"

    asked.may_go_on.set()
    slow.join(60)
    assert asked.times == 2


def test_all_who_ask_first_share_one_answer(asked: Asked) -> None:
    asked.may_go_on.clear()
    threads = [threading.Thread(target=health.readiness_cache.current) for _ in range(8)]
    for thread in threads:
        thread.start()
    asked.may_go_on.set()
    for thread in threads:
        thread.join(60)

    assert asked.times == 1
