"""What a scrape of /metrics costs over a million generations, and what counting costs the loop that drives them.

Run `python -m bench.scrape`. The worst case: all of the rows are of one month, which counts as this one; 10,000 are at
fal and 10,000 wait.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Self

from django.core.management import call_command
from django.db import connection
from prometheus_client import Metric

from bench._targets import Target, report_targets
from bench.gallery import create_people_and_teams, fill
from devserver import addresses
from devserver.postgres import running_postgres
from devserver.valkey import running_valkey
from generations import metrics
from generations.billing.usage import Month
from generations.models import Generation

TEAMS: Final = 500
COUNTS: Final = 100_000

_OPEN: Final = """
UPDATE generations_generation
SET status = %(status)s, finished_at = NULL, due_at = now() + random() * interval '1 minute'
WHERE id IN (SELECT id FROM generations_generation WHERE status = 'done' LIMIT %(count)s)
"""
_COUNTING: Final = f"""
import time
from config import metrics
metrics.observe_fal_call("status", 0.1, None)
began = time.perf_counter()
for _ in range({COUNTS}):
    metrics.observe_fal_call("status", 0.1, None)
print((time.perf_counter() - began) / {COUNTS} * 1e6)
"""


class _FullMonth(Month):
    """The one in which `bench.gallery` has its rows begin."""

    @classmethod
    def now(cls) -> Self:
        return cls(2026, 10)


@contextmanager
def studio(rows: int) -> Iterator[None]:
    directory = addresses.var()
    directory.mkdir(parents=True)
    try:
        with running_postgres(directory / "pg"), running_valkey(directory / "valkey"):
            call_command("migrate", verbosity=0)
            create_people_and_teams(TEAMS)
            for first in range(0, TEAMS, 50):
                fill(first=first, last=first + 49, newest=1, oldest=rows // TEAMS)
            open_some()
            yield
            connection.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def open_some() -> None:
    with connection.cursor() as cursor:
        for status in ("rendering", "queued"):
            cursor.execute(_OPEN, {"status": status, "count": 10_000})
        cursor.execute("VACUUM ANALYZE")


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def microseconds_to_count(directory: str) -> float:
    """In a process of its own: the directory is read at its start."""
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": directory}
    command = [sys.executable, "-c", _COUNTING]
    return float(subprocess.run(command, env=environment, cwd=addresses.ROOT, capture_output=True, check=True).stdout)


def measure(rounds: int) -> int:
    metrics.Month = _FullMonth  # type: ignore[attr-defined]
    print(f"{Generation.objects.count():,} generations\n\n| part | ms |\n|---|---:|")
    for name, read in metrics._PARTS.items():

        def whole(read: Callable[[], Iterator[Metric]] = read) -> list[Metric]:
            return list(read())

        print(f"| {name} | {milliseconds(whole, rounds):.1f} |")
    scrape = milliseconds(metrics.render, rounds)
    with tempfile.TemporaryDirectory() as directory:
        alone, shared = microseconds_to_count(""), microseconds_to_count(directory)
    return report_targets(
        [
            Target("a scrape, ms", scrape, 1000, at_most=True),
            Target("to count a call, µs: in the process", alone, 100, at_most=True),
            Target("to count a call, µs: in a shared directory", shared, 100, at_most=True),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with studio(arguments.rows):
        return measure(arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
