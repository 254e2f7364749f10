"""What clients that send or read slowly cost all others, and how much memory six large pictures at once take.

Run `python -m bench.slow`. Calm phases and attacks take turns on one server: 200 connections that send half a
request, and 50 readers who stop reading a video.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Self

import httpx
from django.conf import settings
from PIL import Image

from accounts.models import Membership, Team, User
from accounts.roles import Role
from bench._studio import Process, Studio, running_studio, session_of
from bench._targets import Target, report_targets
from generations.models import Generation, Status
from tests.cast import make_generation, make_video

HALF_SENT: Final = 200
STALLED: Final = 50
READERS: Final = 10  # people, so that no one's cap ends it
VIDEO_BYTES: Final = 24 * 1024**2
REQUESTS_PER_PAGE: Final = 20  # times a page and moment
SIDE: Final = 8000  # px; 64 MP
PAGES: Final = ("/healthz", "/")
HEADS: Final = (
    b"GE",
    b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nab",
    b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
    b"",
)


def populate() -> tuple[list[User], Generation]:
    """People of one team, who see some videos; the last one is large."""
    team = Team.objects.create(name="Film", slug="film")
    people = [User.objects.create_user(f"person{number}@example.com") for number in range(READERS)]
    Membership.objects.bulk_create([Membership(team=team, user=person, role=Role.MEMBER) for person in people])
    rows = [make_generation(people[0], team, Status.DONE) for _ in range(24)]
    for row in rows[:-1]:
        make_video(row)
    make_video(rows[-1], b"\0" * VIDEO_BYTES)
    return people, rows[-1]


def cookie(session: str) -> str:
    return f"{settings.SESSION_COOKIE_NAME}={session}"


@contextmanager
def connected_attackers(port: int, sessions: list[str], video: Generation) -> Iterator[None]:
    """While it lasts, all attackers are connected."""
    with ExitStack() as stack:
        for number in range(HALF_SENT):
            _connect(stack, port).sendall(HEADS[number % len(HEADS)])
        for number in range(STALLED):
            head = f"GET /generations/{video.pk}/video HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            head += f"Cookie: {cookie(sessions[number % len(sessions)])}\r\n\r\n"
            _connect(stack, port, receive_buffer=4096).sendall(head.encode())
        time.sleep(2)  # until the kernel's buffers are full, and the readers hold what they can
        yield


def _connect(stack: ExitStack, port: int, receive_buffer: int = 0) -> socket.socket:
    found = stack.enter_context(socket.socket())
    if receive_buffer:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    found.connect(("127.0.0.1", port))
    return found


def ask(browser: httpx.Client) -> dict[str, list[float]]:
    """Seconds of each answer, the pages in turns."""
    times: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(REQUESTS_PER_PAGE):
        for page in PAGES:
            begun = time.perf_counter()
            browser.get(page).raise_for_status()
            times[page].append(time.perf_counter() - begun)
    return times


def measure_attack(studio: Studio, people: list[User], video: Generation, rounds: int) -> list[Target]:
    sessions = [session_of(person) for person in people]
    port = int(studio.url.rpartition(":")[2])
    calm: dict[str, list[list[float]]] = {page: [] for page in PAGES}
    held: dict[str, list[list[float]]] = {page: [] for page in PAGES}
    with httpx.Client(base_url=studio.url, headers={"Cookie": cookie(sessions[0])}, timeout=60) as browser:
        ask(browser)
        for _ in range(rounds):
            for page, times in ask(browser).items():
                calm[page].append(times)
            with connected_attackers(port, sessions, video):
                for page, times in ask(browser).items():
                    held[page].append(times)
    return [_report(page, calm[page], held[page]) for page in PAGES]


def _report(page: str, calm: list[list[float]], held: list[list[float]]) -> Target:
    ratio = statistics.median(
        statistics.median(attack) / statistics.median(quiet) for quiet, attack in zip(calm, held, strict=True)
    )
    for name, times in (("calm", calm), ("attacked", held)):
        every = sorted(each for some in times for each in some)
        middle, late = statistics.median(every) * 1000, every[int(len(every) * 0.95)] * 1000
        print(f"| {page} | {name} | {middle:.1f} | {late:.1f} | {every[-1] * 1000:.1f} |")
    return Target(f"{page} under attack, × its calm time", ratio, 2, at_most=True)


def large_pictures() -> list[tuple[str, bytes]]:
    """Six of 64 MP: what cameras, phones that lie on their side, and people of ill will give."""
    return [_picture("JPEG", turned) for turned in (False, True)] + [_picture("PNG"), _picture("WEBP")] * 2


def _picture(format_: str, turned: bool = False) -> tuple[str, bytes]:
    image, buffer = Image.new("RGB", (SIDE, SIDE), "teal"), BytesIO()
    options: dict[str, Any] = {"lossless": True} if format_ == "WEBP" else {}
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6  # orientation: to be turned by 90°
    image.save(buffer, format_, exif=exif, **options)
    return f"{format_} of {len(buffer.getvalue()):,} bytes{', turned' if turned else ''}", buffer.getvalue()


def measure_pictures(studio: Studio, people: list[User], web: Process) -> list[Target]:
    """All six at once, each from a person of their own."""
    pictures = large_pictures()
    with ThreadPoolExecutor(len(pictures)) as pool, Memory(web) as memory:
        before = memory.now()
        sent = pool.map(lambda pair: _send(studio.url, *pair), zip(people, pictures, strict=False))
        print("\n| picture of 64 MP, six at once | status | seconds |\n|---|---:|---:|")
        for line in list(sent):
            print(line)
    print(f"\nWeb processes and all that they start: {before / 1e6:.0f} MB before, {memory.peak / 1e6:.0f} MB at most.")
    return [Target("peak memory of the web processes, MB", memory.peak / 1e6, 500, at_most=True)]


class Memory:
    """What the web process and all that it starts hold together, shared pages once, looked at ten times a second."""

    def __init__(self, web: Process) -> None:
        self.peak, self._root = 0, web.popen.pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def now(self) -> int:
        """Bytes."""
        return sum(_bytes_of(pid) for pid in _process_tree(self._root))

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, self.now())


def _process_tree(pid: int) -> list[int]:
    """The process and its descendants; one that ends meanwhile has none."""
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        return [pid, *(one for child in children for one in _process_tree(child))]
    return []


def _bytes_of(pid: int) -> int:
    """Its proportional set size."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return 0


def _send(url: str, person: User, picture: tuple[str, bytes]) -> str:
    name, data = picture
    with httpx.Client(base_url=url, headers={"Cookie": cookie(session_of(person))}, timeout=300) as browser:
        browser.get("/generations/new/").raise_for_status()
        token = {"Cookie": f"{cookie(session_of(person))}; csrftoken={browser.cookies['csrftoken']}"}
        token["X-CSRFToken"] = browser.cookies["csrftoken"]
        begun = time.perf_counter()
        answer = browser.post("/uploads/", files={"picture": ("picture", data)}, headers=token)
    return f"| {name} | {answer.status_code} | {time.perf_counter() - begun:.1f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with running_studio(MEDIA_DELIVERY="proxy") as studio:
        people, video = populate()
        web = studio.start_web()
        print("\n| page | | median, ms | p95 | worst |\n|---|---|---:|---:|---:|")
        targets = measure_attack(studio, people, video, arguments.rounds)
        targets += measure_pictures(studio, people, web)
    return report_targets(targets)


if __name__ == "__main__":
    sys.exit(main())
