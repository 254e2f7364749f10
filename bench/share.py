"""Two hundred guests watch one share link: how long does its page take, and who serves the bytes?

Run `python -m bench.share`. Each guest opens the page, its poster and a part of its video, and goes on watching: every
few seconds the player asks for another part, for which the studio gives an address of the bucket.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import asyncio
import multiprocessing
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Final

import httpx
from django.db import connection

from accounts.models import Team, User
from bench._studio import running_studio
from bench._targets import Target, percentile, report_targets
from generations.models import Status
from sharing.links import LinkOptions, share_videos
from tests.cast import make_generation, make_video
from tests.generations.mirror.videos import mp4

PART: Final = 64 * 1024  # bytes that a player asks for at a time
PAUSE: Final = (3.0, 5.0)  # s between two of them
ALONE: Final = 100  # pages asked one after the other, for the figure at rest
WARM_UP: Final = 5.0  # s that are not counted


@dataclass
class Seen:
    """By the guests: seconds of each page, and bytes by who has sent them."""

    pages: list[float] = field(default_factory=list)
    from_studio: int = 0
    from_bucket: int = 0
    failures: int = 0


async def _watch(client: httpx.AsyncClient, share: str, until: float, seen: Seen, counted_from: float) -> None:
    """One guest after the other in one place: page, poster, then parts of the video; then somebody else comes."""
    await asyncio.sleep(random.uniform(0, PAUSE[1]))
    while time.time() < until:
        began = time.perf_counter()
        page = await client.get(share)
        if time.time() > counted_from:
            seen.pages.append(time.perf_counter() - began)
        seen.from_studio += len(page.content)
        seen.failures += page.status_code != 200
        address = share + page.text.partition('" src="' + share)[2].partition('"')[0]
        await _fetch(client, address.replace("/video", "/poster"), seen)
        for _ in range(3):
            await _fetch(client, address, seen, {"Range": f"bytes=0-{PART - 1}"})
            await asyncio.sleep(random.uniform(*PAUSE))


async def _fetch(client: httpx.AsyncClient, path: str, seen: Seen, headers: dict[str, str] | None = None) -> None:
    answer = await client.get(path)
    seen.from_studio += len(answer.content)
    if answer.status_code != 302:
        seen.failures += 1
        return
    there = await client.get(answer.headers["Location"], headers=headers)
    seen.from_bucket += len(there.content)
    seen.failures += there.status_code not in {200, 206}


async def _all(url: str, share: str, guests: int, seconds: float) -> Seen:
    seen, now = Seen(), time.time()
    limits = httpx.Limits(max_connections=guests * 2, max_keepalive_connections=guests)
    headers = {"Accept": "text/html"}
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30, headers=headers) as client:
        end = now + WARM_UP + seconds
        await asyncio.gather(*(_watch(client, share, end, seen, now + WARM_UP) for _ in range(guests)))
    return seen


def _guests(url: str, share: str, guests: int, seconds: float) -> Seen:
    return asyncio.run(_all(url, share, guests, seconds))


def _alone(url: str, share: str) -> float:
    """The same page at rest: 95 % of the answers come within so many milliseconds."""
    times = []
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}) as client:
        for number in range(ALONE + 10):
            began = time.perf_counter()
            client.get(share).raise_for_status()
            client.cookies.clear()  # each is somebody else
            if number >= 10:
                times.append(time.perf_counter() - began)
    return percentile(times, 95)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guests", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=40)
    options = parser.parse_args()
    with running_studio(MEDIA_DELIVERY="redirect") as studio:
        bob = User.objects.create_user("bob@example.com", name="Bob")
        team = Team.objects.get(personal_of=bob)
        row = make_generation(bob, team, Status.DONE)
        make_video(row, mp4(seconds=5))
        _, token = share_videos(bob, [row], LinkOptions("Teaser", days=7))
        connection.close()
        web = studio.start_web()
        share = f"/share/{token}/"
        calm = _alone(studio.url, share)
        before = web.cpu_seconds()
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            seen = pool.apply(_guests, (studio.url, share, options.guests, options.seconds))
        cpu = web.cpu_seconds() - before
    busy = percentile(seen.pages, 95)
    print(f"{len(seen.pages)} pages, {cpu:.1f} s of CPU, {seen.failures} failures")
    print(f"{seen.from_bucket / 1e6:,.1f} MB from the bucket, {seen.from_studio / 1e6:,.1f} MB from the studio")
    print(f"p95 of the page: {calm:.1f} ms alone, {busy:.1f} ms beside {options.guests} guests")
    return report_targets(
        [
            Target("p95 of the page in ms", busy, 100, at_most=True),
            Target("failures", seen.failures, 0, at_most=True),
            Target("bytes of the bucket for one of the studio's", seen.from_bucket / seen.from_studio, 5),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
