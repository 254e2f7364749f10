"""The servers that `bench.mirror` copies from and to: a provider that uses `sendfile`, and SeaweedFS."""

import multiprocessing
import os
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import av
import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from devserver.s3 import PORTS, S3Address, address, free_ports
from devserver.server import Server, ServerSpec
from generations.mirror import Bucket

MB = 1_000_000
TINY, SMALL, LARGE, SLOW = 100_000, 10 * MB, 500 * MB, 20 * MB
SLOW_RATE = 10 * MB  # bytes a second of a slow source
SCRIPTS = Path(sysconfig.get_path("scripts"))


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
            time.sleep(max(0.0, begun + (offset + 100_000) / SLOW_RATE - time.perf_counter()))

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


def _serve(directory: Path, pipe: Connection) -> None:
    os.chdir(directory)
    with _Server() as server:
        pipe.send(server.server_port)
        server.serve_forever()


@contextmanager
def running_provider(directory: Path) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(directory, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def write_files(directory: Path) -> None:
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


_PORTS = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port")


@contextmanager
def running_s3(directory: Path) -> Iterator[S3Address]:
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
    server = Server(ServerSpec(directory, command, keys, stop_seconds=3), lambda: _takes_objects(bucket_at(s3)))
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


def bucket_at(s3: S3Address) -> Bucket:
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
