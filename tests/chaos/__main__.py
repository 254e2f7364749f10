"""One trial: start everything, let the crowd order and the storm rage, wait until all has ended, judge, report."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import F
from django.utils import timezone

from devserver import addresses
from generations.models import DRIVEN, Generation
from generations.pipeline import schedule
from tests.chaos import report
from tests.chaos.judge import judge
from tests.chaos.people import Crowd
from tests.chaos.processes import WORKERS, Studio
from tests.chaos.programs import Programs
from tests.chaos.storm import Storm
from tests.generations.mirror.videos import mp4

RESULTS: Final = addresses.ROOT / "test-results"
LONGEST_STORM: Final = 4  # times CHAOS_SECONDS; then what has not happened often enough is named
LOOK_EVERY: Final = 0.1  # s


@dataclass(frozen=True, slots=True)
class Options:
    """`each`: how often every kind of trouble must have happened. `hurry`: do not wait for leases and due times.

    `programs`: fal's own client orders, instead of people.
    """

    seed: int
    count: int
    seconds: float
    each: int
    hurry: bool
    give_up_hours: float
    timeout: float
    programs: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        hurry = environment.get("CHAOS_HURRY", "") == "1"
        return cls(
            seed=int(environment.get("CHAOS_SEED") or int.from_bytes(os.urandom(3), "big")),
            count=int(environment.get("CHAOS_COUNT") or 1000),
            seconds=float(environment.get("CHAOS_SECONDS") or 300),
            each=int(environment.get("CHAOS_EACH") or 10),
            hurry=hurry,
            give_up_hours=0.005 if hurry else 0.02,
            timeout=60 if hurry else 900,
            programs=environment.get("CHAOS_CLIENT", "") == "fal",
        )


class Trial:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.random = Random(options.seed)

    def run(self) -> list[str]:
        """The report's lines; the last one says whether it was passed."""
        with self._studio() as studio:
            storm = Storm(studio, self.random, least=self.options.each, pause=self._pause())
            kind = Programs if self.options.programs else Crowd
            crowd = kind(studio.url, Random(self.options.seed), self.options.count, self.options.seconds)
            raged = self._rage(crowd, storm)
            storm.end()
            waited = self._calm(studio)
            crowd.finish()
            judgement = judge(storm.read_records(), studio.sandbox.directory / "files")
            found = report.Found(self.options.seed, raged, waited, crowd, storm, studio, judgement)
            return report.lines(found)

    def _studio(self) -> Studio:
        clip = addresses.var().with_name(f"{addresses.var().name}.mp4")
        clip.write_bytes(mp4(seconds=0.5))
        sandbox = {
            "SANDBOX_CLIP": str(clip),
            "SANDBOX_QUEUE_SECONDS": "0.3",
            "SANDBOX_RENDER_SECONDS": "0.7",
            "SANDBOX_SLOW_SECONDS": "2",
            "SANDBOX_WEBHOOK_RETRY_SECONDS": "0.5",
        }
        return Studio(self.random, sandbox, {"GENERATION_GIVE_UP_HOURS": str(self.options.give_up_hours)})

    def _pause(self) -> float:
        """A short trial breaks as many kinds of things in less time."""
        return max(0.6, min(1.0, self.options.seconds / 60))

    def _rage(self, crowd: Crowd | Programs, storm: Storm) -> float:
        """Until all is ordered and every kind has happened often enough; the seconds that it took."""
        began = time.monotonic()
        crowd.begin()
        while time.monotonic() < began + self.options.seconds * LONGEST_STORM:
            storm.rage()
            if len(crowd.placed) >= self.options.count and not storm.lacking():
                break
            time.sleep(LOOK_EVERY)
        crowd.end()
        while crowd.is_busy:
            storm.subside()
            time.sleep(LOOK_EVERY)
        return time.monotonic() - began

    def _calm(self, studio: Studio) -> float:
        """Wait until no row is open; the seconds that it took."""
        began = time.monotonic()
        connection.close()  # PostgreSQL has not kept it through the storm
        if self.options.hurry:
            _as_if_leases_had_run_out(studio)
        while time.monotonic() < began + self.options.timeout and Generation.objects.open().exists():
            studio.look_after()
            _look_at_once(everything=self.options.hurry)
            time.sleep(1)
        return time.monotonic() - began


def _as_if_leases_had_run_out(studio: Studio) -> None:
    """The workers are dead, so nobody holds a lease any more."""
    for name in WORKERS:
        studio.take_down(name, (0, 0))
    Generation.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now())
    studio.all_up()


def _look_at_once(*, everything: bool) -> None:
    """What waits for a person is due every quarter of an hour only; in a hurry nothing else waits either."""
    doubted = Generation.objects.filter(unknown_since__isnull=False)
    rows = Generation.objects.filter(status__in=DRIVEN, due_at__gt=timezone.now())
    if not everything:
        rows = rows.filter(needs_attention_since__isnull=False)
    try:
        rows.update(due_at=timezone.now())
        if everything:
            doubted.update(unknown_since=F("unknown_since") - schedule.UNKNOWN_CONFIRM_DELAY)
    except DatabaseError:
        close_old_connections()


def _handle_signal(number: int, _frame: Any) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, _handle_signal)
    options = Options.from_environment(os.environ)
    print(f"Chaos test: CHAOS_SEED={options.seed}", flush=True)  # noqa: T201
    lines = Trial(options).run()
    text = "\n".join(lines)
    print(text, flush=True)  # noqa: T201
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "chaos.txt").write_text(f"{text}\n")
    passed = lines[-1] == report.PASSED
    if passed and not os.environ.get("CHAOS_KEEP"):
        _remove(addresses.var())
    return 0 if passed else 1


def _remove(var: Path) -> None:
    shutil.rmtree(var, ignore_errors=True)
    var.with_name(f"{var.name}.mp4").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
