"""The ten main pages: how many are served a second, their CPU and queries, beside those of an earlier commit.

Run `python -m bench.pages`. Both versions run as in production, each with servers, people and 60 videos of its own; one
person's browser asks them in turns. The version before is a work tree of its commit, whose gallery is made to show as
many cards as now.
"""

import argparse
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from bench._targets import Target, report_targets

ROOT: Final = Path(__file__).parent.parent
BEFORE: Final = "fb3b1fa"
CARDS: Final = 48
AT_ONCE: Final = 8  # connections
MOMENT: Final = 1.5  # s, of one version's one page
AT_REST: Final = 8  # requests one by one, a round
REST: Final = 0.02  # s, between two of them
PAGES_A_SECOND: Final = {"gallery": 90, "a video's page": 120, "composer": 150}
MOST_QUERIES: Final = 8
FIRST_BYTE: Final = 20  # ms


@dataclass
class Measured:
    """Of one page, a value a round."""

    rates: list[float] = field(default_factory=list)  # pages a second
    cpu: list[float] = field(default_factory=list)  # ms of the web processes, a page
    first_bytes: list[float] = field(default_factory=list)  # ms


class Browser:
    """One connection that stays open. It costs little beside the server that is measured."""

    def __init__(self, port: int, cookie: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: 127.0.0.1:{port}\r\nAccept: text/html\r\nCookie: {cookie}\r\n\r\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def get(self, path: str) -> tuple[float, bytes]:
        """The seconds until the first byte, and the body."""
        began = time.perf_counter()
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{self._head}".encode())
        received = self._socket.recv(1 << 16)
        first = time.perf_counter() - began
        while b"\r\n\r\n" not in received:
            received += self._socket.recv(1 << 16)
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), f"{path}: {head[:200]!r}"
        size = re.search(rb"(?i)\ncontent-length: (\d+)", head)
        assert size, head
        parts, missing = [body], int(size[1]) - len(body)
        while missing > 0:
            parts.append(self._socket.recv(1 << 18))
            missing -= len(parts[-1])
        return first, b"".join(parts)


class Side:
    """One version, which runs until the end of the `with` block."""

    def __init__(self, name: str, root: Path, stack: ExitStack) -> None:
        self.name = name
        command = [sys.executable, "-P", str(ROOT / "bench/_pages_side.py")]
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(root)}
        self._process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(self._stop)
        found: dict[str, Any] = self._ask()
        self.port = int(found["url"].rpartition(":")[2])
        self.cookie: str = found["cookie"]
        self.pages: dict[str, str] = found["pages"]
        self.queries: dict[str, int] = found["queries"]
        self.measured = {page: Measured() for page in self.pages}

    def _stop(self) -> None:
        """Without input it ends its servers and itself."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(60)

    def _ask(self) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The studio of {self.name} did not start.")
        return json.loads(line)

    def check(self) -> None:
        with Browser(self.port, self.cookie) as browser:
            _, body = browser.get(self.pages["gallery"])
        cards = len(re.findall(rb'<li class="card', body))
        assert cards == CARDS, f"{self.name}: {cards} cards"

    def load(self, page: str) -> None:
        """Ask for it by several connections at once, for a moment."""
        counts: list[int] = []
        before, began = self._ask(), time.perf_counter()
        deadline = began + MOMENT
        run_at_once(lambda: counts.append(self._ask_until(deadline, self.pages[page])))
        seconds, cpu = time.perf_counter() - began, self._ask() - before
        self.measured[page].rates.append(sum(counts) / seconds)
        self.measured[page].cpu.append(cpu * 1000 / sum(counts))

    def _ask_until(self, deadline: float, path: str) -> int:
        count = 0
        with Browser(self.port, self.cookie) as browser:
            while time.perf_counter() < deadline:
                browser.get(path)
                count += 1
        return count

    def rest(self, page: str) -> None:
        """Ask for it once in a while, when nobody else does."""
        with Browser(self.port, self.cookie) as browser:
            for _ in range(AT_REST):
                time.sleep(REST)
                self.measured[page].first_bytes.append(browser.get(self.pages[page])[0] * 1000)

    def warm_up(self) -> None:
        for page in self.pages:
            self.load(page)
        self.measured = {page: Measured() for page in self.pages}


def run_at_once(work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def work_tree(commit: str) -> Iterator[Path]:
    """The files of that commit in a temporary directory, with as many cards in its gallery as now."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "before"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(root), commit], check=True)
        try:
            gallery = root / "generations/views/gallery.py"
            gallery.write_text(re.sub(r"PAGE_SIZE: Final = \d+", f"PAGE_SIZE: Final = {CARDS}", gallery.read_text()))
            yield root
        finally:
            subprocess.run([*git, "remove", "--force", str(root)], check=True)


def report(before: Side, now: Side) -> int:
    print("| page | pages a second | CPU ms | first byte at rest, ms | queries |\n|---|---|---|---|---|")
    targets = []
    for page in now.pages:
        old, new = before.measured[page], now.measured[page]
        values = [
            " → ".join(f"{statistics.median(values):.{digits}f}" for values in pair)
            for pair, digits in (
                ((old.rates, new.rates), 0),
                ((old.cpu, new.cpu), 1),
                ((old.first_bytes, new.first_bytes), 1),
            )
        ]
        print(f"| {page} | {' | '.join(values)} | {before.queries[page]} → {now.queries[page]} |")
        if page in PAGES_A_SECOND:
            targets.append(Target(f"{page}: pages a second", statistics.median(new.rates), PAGES_A_SECOND[page]))
        targets.append(Target(f"{page}: queries", now.queries[page], MOST_QUERIES, at_most=True))
        first = statistics.median(new.first_bytes)
        targets.append(Target(f"{page}: first byte at rest, ms", first, FIRST_BYTE, at_most=True))
    return report_targets(targets)


def measure(before: Side, now: Side, rounds: int) -> None:
    for side in (before, now):
        side.check()
        side.warm_up()
    for _ in range(rounds):
        for page in now.pages:
            for side in random.sample([before, now], 2):
                side.rest(page)
                side.load(page)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with work_tree(arguments.before) as root, ExitStack() as stack:
        before, now = Side("before", root, stack), Side("now", ROOT, stack)
        print(f"Load of the machine: {Path('/proc/loadavg').read_text()[:14]}\n")
        measure(before, now, arguments.rounds)
        print(f"Load at the end: {Path('/proc/loadavg').read_text()[:14]}\n")
        return report(before, now)


if __name__ == "__main__":
    sys.exit(main())
