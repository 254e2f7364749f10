"""The time from fal's COMPLETED to the video's card in a waiting browser: with webhooks, and by polling alone.

Run `python -m bench.latency`. A real Chromium has the gallery open while videos are ordered at random moments. The time
for copying and checking the file (from its events) is subtracted, since it depends on the file alone.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.models import User
from bench._studio import Studio, running_studio, session_of, wait_for
from bench._targets import Target, report_targets
from generations.models import Event, Generation, Status
from tests.cast import make_generation
from tests.generations.mirror.videos import mp4

RENDER_SECONDS: Final = 12
ORDER_INTERVAL: Final = 2.5  # s between two orders, on average
CHROMIUM_FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
TIMEOUT: Final = 120.0  # s; a limit against hanging

# when each card's poster is on the screen, in milliseconds since 1970
_LISTEN: Final = """() => {
    window.shown = {};
    const note = (id) => { window.shown[id] ??= Date.now(); };
    const look = () => document.querySelectorAll("[data-generation] img").forEach((image) => {
        const id = image.closest("[data-generation]").dataset.generation;
        image.complete ? note(id) : image.addEventListener("load", () => note(id), { once: true });
    });
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
}"""

_PLAY: Final = """async (video) => {
    video.muted = true;
    await video.play();
    await new Promise((done) => video.addEventListener("timeupdate", () => video.currentTime > 0.2 && done()));
}"""


@dataclass(frozen=True)
class Sample:
    """Seconds of one video."""

    noticed: float  # from COMPLETED until the row says so
    copy: float
    shown: float  # from the row's DONE until the card shows it

    @property
    def waited(self) -> float:
        return self.noticed + self.shown


def measure(studio: Studio, browser: Browser, user: User, count: int) -> list[Sample]:
    """Orders at random moments, watched on one open page. The studio's processes run."""
    now = timezone.now() + timedelta(seconds=3)
    moments = [now + timedelta(seconds=random.uniform(0, ORDER_INTERVAL * count)) for _ in range(count)]
    rows = [make_generation(user, user.personal_team, due_at=moment) for moment in moments]
    with _gallery(studio, browser, user) as page:
        page.evaluate(_LISTEN)
        wait_for(
            lambda: len(page.evaluate("window.shown")) >= count, ORDER_INTERVAL * count + TIMEOUT, lambda: _states(rows)
        )
        shown: dict[str, int] = page.evaluate("window.shown")
        for row in rows:
            answer = page.request.get(f"{studio.url}/generations/{row.pk}/video", headers={"Range": "bytes=0-99"})
            assert answer.status == 206, answer.status
        page.goto(f"{studio.url}/generations/{rows[0].pk}/")
        page.locator("video").evaluate(_PLAY)
    ended = {entry["id"]: datetime.fromisoformat(entry["ended"]) for entry in studio.sandbox.records()["requests"]}
    return [_sample(Generation.objects.get(pk=row.pk), ended, shown[str(row.pk)]) for row in rows]


def _sample(row: Generation, ended: dict[str, datetime], shown: int) -> Sample:
    at: dict[str, datetime] = dict(Event.objects.filter(generation=row).values_list("status", "at"))
    made, done = at[Status.MIRRORING], at[Status.DONE]
    noticed = made - ended[row.request_id or ""]
    return Sample(noticed.total_seconds(), (done - made).total_seconds(), shown / 1000 - done.timestamp())


def _states(rows: list[Generation]) -> str:
    found = Generation.objects.filter(pk__in=[row.pk for row in rows])
    return str(list(found.values_list("status", "message")))


@contextmanager
def _gallery(studio: Studio, browser: Browser, user: User) -> Iterator[Page]:
    """The page as its person sees it, tall enough that every card is in sight."""
    context = browser.new_context(viewport={"width": 1280, "height": 4000})
    cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": studio.url}
    context.add_cookies([cookie])
    page = context.new_page()
    page.goto(studio.url)
    try:
        yield page
    finally:
        context.close()


def run(studio: Studio, browser: Browser, user: User, count: int, **environment: str) -> list[Sample]:
    """One mode, with web, worker and cron of its own."""
    studio.environment |= environment
    studio.start_web()
    worker = studio.start("worker")
    studio.start("cron")
    time.sleep(5)  # a studio that has been up for a while
    try:
        return measure(studio, browser, user, count)
    except TimeoutError:
        print(worker.log.read_text()[-3000:], file=sys.stderr)
        raise
    finally:
        studio.close()


def report(found: dict[str, list[Sample]]) -> int:
    print("\n| seconds, median (p95) | noticed | copied | on the screen | waited beside the copy |")
    print("|---|---:|---:|---:|---:|")
    for name, samples in found.items():
        parts = ([getattr(one, part) for one in samples] for part in ("noticed", "copy", "shown", "waited"))
        cells = " | ".join(f"{statistics.median(part):.2f} ({_p95(part):.2f})" for part in parts)
        print(f"| {name} ({len(samples)} videos) | {cells} |")
    medians = {name: statistics.median(one.waited for one in samples) for name, samples in found.items()}
    return report_targets(
        [
            Target("webhooks: median seconds beside the copy", medians["webhooks"], 1, at_most=True),
            Target("polling alone: median seconds beside the copy", medians["polling alone"], 3, at_most=True),
        ]
    )


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit("No Chromium on the PATH; set CHROMIUM to the program.")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=20, help="videos in each mode, at most 24: one page")
    arguments = parser.parse_args()
    program = _chromium()
    with tempfile.TemporaryDirectory() as directory:
        clip = Path(directory) / "clip.mp4"
        clip.write_bytes(mp4(seconds=5, size=(1280, 720)))
        sandbox = {"SANDBOX_RENDER_SECONDS": str(RENDER_SECONDS), "SANDBOX_CLIP": str(clip)}
        with running_studio(sandbox) as studio:
            return report(_measure_both(studio, program, arguments.count))


def _measure_both(studio: Studio, program: str, count: int) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    people = [User.objects.create_user(f"{name}@example.com") for name in ("anna", "bert")]
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in our thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
        found["polling alone"] = run(studio, browser, people[0], count)
        found["webhooks"] = run(studio, browser, people[1], count, PUBLIC_URL=studio.url)
        browser.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
