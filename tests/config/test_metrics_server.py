"""METRICS_PORT: what worker and cron count, at a port of their own."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from pytest_django import Settings

from config import metrics, metrics_server
from devserver import addresses
from devserver.server import die_with_parent
from tests.sandbox_process import free_port
from tests.scrape import families
from tests.security.web_server import environment_of_test

TOKEN = {"Authorization": "Bearer s3cr3t-token"}
OTHER = {"Authorization": "Bearer other"}
POD = {"Host": "10.1.2.3:9100"}
TIMEOUT = 90.0  # s; a limit against hanging, not a measure


@pytest.fixture
def port(settings: Settings) -> int:
    own = free_port()
    settings.METRICS_PORT, settings.METRICS_TOKEN = own, "s3cr3t-token"
    settings.SITE_URL = "https://studio.example.com"
    settings.ALLOWED_HOSTS = ["studio.example.com", "127.0.0.1"]
    return own


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/metrics", {}, 200),
        ("GET", "/metrics?a=b", {}, 200),
        ("GET", "/metrics", TOKEN, 200),
        ("GET", "/metrics", TOKEN | POD, 200),
        ("GET", "/metrics", OTHER, 401),
        ("GET", "/metrics", OTHER | POD, 401),
        ("GET", "/metrics", POD, 404),
        ("GET", "/metrics", {"X-Forwarded-For": "203.0.113.7"}, 404),
        ("POST", "/metrics", TOKEN, 404),
        ("GET", "/", TOKEN, 404),
        ("GET", "/metrics/x", TOKEN, 404),
        ("GET", "/%ff", {}, 404),
    ],
)
def test_own_port_answers_by_the_rule_of_the_web_process(
    port: int, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    metrics_server.start(lambda: b"kling_studio_x 1\n")

    answer = httpx.request(method, f"http://127.0.0.1:{port}{path}", headers=headers)

    assert answer.status_code == status
    assert (answer.content == b"kling_studio_x 1\n") is (status == 200)
    assert answer.headers.get("Content-Type") == (metrics.CONTENT_TYPE if status == 200 else "text/plain")


def test_port_that_is_taken_keeps_nobody_from_work(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        metrics_server.start(lambda: b"first\n")
        metrics_server.start(lambda: b"second\n")

    assert f"METRICS_PORT {port}" in caplog.text
    assert httpx.get(f"http://127.0.0.1:{port}/metrics").content == b"first\n"


def test_without_a_port_nothing_listens(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_PORT = None
    monkeypatch.setattr(metrics_server, "make_server", lambda *_args, **_options: pytest.fail("it listens"))

    metrics_server.start(metrics.render)


@contextmanager
def running(*command: str, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=addresses.ROOT,
        env=environment_of_test(free_port()) | {"METRICS_PORT": str(port), "HOST": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  only a system call
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def scrape(port: int) -> set[str]:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            return families(httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().content)
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("nobody listens")


@pytest.mark.django_db(transaction=True)
def test_worker_and_cron_tell_theirs() -> None:
    worker, cron = free_port(), free_port()
    with (
        running("rqworker", "default", port=worker),
        running("rqcron", "generations.cron", "--skip-checks", port=cron),
    ):
        of_worker, of_cron = scrape(worker), scrape(cron)

    assert "kling_studio_fal_call_duration_seconds" in of_worker
    assert "kling_studio_generations" not in of_worker, "it is the same from every process"
    assert of_worker | {"kling_studio_generations", "kling_studio_schedulers"} <= of_cron
