"""S3 servers of several providers, each a package's own program on loopback."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import httpx

from devserver import s3 as embedded
from devserver.s3 import PORTS, S3Address, free_ports
from tests.generations.mirror.conftest import bucket_at
from tests.sandbox_process import free_port

TIMEOUT: Final = 60.0  # s


@contextmanager
def _embedded(directory: Path, program: str) -> Iterator[S3Address]:
    running = embedded.start(directory, free_ports(PORTS), program=program)
    try:
        yield running.address
    finally:
        running.stop()


@contextmanager
def _moto(directory: Path) -> Iterator[S3Address]:
    """AWS' behaviour as the testers of boto know it; it takes any key and checks no signature."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    address = S3Address(f"http://127.0.0.1:{port}")
    with subprocess.Popen(command, cwd=directory, env=dict(os.environ), stderr=subprocess.DEVNULL) as process:
        try:
            _wait(address.endpoint_url)
            bucket_at(address).client.create_bucket(Bucket=address.bucket)
            yield address
        finally:
            process.kill()


def _wait(url: str) -> None:
    transport = httpx.HTTPTransport(retries=10)  # of connections only, each after a longer pause
    with httpx.Client(transport=transport, timeout=TIMEOUT) as client:
        client.get(url)


S3_PROVIDERS: Final[dict[str, Callable[[Path], AbstractContextManager[S3Address]]]] = {
    "SeaweedFS": lambda directory: _embedded(directory, "weed"),
    "rclone": lambda directory: _embedded(directory, "rclone"),
    "moto": _moto,
}
