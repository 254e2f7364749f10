"""Ten thousand generations in flight with one worker process, compared with an RQ job that waits for fal.

Run `python -m bench.in_flight`. Both talk to one sandbox, which renders for 100 s. The baseline goes first and has the
machine to itself; it works on one generation at a time, so a few show its speed.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import rq
from django.db import connection

from accounts.models import User
from bench import _baseline
from bench._studio import START_SECONDS, Process, Studio, running_studio, wait_for
from bench._targets import Target, report_targets
from generations.models import Event, Generation, Status
from tests.cast import make_generation
from tests.generations.mirror.videos import mp4

TIMEOUT: Final = 3600.0  # s; a limit against hanging
REQUEST_COUNTERS: Final = ("submits", "status_gets", "result_gets", "file_gets")


@dataclass(frozen=True)
class Measurement:
    """What one way has done and taken."""

    count: int
    seconds: float
    requests: int  # to fal, of all kinds
    memory: int  # bytes
    cpu: float  # seconds

    @property
    def per_hour(self) -> float:
        return self.count / self.seconds * 3600


# --- the usual way ----------------------------------------------------------------------------------------------------


def measure_baseline(studio: Studio, count: int) -> Measurement:
    worker = studio.run("usual", f"exec {sys.executable} -m bench._baseline")
    wait_for(lambda: rq.Worker.count(queue=_baseline.queue()) == 1, START_SECONDS, worker.log.read_text)
    before, begun = studio.sandbox.records(), time.monotonic()
    jobs = [_baseline.queue().enqueue(_baseline.job, f"A fox in the snow, {n}") for n in range(count)]
    wait_for(lambda: all(job.get_status() in {"finished", "failed"} for job in jobs), TIMEOUT)
    seconds = time.monotonic() - begun
    assert all(job.is_finished for job in jobs), worker.log.read_text()[-2000:]
    found = _read_measurement(studio, worker, before, count, seconds)
    worker.stop()
    return found


# --- ours -------------------------------------------------------------------------------------------------------------


def create_generations(count: int, email: str = "bench@example.com") -> None:
    """So many orders of one person, committed at once."""
    user = User.objects.create_user(email)
    first = make_generation(user, user.personal_team)
    names = [
        f.attname for f in Generation._meta.concrete_fields if f.attname not in {"id", "idempotency_key", "prompt"}
    ]
    values = {name: getattr(first, name) for name in names}
    rows = [Generation(**values, prompt=f"A fox in the snow, {n}") for n in range(1, count)]
    Generation.objects.bulk_create(rows, batch_size=1000)
    Event.objects.bulk_create([Event(generation=row, status=row.status, by=user) for row in rows], batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure_ours(studio: Studio, count: int) -> Measurement:
    create_generations(count)
    before = studio.sandbox.records()
    begun = time.monotonic()
    worker = studio.start("worker")
    studio.start("cron")
    progress = Progress(begun)
    wait_for(progress.has_ended, TIMEOUT, lambda: worker.log.read_text()[-2000:])
    seconds = time.monotonic() - begun
    print(f"In flight at fal at once: {studio.sandbox.records()['counters']['max_in_flight']:,}.")
    print(f"How they ended: {_count_statuses()}.")
    return _read_measurement(studio, worker, before, Generation.objects.filter(status=Status.DONE).count(), seconds)


class Progress:
    """Says now and then how far it is, on standard error."""

    def __init__(self, begun: float) -> None:
        self._begun, self._next = begun, 0.0

    def has_ended(self) -> bool:
        time.sleep(1)
        if time.monotonic() > self._next:
            self._next = time.monotonic() + 20
            print(f"{time.monotonic() - self._begun:6.0f} s: {_count_statuses()}", file=sys.stderr, flush=True)
        return not Generation.objects.open().exists()


def _count_statuses() -> dict[str, int]:
    statuses = Generation.objects.order_by("status").values_list("status", flat=True).distinct()
    return {status: Generation.objects.filter(status=status).count() for status in statuses}


def _read_measurement(
    studio: Studio, worker: Process, before: dict[str, Any], count: int, seconds: float
) -> Measurement:
    after = studio.sandbox.records()["counters"]
    requests = sum(after[name] - before["counters"][name] for name in REQUEST_COUNTERS)
    return Measurement(count, seconds, requests, worker.peak_bytes(), worker.cpu_seconds())


def report(ours: Measurement, usual: Measurement) -> int:
    print(
        "\n| one worker process | generations | seconds | an hour | requests to fal each | CPU s each | peak memory |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, one in (("ours", ours), ("RQ job with `fal_client.subscribe`", usual)):
        each = f"{one.requests / one.count:.1f} | {one.cpu / one.count:.3f}"
        print(
            f"| {name} | {one.count:,} | {one.seconds:.0f} | {one.per_hour:,.0f} | {each} | {one.memory / 1e6:.0f} MB |"
        )
    return report_targets(
        [Target("× the finished generations an hour of the usual way", ours.per_hour / usual.per_hour, 100)]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--usual-count", type=int, default=2)
    parser.add_argument("--render-seconds", type=float, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        clip = Path(directory) / "clip.mp4"
        clip.write_bytes(mp4(seconds=1))
        with running_studio(sandbox_options(arguments.render_seconds, clip)) as studio:
            usual = measure_baseline(studio, arguments.usual_count)
            return report(measure_ours(studio, arguments.count), usual)


def sandbox_options(render_seconds: float, clip: Path) -> dict[str, str]:
    return {
        "SANDBOX_RENDER_SECONDS": str(render_seconds),
        "SANDBOX_QUEUE_SECONDS": "1",
        "SANDBOX_CONCURRENCY": "100000",
        "SANDBOX_NEIGHBOURS": "0",
        "SANDBOX_CLIP": str(clip),
    }


if __name__ == "__main__":
    sys.exit(main())
