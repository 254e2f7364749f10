"""`make run`: what is started when, what is refused, and that nothing is left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from honcho.environ import parse_procfile

from devserver import addresses, launcher
from devserver.s3 import HOST, free_ports, is_free
from devserver.server import wait_until
from tests.environment import without_ours

PROCFILE = parse_procfile((addresses.ROOT / "Procfile").read_text()).processes
EVERYTHING = {"postgres", "valkey", "s3", "sandbox", "web", "worker", "cron"}
START_SECONDS = 300  # a limit against hanging: three other tests run beside it
STOP_SECONDS = 30


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, set()),
        ({"DATABASE_URL": "postgres://db/studio"}, {"postgres"}),
        ({"REDIS_URL": "redis://cache"}, {"valkey"}),
        ({"AWS_STORAGE_BUCKET_NAME": "videos"}, {"s3"}),
        ({"AWS_S3_ENDPOINT_URL": "https://s3.example.com"}, {"s3"}),
        ({"FAL_KEY": "id:secret"}, {"sandbox"}),
        ({"FAL_QUEUE_URL": "http://127.0.0.1:9"}, {"sandbox"}),
        ({"FAL_KEY": "", "REDIS_URL": ""}, set()),
        (
            {"DATABASE_URL": "x", "REDIS_URL": "x", "AWS_STORAGE_BUCKET_NAME": "x", "FAL_KEY": "x"},
            set(launcher.SERVICE_VARIABLES),
        ),
    ],
)
def test_what_the_environment_has_is_not_started(given: dict[str, str], missing: set[str]) -> None:
    assert set(launcher.select_processes(PROCFILE, given)) == EVERYTHING - missing


def test_only_started_processes_need_their_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert launcher.ports(launcher.select_processes(PROCFILE, {})) == [*range(9002, 9012), 9001, 9000]
    assert launcher.ports(launcher.select_processes(PROCFILE, {"FAL_KEY": "x", "AWS_STORAGE_BUCKET_NAME": "x"})) == [
        9000
    ]


@pytest.mark.parametrize("value", ["x", "-1", "80", "65500", "9.5"])
def test_a_port_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(launcher.StartError, match="from 1024 to 65000"):
        launcher.read_port({"PORT": value})


def test_without_debug_no_password_and_no_mails_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    shown = "\n".join(launcher.greeting())
    assert "admin@example.com" in shown
    assert f"{launcher.address()}dev/mail/" in shown
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.example.com:25")
    assert "/dev/mail/" not in "\n".join(launcher.greeting())
    monkeypatch.delenv("EMAIL_URL")
    monkeypatch.setenv("DEBUG", "false")
    assert len(launcher.greeting()) == 2


class Launched:
    """`python -m devserver.launcher` in a session of its own, as a terminal has it."""

    def __init__(self, var: Path, port: int, output: str = "first", **more: str) -> None:
        environment = without_ours() | {"VAR_DIR": str(var), "PORT": str(port)} | more
        self.var, self.port, self.output = var, port, var.parent / output
        with self.output.open("wb") as written:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "devserver.launcher"],
                cwd=addresses.ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        said = wait_until(lambda: "is ready" in self.text() or self.process.poll() is not None, START_SECONDS)
        assert said, self.text()
        assert self.process.poll() is None, self.text()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal it, as Ctrl-C does; its exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(STOP_SECONDS)

    def family(self) -> set[int]:
        return family(self.var)


def family(var: Path) -> set[int]:
    """Every process that carries this VAR_DIR in its environment, whatever session it went to."""
    mark = f"VAR_DIR={var}".encode()
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if mark in _environment(entry)}


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended meanwhile
        return []


@pytest.fixture
def port() -> int:
    return free_ports(20)


@pytest.fixture
def launched(tmp_path: Path, port: int) -> Iterator[Launched]:
    launched = Launched(tmp_path / "var", port)
    yield launched
    if launched.process.poll() is None:
        launched.end(signal.SIGTERM)


def test_a_taken_port_is_one_clear_line(tmp_path: Path, port: int) -> None:
    with socket.create_server((HOST, port)):
        launched = Launched(tmp_path / "var", port)
        assert launched.process.wait(30) == 1
    wanted = f"Port {port} is taken. Stop what uses it, or choose another: PORT={port + 1000} make run\n"
    assert launched.text() == wanted
    assert not (launched.var / "pg").exists()
    assert not launched.family()


def test_a_child_that_dies_brings_all_down(tmp_path: Path, port: int) -> None:
    launched = Launched(tmp_path / "var", port, SANDBOX_RENDER_SECONDS="soon")
    assert launched.process.wait(60) == 1
    assert re.search(r"sandbox ended with exit code \d+\. Stopping everything\.", launched.text())
    assert not launched.family()


def assert_killed_worker_is_started_again(launched: Launched) -> None:
    (worker,) = workers(launched)
    os.kill(worker, signal.SIGKILL)
    wanted = "worker ended with exit code -9. Starting it again."
    assert wait_until(lambda: wanted in launched.text(), 30)
    assert wait_until(lambda: len(workers(launched)) == 1, 30)
    assert launched.process.poll() is None
    written = launched.var / "children"
    assert wait_until(lambda: str(*workers(launched)) in written.read_text().split(), 30), (
        "the next launcher knows it too"
    )


def workers(launched: Launched) -> set[int]:
    return {pid for pid in launched.family() if b"rqworker" in _cmdline(pid)}


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def test_start_kill_start_again_and_ctrl_c(launched: Launched) -> None:
    """One after the other in one studio, since each start takes as long as all the rest: also its worker is killed."""
    launched.wait_until_ready()
    assert_greeting(launched)
    with urlopen(f"http://{HOST}:{launched.port}/readyz") as answer:
        assert answer.status == 200
    with urlopen(f"http://{HOST}:{launched.port}/metrics") as answer:
        told = answer.read().decode()
    assert "kling_studio_workers 1.0" in told
    assert "kling_studio_schedulers 1.0" in told
    assert 'kling_studio_http_requests_total{status="200",view="readyz"}' in told, "whichever web process answers"
    assert list((launched.var / "metrics").iterdir())
    second = Launched(launched.var, launched.port, output="second")
    assert second.process.wait(30) == 1
    assert second.text().startswith("Kling Studio already runs from this folder.")
    assert_killed_worker_is_started_again(launched)

    launched.process.kill()
    launched.process.wait()
    again = Launched(launched.var, launched.port, output="again")
    again.wait_until_ready()
    assert (launched.var / "port").read_text() == str(launched.port)
    assert again.end(signal.SIGINT) == 130
    assert not again.family()
    assert not (launched.var / "port").exists()
    assert all(is_free(port) for port in range(launched.port, launched.port + 12))


def assert_greeting(launched: Launched) -> None:
    lines = launched.text().strip().splitlines()
    ready = next(number for number, line in enumerate(lines) if "is ready" in line)
    assert lines[ready] == f"Kling Studio is ready: http://localhost:{launched.port}/"
    assert lines[ready + 1] == "Sign in as demo@example.com (password demo) or admin@example.com (password admin)."


def test_make_passes_ctrl_c_on(tmp_path: Path, port: int) -> None:
    environment = without_ours() | {"VAR_DIR": str(tmp_path / "var"), "PORT": str(port)}
    make = subprocess.Popen(["make", "run"], cwd=addresses.ROOT, env=environment, start_new_session=True)
    pid_file = tmp_path / "var" / "valkey" / "pid"
    assert wait_until(pid_file.exists, 60)
    time.sleep(0.5)
    os.killpg(make.pid, signal.SIGINT)
    make.wait(STOP_SECONDS)
    assert wait_until(lambda: not family(tmp_path / "var"), 5)
