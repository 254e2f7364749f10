"""One server as a child process: it ends with its parent, and a directory never has two."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SOCKET_PATH_BYTES = 103  # macOS takes 103, Linux 107
START_SECONDS = 60

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class AlreadyRunningError(RuntimeError):
    """Another live process owns the server of this directory."""


class DidNotStartError(RuntimeError):
    """The server ended, or stayed silent, instead of answering; the message ends with its log."""


@dataclass(frozen=True)
class Account:
    """The system account that a server runs as, where it may not be ours."""

    user: int
    group: int


@dataclass(frozen=True)
class ServerSpec:
    """How to run one server: where it lives, its command, and the signal that ends it cleanly."""

    directory: Path
    command: list[str]
    environment: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15  # then by force
    account: Account | None = None


class Server:
    """A started server. Two locks tell the living from the left over.

    The owner holds `owner.lock`. The server inherits `server.lock`, so that a held lock means that the number in
    `pid` is alive and is ours, even after its owner was killed.
    """

    def __init__(self, plan: ServerSpec, ready: Callable[[], bool]) -> None:
        self.plan = plan
        self._locks = contextlib.ExitStack()
        try:
            self._take_ownership()
            self.process = self._spawn()
            self._wait(ready)
        except BaseException:
            self.stop()
            raise

    def _take_ownership(self) -> None:
        """Become the directory's one owner, and end the server that a killed owner left behind."""
        self._owner_lock = self._locks.enter_context((self.plan.directory / "owner.lock").open("a"))
        if not try_lock(self._owner_lock.fileno()):
            message = f"a server already runs over {self.plan.directory}"
            raise AlreadyRunningError(message)
        self._server_lock = self._locks.enter_context((self.plan.directory / "server.lock").open("a"))
        if not try_lock(self._server_lock.fileno()):
            self._end_leftover()

    def _end_leftover(self) -> None:
        pid = int((self.plan.directory / "pid").read_text())
        for number in (self.plan.stop_signal, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            if wait_until(lambda: try_lock(self._server_lock.fileno()), self.plan.stop_seconds):
                return
        message = f"process {pid}, left over from an earlier run, does not end"
        raise AlreadyRunningError(message)

    def _spawn(self) -> subprocess.Popen[bytes]:
        account = self.plan.account
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                self.plan.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(self.plan.environment or {})},
                cwd=self.plan.directory,
                pass_fds=[self._server_lock.fileno()],
                user=account.user if account else None,
                group=account.group if account else None,
                extra_groups=[] if account else None,
                preexec_fn=lambda: die_with_parent(self.plan.stop_signal),  # noqa: PLW1509  only a system call
            )
        (self.plan.directory / "pid").write_text(str(process.pid))
        return process

    def _wait(self, ready: Callable[[], bool]) -> None:
        wait_until(lambda: self.process.poll() is not None or ready(), START_SECONDS)
        if self.process.poll() is not None or not ready():
            message = f"{Path(self.plan.command[0]).name} did not start: {self.log_tail()}"
            raise DidNotStartError(message)

    @property
    def log(self) -> Path:
        """What the server of this run has said."""
        return self.plan.directory / "log"

    def log_tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def is_running(self) -> bool:
        """Whether the server still lives."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the server cleanly; by force where it does not listen. Harmless when repeated."""
        process = getattr(self, "process", None)
        if process is not None and process.poll() is None:
            process.send_signal(self.plan.stop_signal)
            try:
                process.wait(self.plan.stop_seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._locks.close()


class RunningServer(Protocol):
    """What `start` of every server module returns."""

    @property
    def server(self) -> Server: ...

    def stop(self) -> None: ...


def run_in_foreground(start: Callable[[], RunningServer]) -> int:
    """Run one server until SIGTERM, SIGINT or the death of our parent; 1 when the server ends by itself."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    parent = os.getppid()
    try:
        running = start()
    except (AlreadyRunningError, DidNotStartError) as error:
        if told.is_set():
            return 0
        print(error, file=sys.stderr)
        return 1
    while running.server.is_running() and os.getppid() == parent:
        if told.wait(0.5):
            running.stop()
            return 0
    survived = running.server.is_running()
    running.stop()
    if not survived:
        print(f"ended with {running.server.process.returncode}: {running.server.log_tail()}", file=sys.stderr)
    return 1


def die_with_parent(number: signal.Signals) -> None:
    """Have Linux send us this signal when our parent dies; elsewhere the parent's own care must do."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number.value)


def socket_directory(directory: Path, name: str) -> Path:
    """Where the server over `directory` keeps its socket: there, or in a short place when its path is too long."""
    directory = directory.resolve()
    if len(os.fsencode(directory / name)) <= SOCKET_PATH_BYTES:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"kling-studio-{digest}"


def make_private(directory: Path, account: Account | None = None) -> None:
    """Make the directory, its server's alone; refuse one that somebody else put in our way."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = {os.geteuid(), account.user if account else os.geteuid()}
    if directory.stat().st_uid not in ours:
        message = f"{directory} belongs to another user"
        raise DidNotStartError(message)
    directory.chmod(0o700)
    if account:
        os.chown(directory, account.user, account.group)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file if nobody has it; it is let go when its last copy in any process is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask until it is so, or until the time is over; says which."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
