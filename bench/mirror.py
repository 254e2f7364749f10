"""How fast, and in how much memory, a finished video gets into the bucket: ours, `rclone copyurl`, and the usual way.

Run `python -m bench.mirror`. One run starts its own S3 server and its own provider, copies the same files in turns, and
ends with exit code 1 when a target is missed. Every way works in a process of its own, so that memory is told apart.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Self
from urllib.parse import urlsplit

import av
import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import ContentFile
from PIL import Image
from storages.backends.s3 import S3Storage

from config.embedded.s3 import PORTS, S3Address, address, free_ports
from config.embedded.server import Plan, Server
from generations.mirror import Bucket, StoredFile, copy_file, poster, probe

MB = 1_000_000
TINY, SMALL, LARGE, SLOW = 100_000, 10 * MB, 500 * MB, 20 * MB
PACE = 10 * MB  # bytes a second of a slow source
AT_ONCE = 16
SCRIPTS = Path(sysconfig.get_path("scripts"))
RCLONE = str(SCRIPTS / "rclone")

Copy = Callable[[str, str], None]  # from an address to a key
Pipe = Connection


@dataclass(frozen=True)
class Bench:
    """What a child process needs to know."""

    provider: str
    s3: S3Address


@dataclass(frozen=True)
class Measured:
    seconds: float
    extra_memory: float  # bytes above what the process held after a tiny copy
    ratio: float = 1.0  # its seconds to ours


@dataclass(frozen=True)
class Target:
    name: str
    value: float
    wanted: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted


# --- the provider: a process of its own that lets the kernel send ---------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sizes: dict[str, int] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    rfile: BufferedReader

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        with Path(url.path.lstrip("/")).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if url.query == "slow":
                self._send_slowly(file, size)
            else:
                self.connection.sendfile(file)

    def _send_slowly(self, file: IO[bytes], size: int) -> None:
        begun = time.perf_counter()
        for offset in range(0, size, 100_000):
            self.connection.sendfile(file, offset, 100_000)
            time.sleep(max(0.0, begun + (offset + 100_000) / PACE - time.perf_counter()))

    def do_PUT(self) -> None:
        """As an S3 server that costs nothing: throws the bytes away, and remembers how many they were."""
        left, waste = int(self.headers["Content-Length"]), bytearray(MB)
        self.server.sizes[urlsplit(self.path).path] = left
        while left:
            left -= self.rfile.readinto1(memoryview(waste)[:left])
        self._answer(0)

    def do_HEAD(self) -> None:
        self._answer(self.server.sizes[urlsplit(self.path).path])

    def _answer(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


def _serve(directory: Path, pipe: Pipe) -> None:
    os.chdir(directory)
    with _Server() as server:
        pipe.send(server.server_port)
        server.serve_forever()


@contextmanager
def _provider(directory: Path) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(directory, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _write_files(directory: Path) -> None:
    """Files that pass for an MP4 by their first bytes, and a real one: 5 s at 1080p."""
    for size in (TINY, SMALL, LARGE, SLOW):
        with (directory / str(size)).open("wb") as file:
            file.write(b"\0\0\0\x18ftypisom")
            for _ in range(size // TINY):
                file.write(os.urandom(TINY))
    with av.open(str(directory / "real"), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1920, 1080, "yuv420p", 20 * MB
        noise = [Image.effect_noise((1920, 1080), 30).convert("RGB") for _ in range(6)]
        for number in range(5 * 24):
            container.mux(stream.encode(av.VideoFrame.from_image(noise[number % 6])))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())


# --- the S3 server ----------------------------------------------------------------------------------------------------

_PORTS = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port")


@contextmanager
def _s3_server(directory: Path) -> Iterator[S3Address]:
    """SeaweedFS without the tight memory limit that the embedded one gets: under it the server, collecting garbage, is
    what one measures, and every way looks alike."""
    first = free_ports(PORTS)
    s3 = address(first)
    ports = {name: first + number for number, name in enumerate((*_PORTS, "filer.port.grpc"))}
    options = {"dir": directory, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "bucket": s3.bucket, **ports}
    off = {
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
    }
    command = [str(SCRIPTS / "weed"), "mini", *(f"-{name}={value}" for name, value in {**options, **off}.items())]
    directory.mkdir()
    keys = {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
    server = Server(Plan(directory, command, keys, stop_seconds=3), lambda: _takes_objects(_bucket(s3)))
    try:
        yield s3
    finally:
        server.stop()


def _takes_objects(bucket: Bucket) -> bool:
    try:
        bucket.client.put_object(Bucket=bucket.name, Key="ready", Body=b"yes")
    except (BotoCoreError, ClientError):
        return False
    return True


# --- the ways ---------------------------------------------------------------------------------------------------------


def _bucket(s3: S3Address) -> Bucket:
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        region_name=s3.region,
        config=config,
    )
    return Bucket(client, s3.bucket)


def _ours(bench: Bench) -> Copy:
    bucket = _bucket(bench.s3)

    def copy(url: str, key: str) -> None:
        copy_file(
            url,
            bucket=bucket,
            key=key,
            trusted_origins=frozenset({bench.provider}),
            max_bytes=LARGE * 2,
            on_progress=lambda *_: None,
        )

    return copy


def _usual(bench: Bench) -> Copy:
    """What most projects do: the whole body in memory, saved with django-storages."""
    settings.configure()
    storage = S3Storage(
        access_key=bench.s3.access_key,
        secret_key=bench.s3.secret_key,
        bucket_name=bench.s3.bucket,
        endpoint_url=bench.s3.endpoint_url,
        region_name=bench.s3.region,
        signature_version="s3v4",
        addressing_style="path",
        file_overwrite=True,
    )
    return lambda url, key: storage.save(key, ContentFile(httpx.get(url, timeout=60).content))


class Child:
    """One of the two ways above in a process of its own, which answers each copy with what it took."""

    def __init__(self, way: Callable[[Bench], Copy], bench: Bench) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_work, args=(way, bench, theirs), daemon=True)
        self._process.start()

    def __enter__(self) -> Self:
        self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def __call__(self, url: str, key: str) -> Measured:
        self._pipe.send((url, key))
        answer: Measured = self._pipe.recv()
        return answer


def _work(way: Callable[[Bench], Copy], bench: Bench, pipe: Pipe) -> None:
    copy = way(bench)
    copy(f"{bench.provider}/{TINY}", "warm-up")
    measure = Memory()
    pipe.send("ready")
    while True:
        url, key = pipe.recv()
        begun = time.perf_counter()
        copy(url, key)
        pipe.send(Measured(time.perf_counter() - begun, measure.extra()))


class Memory:
    """What this process, or the one named, takes at its peak beyond what it holds now."""

    def __init__(self, pid: int | str = "self") -> None:
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        self._base = _status_bytes(pid, "VmRSS")

    def extra(self) -> float:
        return _status_bytes(self._pid, "VmHWM") - self._base


def _status_bytes(pid: int | str, name: str) -> float:
    """A line of the process's status, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0.0


