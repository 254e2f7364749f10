"""Supervise child processes: start them in stages, print their output, and end them together, the last stage first.

One that may restart is started again when it dies, unless it dies at once.

Every child is a session of its own, so that a Ctrl-C reaches only us, and we decide the order of ends. On Linux the
children also end when we are killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType, TracebackType

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from devserver.server import die_with_parent

GRACE_SECONDS = 8  # then by force
MIN_LIFETIME_SECONDS = 5  # what ends sooner would end again
Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None  # as signal.signal() has it
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequestedError(Exception):
    """Somebody pressed Ctrl-C or sent a signal; `number` says which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class ChildEndedError(Exception):
    """One of the crew ended, which none should; the message says who, and with what exit code."""


@dataclass(frozen=True)
class Child:
    """A child process and the stage that it was started in."""

    name: str
    command: str
    stage: int
    process: subprocess.Popen[bytes]
    relay: threading.Thread
    restarts: bool
    started: float = field(default_factory=time.monotonic)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_message(self) -> str:
        """How it ended, once all that it said is on the screen."""
        self.relay.join(1)
        return f"{self.name} ended with exit code {self.process.returncode}."

    @property
    def is_long_lived(self) -> bool:
        return time.monotonic() - self.started > MIN_LIFETIME_SECONDS

    def send(self, number: signal.Signals) -> None:
        """Signal it and all that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class ProcessManager:
    """The children of one run; as a context manager it takes our signals and leaves no child behind."""

    def __init__(self, directory: Path, environment: Mapping[str, str], keep_open: int, width: int) -> None:
        self._directory = directory
        self._environment = environment
        self._keep_open = keep_open
        self._children: list[Child] = []
        self._signals: list[int] = []
        self._colours = get_colours()
        self._printer = Printer(sys.stdout, width=width)
        self._screen = threading.Lock()
        self._previous_handlers: dict[int, Handler] = {}
        self.on_restart: Callable[[], object] = lambda: None  # called when a child was started again

    def __enter__(self) -> "ProcessManager":
        for number in SIGNALS:
            self._previous_handlers[number] = signal.signal(number, self._handle_signal)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._end()
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def start(self, name: str, command: str, stage: int, *, restarts: bool = False) -> Child:
        """Start one shell command whose words appear under its name."""
        process = subprocess.Popen(  # noqa: S602  the Procfile's lines are shell commands, and ours
            command,
            shell=True,
            cwd=self._directory,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[self._keep_open],
            preexec_fn=lambda: die_with_parent(signal.SIGTERM),  # noqa: PLW1509  only a system call
        )
        relay = threading.Thread(target=self._relay, args=(process, name, next(self._colours)), daemon=True)
        relay.start()
        self._children.append(Child(name, command, stage, process, relay, restarts))
        return self._children[-1]

    def run_command(self, name: str, command: str) -> None:
        """Run one command to its end beside the crew; ChildEndedError when it fails."""
        child = self.start(name, command, stage=sys.maxsize)
        self._children.remove(child)
        try:
            self.watch(lambda: not child.is_running)
        finally:
            child.send(signal.SIGKILL)
            child.process.wait()
            child.relay.join(1)
        if child.process.returncode:
            message = f"{name} failed with exit code {child.process.returncode}."
            raise ChildEndedError(message)

    def watch(self, until: Callable[[], bool]) -> None:
        """Return when `until` says so; raise as soon as a child ends for good or somebody tells us to stop."""
        while not until():
            if self._signals:
                raise StopRequestedError(self._signals[0])
            for child in [child for child in self._children if not child.is_running]:
                self._restart(child)
            time.sleep(0.1)

    def _restart(self, child: Child) -> None:
        """Raise ChildEndedError for one that does not come back."""
        if not (child.restarts and child.is_long_lived):
            raise ChildEndedError(child.exit_message)
        self.say(f"{child.exit_message} Starting it again.")
        child.send(signal.SIGKILL)  # what it has started itself
        self._children.remove(child)
        self.start(child.name, child.command, child.stage, restarts=True)
        self.on_restart()

    def pause(self, seconds: float) -> None:
        """Watch for so long."""
        end = time.monotonic() + seconds
        self.watch(lambda: time.monotonic() > end)

    def say(self, text: str, name: str = "studio", colour: str = "37") -> None:
        """Put a line on the screen, between those of the children."""
        with self._screen:
            self._printer.write(Message("line", text, datetime.now().astimezone(), name, colour))

    @property
    def pids(self) -> list[int]:
        """The process numbers of the crew; each leads a group of its own."""
        return [child.process.pid for child in self._children]

    def _relay(self, process: subprocess.Popen[bytes], name: str, colour: str) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.say(line.decode(errors="replace"), name, colour)

    def _handle_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _end(self) -> None:
        """The last stage first, so that a worker can still write down what it has finished."""
        for stage in sorted({child.stage for child in self._children}, reverse=True):
            self._end_together([child for child in self._children if child.stage == stage])

    def _end_together(self, children: list[Child]) -> None:
        """Ask, wait, insist. A second Ctrl-C shortens the wait."""
        before = len(self._signals)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in children:
            child.send(signal.SIGTERM)
        while (
            any(child.is_running for child in children) and time.monotonic() < deadline and len(self._signals) == before
        ):
            time.sleep(0.05)
        for child in children:
            child.send(signal.SIGKILL)
            child.process.wait()
