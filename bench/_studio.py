"""The whole studio as real processes, with a directory and ports of its own, for measurements that need all of it.

Importing it makes the settings point there, as `tests` does. It runs the Procfile's own commands, with DEBUG off.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection
from honcho.environ import parse_procfile

from accounts.models import User
from devserver import addresses
from devserver.postgres import running_postgres
from devserver.s3 import running_s3
from devserver.server import die_with_parent
from devserver.valkey import running_valkey
from tests.sandbox_process import Sandbox, running_sandbox

START_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One command of the studio, and what it has taken so far."""

    popen: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """Of the process and of the children that it has now."""
        return sum(_cpu_seconds(pid) for pid in self._pids())

    def peak_bytes(self) -> int:
        """The most memory that was resident at a time; of several processes the sum of their peaks."""
        return sum(_status_bytes(pid, "VmHWM") for pid in self._pids())

    def resident_bytes(self) -> int:
        """What is in memory now, as the sum over the processes: pages that they share count for each."""
        return sum(_status_bytes(pid, "VmRSS") for pid in self._pids())

    def stop(self) -> None:
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGTERM)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.popen.pid, signal.SIGKILL)
                self.popen.wait()

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
        return [self.popen.pid, *map(int, children)]


@dataclass
class Studio:
    """The servers run; the studio's own processes are started by name."""

    directory: Path
    sandbox: Sandbox
    environment: dict[str, str]
    _exit_stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{addresses.port()}"

    def start(self, name: str) -> Process:
        """A line of the Procfile."""
        command = parse_procfile((addresses.ROOT / "Procfile").read_text()).processes[name]
        return self.run(name, command)

    def run(self, name: str, command: str) -> Process:
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                command,
                shell=True,
                cwd=addresses.ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGTERM),  # noqa: PLW1509  only a system call
            )
        process = Process(popen, log)
        self._exit_stack.callback(process.stop)
        return process

    def start_web(self) -> Process:
        """The web process, once it answers."""
        self.collect_static()
        web = self.start("web")
        wait_for(lambda: _answers(f"{self.url}/healthz"), START_SECONDS, lambda: web.log.read_text()[-2000:])
        return web

    def collect_static(self) -> None:
        command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
        subprocess.run(command, cwd=addresses.ROOT, env=self.environment, check=True)

    def close(self) -> None:
        self._exit_stack.close()


@contextmanager
def running_studio(sandbox: dict[str, str] | None = None, **environment: str) -> Iterator[Studio]:
    """Servers with an empty, migrated database and an empty bucket; `sandbox` is SANDBOX_*, the rest the studio's."""
    directory = addresses.var()
    directory.mkdir(parents=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        stack.enter_context(running_postgres(directory / "pg"))
        stack.enter_context(running_valkey(directory / "valkey"))
        stack.enter_context(running_s3(directory / "s3", addresses.s3_port()))
        fal = stack.enter_context(running_sandbox(directory / "sandbox", addresses.sandbox_port(), **(sandbox or {})))
        stack.callback(connection.close)
        call_command("migrate", verbosity=0)
        studio = Studio(directory, fal, _environment(environment))
        stack.callback(studio.close)
        yield studio


def session_of(user: User) -> str:
    """The cookie's value of somebody who has just signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key or ""


def wait_for(condition: Callable[[], bool], seconds: float, message: Callable[[], str] = str) -> None:
    """Ask until it is so. Raises TimeoutError with `words`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(message())
        time.sleep(0.1)


def _environment(more: dict[str, str]) -> dict[str, str]:
    """As in production; the secret key is the one with which this process makes its sessions."""
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "DEBUG": "false",
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        "SITE_URL": f"http://127.0.0.1:{addresses.port()}",
        "INSECURE_HTTP": "true",
        "TRUSTED_PROXIES": "0",
        "PORT": str(addresses.port()),
        **more,
    }


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _status_bytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
