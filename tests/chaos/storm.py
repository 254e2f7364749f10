"""The storm: what is killed, broken and made to lie, when and for how long; all drawn from one seed."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tests.chaos.processes import WORKERS, Studio

# how often a kind of the sandbox's faults strikes while it is on: from, to
FAULTS: Final[dict[str, tuple[float, float]]] = {
    "submit_402": (0.05, 0.15),
    "submit_429": (0.1, 0.4),
    "submit_429_long": (0.05, 0.15),
    "submit_500": (0.1, 0.4),
    "submit_503": (0.1, 0.4),
    "submit_502_gateway": (0.1, 0.4),
    "submit_500_after": (0.1, 0.4),
    "submit_503_after": (0.1, 0.4),
    "submit_500_other_after": (0.1, 0.4),
    "submit_500_bare_after": (0.1, 0.4),
    "submit_503_bare_after": (0.1, 0.4),
    "submit_broken_after": (0.1, 0.4),
    "submit_cut_before": (0.05, 0.15),
    "submit_cut_after": (0.1, 0.4),
    "submit_slow": (0.1, 0.4),
    "status_500": (0.1, 0.4),
    "status_404": (0.1, 0.4),
    "status_slow": (0.1, 0.3),
    "status_null_urls": (0.2, 0.6),
    "back_to_queue": (0.1, 0.4),
    "result_500": (0.1, 0.4),
    "result_504": (0.1, 0.4),
    "file_truncated": (0.2, 0.6),
    "file_drip": (0.05, 0.2),
    "file_plain_type": (0.2, 0.6),
    "file_odd_redirect": (0.1, 0.4),
    "file_503": (0.2, 0.6),
    "file_html": (0.2, 0.6),
    "file_redirect_private": (0.2, 0.6),
    "webhook_lost": (0.2, 0.6),
    "webhook_doubled": (0.2, 0.6),
    "webhook_late": (0.2, 0.6),
    "webhook_early": (0.1, 0.4),
    "webhook_forged": (0.2, 0.6),
    "key_rotated": (0.05, 0.2),
    "keys_hang": (0.5, 1.0),
    "keys_broken": (0.5, 1.0),
    "keys_503": (0.5, 1.0),
    "slow": (0.05, 0.1),
    "cancelled_at_fal": (0.05, 0.1),
    "ignores_cancel": (0.5, 1.0),
}
ENDINGS: Final[dict[str, Callable[[dict[str, Any]], bool]]] = {
    "the model refused (422)": lambda outcome: outcome["code"] == 422,
    "fal's machinery failed": lambda outcome: bool(outcome["error_type"]),
}


@dataclass(frozen=True, slots=True)
class Breakage:
    """What is taken down, and for how many seconds: from, to."""

    names: tuple[str, ...]
    pause: tuple[float, float]
    hangs: bool = False  # it lives on, and answers nobody


BREAKAGES: Final[dict[str, Breakage]] = {
    "worker killed": Breakage(("one worker",), (0.1, 2)),
    "both workers killed": Breakage(WORKERS, (0.1, 2)),
    "web killed": Breakage(("web",), (0.1, 2)),
    "cron killed": Breakage(("cron",), (0.1, 3)),
    "Valkey killed": Breakage(("valkey",), (0.1, 3)),
    "Valkey flushed": Breakage((), (0, 0)),
    "PostgreSQL stopped at once": Breakage(("postgres",), (0.1, 2)),
    "S3 down": Breakage(("s3",), (0.5, 4)),
    "S3 hangs": Breakage(("s3",), (2, 10), hangs=True),
    "fal down": Breakage(("sandbox",), (0.1, 2)),
}


AT_THE_POST: Final = "worker killed between commit and POST"


class Storm:
    """Ask it to `rage` again and again; `lacking` says which kinds have not happened often enough."""

    def __init__(self, studio: Studio, random: Random, *, least: int, pause: float) -> None:
        self.broken: Counter[str] = Counter()
        self._studio, self._random, self._least, self._pause = studio, random, least, pause
        self._break_at = self._change_at = 0.0
        self._records: Mapping[str, Any] = {"faults": {}, "requests": []}
        self._doomed: list[subprocess.Popen[bytes]] = []

    def rage(self) -> None:
        """One moment of it: perhaps break something, perhaps have fal behave otherwise."""
        self._studio.look_after()
        now = time.monotonic()
        if now >= self._change_at and self._studio.is_up("sandbox"):
            self._change_at = now + self._random.uniform(1, 2.5) * self._pause
            self._records = self._studio.sandbox.records()
            self._studio.sandbox.set_faults(self._weather())
        if now >= self._break_at:
            self._bury_the_doomed()
            self._break_something()
            self._break_at = time.monotonic() + self._random.uniform(0.5, 3) * self._pause

    def subside(self) -> None:
        """fal goes on lying, but nothing more is broken: people who are waiting get through."""
        self._studio.look_after()

    def end(self) -> None:
        """Everything is up, and fal behaves."""
        for worker in self._doomed:
            worker.kill()
            worker.wait()
        self._bury_the_doomed()
        self._studio.all_up()
        self._studio.sandbox.set_faults("")

    def happened(self) -> dict[str, int]:
        """How often each kind really happened: fal's by its own records, ours by our own count."""
        faults = {kind: self._records["faults"].get(kind, 0) for kind in FAULTS}
        outcomes = [request["outcome"] for request in self._records["requests"] if request["outcome"]]
        endings = {kind: sum(map(is_it, outcomes)) for kind, is_it in ENDINGS.items()}
        return {**{kind: self.broken[kind] for kind in (*BREAKAGES, AT_THE_POST)}, **faults, **endings}

    def lacking(self) -> list[str]:
        return [kind for kind, count in self.happened().items() if count < self._least]

    def read_records(self) -> Mapping[str, Any]:
        self._records = self._studio.sandbox.records()
        return self._records

    def _weather(self) -> str:
        """A few faults, first of all those that have not happened often enough."""
        lacking = [kind for kind in self.lacking() if kind in FAULTS]
        chosen = set(self._random.sample(lacking, min(4, len(lacking))))
        chosen |= set(self._random.sample(sorted(FAULTS), 4))
        chances = [f"{kind}={self._random.uniform(*FAULTS[kind]):.2f}" for kind in sorted(chosen)]
        return ",".join([*chances, f"seed={self._random.randrange(1 << 30)}"])

    def _break_something(self) -> None:
        kinds = sorted([*BREAKAGES, AT_THE_POST])
        lacking = [kind for kind in self.lacking() if kind in kinds]
        kind = self._random.choice(lacking or kinds)
        if kind == AT_THE_POST:
            self._doom_a_worker()
            return
        if kind == "Valkey flushed":
            self._flush(kind)
            return
        names = BREAKAGES[kind].names
        names = (self._random.choice(WORKERS),) if names == ("one worker",) else names
        if all(self._studio.is_up(name) for name in names):
            for name in names:
                act = self._studio.hang if BREAKAGES[kind].hangs else self._studio.take_down
                act(name, BREAKAGES[kind].pause)
            self.broken[kind] += 1

    def _doom_a_worker(self) -> None:
        """One more worker, which kills itself there. It may find nothing to send, and then it does not count."""
        if not self._doomed:
            self._doomed.append(self._studio.doomed_worker("between commit and POST"))

    def _bury_the_doomed(self) -> None:
        ended = [worker for worker in self._doomed if worker.poll() is not None]
        self.broken[AT_THE_POST] += sum(worker.returncode == -signal.SIGKILL for worker in ended)
        self._doomed = [worker for worker in self._doomed if worker not in ended]

    def _flush(self, kind: str) -> None:
        if self._studio.is_up("valkey"):
            self._studio.flush_valkey()
            self.broken[kind] += 1