class Rclone:
    """`rclone copyurl` as one calls it: a process for each copy."""

    def __init__(self, bench: Bench) -> None:
        self._target = f"b:{bench.s3.bucket}"
        self._env = _rclone_environment(bench.s3)
        self._base = 0.0
        self._base = self(f"{bench.provider}/{TINY}", "warm-up").extra_memory

    def __call__(self, url: str, key: str) -> Measured:
        begun = time.perf_counter()
        process = subprocess.Popen([RCLONE, "copyurl", url, f"{self._target}/{key}"], env=self._env)
        with ThreadPoolExecutor(1) as watcher:
            peak = watcher.submit(_peak_until_end, process)
            assert process.wait() == 0
            seconds = time.perf_counter() - begun
        return Measured(seconds, peak.result() - self._base)


def _peak_until_end(process: subprocess.Popen[bytes]) -> float:
    """Looked up now and then: what the kernel says at the end (`ru_maxrss`) includes the parent that forked it."""
    peak = 0.0
    while process.returncode is None:
        with suppress(OSError):
            peak = max(peak, _status_bytes(process.pid, "VmHWM"))
        time.sleep(0.01)
    return peak


class RcloneDaemon:
    """The same asked of an rclone that already runs, so that its start isn't held against it."""

    def __init__(self, bench: Bench) -> None:
        self._fs = f"b:{bench.s3.bucket}"
        self._address = f"127.0.0.1:{free_ports(1)}"
        command = [RCLONE, "rcd", "--rc-no-auth", "--rc-addr", self._address, "--log-level", "ERROR"]
        self._process = subprocess.Popen(command, env=_rclone_environment(bench.s3))
        self._client = httpx.Client(base_url=f"http://{self._address}", timeout=600)
        self._wait()
        self._copy(f"{bench.provider}/{TINY}", "warm-up")
        self._memory = Memory(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait()

    def __call__(self, url: str, key: str) -> Measured:
        begun = time.perf_counter()
        self._copy(url, key)
        return Measured(time.perf_counter() - begun, self._memory.extra())

    def _copy(self, url: str, key: str) -> None:
        wanted = {"fs": self._fs, "remote": key, "url": url}
        self._client.post("/operations/copyurl", json=wanted).raise_for_status()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                self._client.post("/rc/noop").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return


def _rclone_environment(s3: S3Address) -> dict[str, str]:
    options = {
        "type": "s3",
        "provider": "SeaweedFS",
        "access_key_id": s3.access_key,
        "secret_access_key": s3.secret_key,
        "endpoint": s3.endpoint_url,
        "region": s3.region,
    }
    named = {f"RCLONE_CONFIG_B_{name.upper()}": value for name, value in options.items()}
    return {**os.environ, "RCLONE_CONFIG": os.devnull, **named}


# --- the measurements -------------------------------------------------------------------------------------------------

OURS, RCLONE_NAME, DAEMON_NAME, USUAL = "ours", "rclone copyurl", "rclone, already running", "httpx + storage.save"


def _in_turns(bench: Bench, size: int, rounds: int) -> dict[str, Measured]:
    """The medians; every round begins with another way. Ratios are taken within a round, against a noisy machine."""
    with ExitStack() as stack:
        ways: dict[str, Callable[[str, str], Measured]] = {
            OURS: stack.enter_context(Child(_ours, bench)),
            RCLONE_NAME: Rclone(bench),
            DAEMON_NAME: stack.enter_context(RcloneDaemon(bench)),
            USUAL: stack.enter_context(Child(_usual, bench)),
        }
        found: dict[str, list[Measured]] = {name: [] for name in ways}
        names = list(ways)
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                os.sync()  # what the last one wrote must not be paid by the next
                found[name].append(ways[name](f"{bench.provider}/{size}", f"{size}/{name}"))
    return {name: _summed_up(all_of_it, found[OURS]) for name, all_of_it in found.items()}


def _summed_up(found: list[Measured], ours: list[Measured]) -> Measured:
    return Measured(
        statistics.median(one.seconds for one in found),
        max(one.extra_memory for one in found),
        statistics.median(one.seconds / our.seconds for one, our in zip(found, ours, strict=True)),
    )


def _in_child(work: Callable[[Bench], list[float]], bench: Bench) -> list[float]:
    with multiprocessing.Pool(1) as pool:
        return pool.apply(work, (bench,))


def _many_at_once(bench: Bench) -> list[float]:
    """MB/s of one slow copy and of sixteen at once, and the extra memory of the sixteen in bytes."""
    copy = _ours(bench)
    copy(f"{bench.provider}/{TINY}", "warm-up")
    memory = Memory()
    rounds = [(_speed(copy, bench, 1), _speed(copy, bench, AT_ONCE)) for _ in range(3)]
    one, many = (statistics.median(speeds) for speeds in zip(*rounds, strict=True))
    return [one, many, memory.extra()]


def _speed(copy: Copy, bench: Bench, count: int) -> float:
    """MB/s of so many slow copies at once, together."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(lambda number: copy(f"{bench.provider}/{SLOW}?slow", f"slow/{number}"), range(count)))
    return count * SLOW / MB / (time.perf_counter() - begun)


def _checking(bench: Bench) -> list[float]:
    """Seconds to copy, decode and picture a real video, and the extra memory in bytes of the last two together."""
    copy, bucket = _ours(bench), _bucket(bench.s3)
    copy(f"{bench.provider}/real", "real")
    size = bucket.client.head_object(Bucket=bucket.name, Key="real")["ContentLength"]
    memory = Memory()
    with StoredFile(bucket, "real", size) as stored:
        steps = [lambda: copy(f"{bench.provider}/real", "real"), lambda: probe(stored), lambda: poster(stored)]
        seconds = [statistics.median(_seconds(step) for _ in range(3)) for step in steps]
    return [*seconds, memory.extra(), size]


def _seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def _print_table(size: int, found: dict[str, Measured]) -> None:
    print(f"\n| {size // MB} MB | seconds | MB/s | ours is faster by | extra peak memory |\n|---|---:|---:|---:|---:|")
    for name, one in found.items():
        ratio = f"{one.ratio:.2f} ×" if name != OURS else ""
        speed = size / MB / one.seconds
        print(f"| {name} | {one.seconds:.3f} | {speed:.0f} | {ratio} | {one.extra_memory / MB:.1f} MB |")


def _targets(found: dict[int, dict[str, Measured]], slow: list[float]) -> list[Target]:
    def faster(size: int) -> float:
        return found[size][RCLONE_NAME].ratio

    def memory(size: int) -> float:
        return found[size][OURS].extra_memory / MB

    return [
        Target("10 MB: × the speed of rclone copyurl", faster(SMALL), 1.5),
        Target("500 MB: × the speed of rclone copyurl", faster(LARGE), 1.0),
        Target("10 MB: extra peak memory, MB", memory(SMALL), 16, at_most=True),
        Target("500 MB: extra peak memory, MB", memory(LARGE), 16, at_most=True),
        Target("sixteen slow copies at once: × the throughput of one", slow[1] / slow[0], 10),
    ]


def _print_targets(targets: list[Target]) -> None:
    print("\n| target | measured | wanted | |\n|---|---:|---:|---|")
    for target in targets:
        bound = "≤" if target.at_most else "≥"
        print(
            f"| {target.name} | {target.value:.2f} | {bound} {target.wanted:g} | {'ok' if target.met else 'missed'} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small-rounds", type=int, default=21)
    parser.add_argument("--large-rounds", type=int, default=5)
    arguments = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (directory / "files").mkdir()
        _write_files(directory / "files")
        s3 = stack.enter_context(_s3_server(directory / "s3"))
        bench = Bench(stack.enter_context(_provider(directory / "files")), s3)
        waste = replace(bench, s3=replace(s3, endpoint_url=stack.enter_context(_provider(directory / "files"))))
        slow, wasted = _in_child(_many_at_once, bench), _in_child(_many_at_once, waste)
        checking = _in_child(_checking, bench)
        rounds = {SMALL: arguments.small_rounds, LARGE: arguments.large_rounds}
        found = {size: _in_turns(bench, size, count) for size, count in rounds.items()}
    _report_slow(slow, wasted)
    return _report(found, slow, checking)


def _report_slow(slow: list[float], wasted: list[float]) -> None:
    one, many, extra = slow
    print(f"\nSources held to {PACE // MB} MB/s: one copy {one:.1f} MB/s, {AT_ONCE} at once {many:.1f} MB/s", end=" ")
    print(
        f"with {extra / MB:.1f} MB of extra memory; {AT_ONCE} at once into a server that throws the bytes away", end=" "
    )
    print(f"{wasted[1]:.1f} MB/s.")


def _report(found: dict[int, dict[str, Measured]], slow: list[float], checking: list[float]) -> int:
    for size, ways in found.items():
        _print_table(size, ways)
    copying, decoding, picturing, more, length = checking
    print(
        f"Apart from the copy, of 5 s at 1080p ({length / MB:.1f} MB, copied in {copying:.2f} s): every frame decoded",
        end=" ",
    )
    print(f"from the bucket {decoding:.2f} s, poster {picturing:.2f} s, {more / MB:.0f} MB of extra memory.")
    targets = _targets(found, slow)
    _print_targets(targets)
    return 0 if all(target.met for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
