"""The methods that `bench.mirror` compares. Each runs in a process of its own, to measure its memory."""

import multiprocessing
import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import httpx
from django.conf import settings
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage

from bench.mirror_servers import LARGE, SCRIPTS, TINY, bucket_at
from devserver.s3 import S3Address, free_ports
from generations.mirror import copy_file

RCLONE = str(SCRIPTS / "rclone")

Copy = Callable[[str, str], None]  # from an address to a key


@dataclass(frozen=True)
class Bench:
    """What a child process needs to know."""

    provider: str
    s3: S3Address


@dataclass(frozen=True)
class Measurement:
    seconds: float
    extra_memory: float  # bytes above what the process held after a tiny copy
    ratio: float = 1.0  # its seconds to ours


def studio_copy(bench: Bench) -> Copy:
    bucket = bucket_at(bench.s3)

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


def baseline_copy(bench: Bench) -> Copy:
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
    """`ours` or `usual` in a process of its own, which answers each copy with what it took."""

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

    def __call__(self, url: str, key: str) -> Measurement:
        self._pipe.send((url, key))
        answer: Measurement = self._pipe.recv()
        return answer


def _work(way: Callable[[Bench], Copy], bench: Bench, pipe: Connection) -> None:
    copy = way(bench)
    copy(f"{bench.provider}/{TINY}", "warm-up")
    measure = Memory()
    pipe.send("ready")
    while True:
        url, key = pipe.recv()
        begun = time.perf_counter()
        copy(url, key)
        pipe.send(Measurement(time.perf_counter() - begun, measure.extra()))


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

    def __call__(self, url: str, key: str) -> Measurement:
        begun = time.perf_counter()
        process = subprocess.Popen([RCLONE, "copyurl", url, f"{self._target}/{key}"], env=self._env)
        with ThreadPoolExecutor(1) as watcher:
            peak = watcher.submit(_peak_until_end, process)
            assert process.wait() == 0
            seconds = time.perf_counter() - begun
        return Measurement(seconds, peak.result() - self._base)


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

    def __call__(self, url: str, key: str) -> Measurement:
        begun = time.perf_counter()
        self._copy(url, key)
        return Measurement(time.perf_counter() - begun, self._memory.extra())

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
