"""The sandbox as a process of its own, for any test that wants a fal to talk to. Imports no Django.

with running_sandbox(tmp_path, SANDBOX_RENDER_SECONDS="0") as sandbox:
    httpx.get(f"{sandbox.url}/healthz")
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import randrange
from typing import Any

import httpx

from devserver.s3 import is_free

KEY = "sandbox:sandbox"
START_SECONDS = 20
PROJECT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """Below the range from which systems take their own: nobody gets it while the process that has it is restarted."""
    return next(port for port in iter(lambda: randrange(10_000, 20_000), None) if is_free(port))


class Sandbox:
    """A sandbox process. `url` stays the same over a restart."""

    def __init__(self, directory: Path, port: int, environment: dict[str, str]) -> None:
        self.directory, self.port = directory, port
        self.url = f"http://127.0.0.1:{port}"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._control = httpx.Client(base_url=self.url, timeout=10, verify=False)  # spares reading certificates

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "--port",
            str(self.port),
            "--directory",
            str(self.directory),
        ]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
        with (self.directory / "sandbox.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=PROJECT, env=clean | self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._wait_until_healthy()

    def _wait_until_healthy(self) -> None:
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._control.get("/healthz", timeout=1).raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        self.kill()
        raise RuntimeError(f"the sandbox did not start:\n{self.log()}")

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def restart(self, **environment: str) -> None:
        """Kill it and start it again on the same directory and port, with changes to its environment."""
        self.kill()
        self._environment |= environment
        self.start()

    def records(self) -> dict[str, Any]:
        """Every request it ever accepted, its counters, the faults that really happened."""
        records: dict[str, Any] = self._control.get("/sandbox/books").raise_for_status().json()
        return records

    def set_faults(self, text: str) -> None:
        """Replace the running faults, such as `submit_503=0.1,seed=7`; an empty text ends them."""
        self._control.put("/sandbox/faults", content=text).raise_for_status()

    def log(self) -> str:
        return (self.directory / "sandbox.log").read_text(errors="replace")


@contextmanager
def running_sandbox(directory: Path, port: int | None = None, **environment: str) -> Iterator[Sandbox]:
    """A sandbox with SANDBOX_* `environment`; fast (no queue, no render time) where that says nothing else."""
    fast = {"SANDBOX_QUEUE_SECONDS": "0", "SANDBOX_RENDER_SECONDS": "0", "SANDBOX_WEBHOOK_RETRY_SECONDS": "0.2"}
    sandbox = Sandbox(directory, port or free_port(), fast | environment)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
