"""The studio's real processes, in a directory and on ports of their own, and a supervisor that starts them again.

All are started by the main thread: Linux ends a child when the thread that started it does.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

import httpx
import redis
from django.db import connection
from honcho.environ import parse_procfile

from devserver import addresses, launcher, postgres, s3, valkey
from devserver.server import RunningServer, die_with_parent
from tests.sandbox_process import Sandbox

PROCFILE: Final = parse_procfile((addresses.ROOT / "Procfile").read_text()).processes
WORKERS: Final = ("worker 1", "worker 2")
PROGRAMS: Final = {"web": "web", "worker 1": "worker", "worker 2": "worker", "cron": "cron"}
READY_SECONDS: Final = 90


def url_of_test_database() -> str:
    """DATABASE_URL for a process that works on the rows of the running test."""
    return addresses.database_url().replace("/postgres?", f"/{connection.settings_dict['NAME']}?")


class Program:
    """One line of the Procfile, in a process group of its own."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._environment, self._log = dict(environment), log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                PROCFILE[PROGRAMS[self.name]],
                shell=True,
                cwd=addresses.ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  only a system call
            )

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def kill(self) -> None:
        """SIGKILL, to it and to all that it has started."""
        self.end(signal.SIGKILL, 0)

    def end(self, number: signal.Signals = signal.SIGTERM, timeout: float = 5) -> None:
        if self._process is None:
            return
        for each, seconds in ((number, timeout), (signal.SIGKILL, 10.0)):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, each)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)


class Supply:
    """An embedded server, which breaks down by `deadly` and starts again over the same directory."""

    def __init__(self, start: Callable[[], RunningServer], deadly: signal.Signals) -> None:
        self._start, self._deadly = start, deadly
        self._running: RunningServer | None = None
        self._hangs = False

    def start(self) -> None:
        if self._hangs:
            self._wake()
        else:
            self._running = self._start()

    def break_down(self) -> None:
        assert self._running
        self._running.server.process.send_signal(self._deadly)
        with suppress(subprocess.TimeoutExpired):
            self._running.server.process.wait(3)
        self.stop()

    def hang(self) -> None:
        """It keeps its connections, and answers none until it is started again."""
        assert self._running
        self._running.server.process.send_signal(signal.SIGSTOP)
        self._hangs = True

    def stop(self) -> None:
        self._wake()
        if self._running:
            self._running.stop()

    def _wake(self) -> None:
        if self._hangs and self._running:
            self._running.server.process.send_signal(signal.SIGCONT)
        self._hangs = False


class Studio:
    """Everything that `make run` starts, with two workers. A context manager that leaves no process behind."""

    def __init__(self, random: Random, sandbox_options: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self.var = addresses.var()
        self.var.mkdir(parents=True)
        self.url = f"http://127.0.0.1:{addresses.port()}"
        self.sandbox = Sandbox(self.var / "sandbox", addresses.sandbox_port(), dict(sandbox_options))
        self.supplies = {
            "postgres": Supply(lambda: postgres.start(self.var / "pg"), signal.SIGQUIT),  # its immediate stop
            "valkey": Supply(lambda: valkey.start(self.var / "valkey"), signal.SIGKILL),
            "s3": Supply(lambda: s3.start(self.var / "s3", addresses.s3_port()), signal.SIGTERM),
        }
        whole = {**launcher.environment(), "PUBLIC_URL": self.url, **environment}
        self.programs = {name: Program(name, whole, self.var / f"{name}.log") for name in PROGRAMS}
        self.ended_by_itself: Counter[str] = Counter()
        self._whole, self._random = whole, random
        self._to_start: dict[str, float] = {}  # by name, when

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._end()

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=addresses.ROOT, env=self._whole, check=True)

    def doomed_worker(self, point: str) -> "subprocess.Popen[bytes]":
        """A worker that kills itself at this point of `dying_worker`, if it comes so far."""
        command = [sys.executable, "-m", "tests.chaos.dying_worker", point]
        with (self.var / "doomed.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=addresses.ROOT,
                env=self._whole,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  only a system call
            )

    def take_down(self, name: str, seconds: tuple[float, float]) -> None:
        """Kill a program or break a server; it is up again after a pause of a length from this range."""
        if name == "sandbox":
            self.sandbox.kill()
        elif name in self.supplies:
            self.supplies[name].break_down()
        else:
            self.programs[name].kill()
        self._to_start[name] = time.monotonic() + self._random.uniform(*seconds)

    def hang(self, name: str, seconds: tuple[float, float]) -> None:
        """Have a server answer nobody for so long."""
        self.supplies[name].hang()
        self._to_start[name] = time.monotonic() + self._random.uniform(*seconds)

    def is_up(self, name: str) -> bool:
        return name not in self._to_start

    def flush_valkey(self) -> None:
        redis.Redis.from_url(addresses.redis_url()).flushall()

    def look_after(self) -> None:
        """What a supervisor does: start again what has ended, and what was taken down when its time has come."""
        for name, program in self.programs.items():
            if self.is_up(name) and not program.runs:
                self.ended_by_itself[f"{PROGRAMS[name]} (exit code {program.exit_code})"] += 1
                self._to_start[name] = time.monotonic() + 0.5
        for name in [name for name, at in self._to_start.items() if at <= time.monotonic()]:
            self._start_again(name)

    def all_up(self) -> None:
        """Start at once all that is down, and wait until the studio says that it is ready."""
        for name in list(self._to_start):
            self._start_again(name)
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            assert time.monotonic() < deadline, f"the studio is not ready; its logs are in {self.var}"
            self.look_after()
            time.sleep(0.2)

    def _start_again(self, name: str) -> None:
        thing = self.sandbox if name == "sandbox" else self.supplies.get(name) or self.programs[name]
        thing.start()
        del self._to_start[name]

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx.HTTPError:
            return False

    def _start(self) -> None:
        for supply in self.supplies.values():
            supply.start()
        self.sandbox.start()
        self.manage("migrate", "--verbosity", "0", "--skip-checks")
        for program in self.programs.values():
            program.start()
        self.all_up()

    def _end(self) -> None:
        for program in self.programs.values():
            program.end()
        self.sandbox.stop()
        for supply in self.supplies.values():
            supply.stop()
