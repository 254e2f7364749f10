"""A provider's file server over real HTTP that misbehaves as told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class File:
    """One file and how it is served; `asked` collects the headers of every request."""

    data: bytes = b""
    content_type: str = "video/mp4"
    etags: list[str] = field(default_factory=lambda: ['"one"'])  # of the first answer, the second, …; the last stays
    refusals: list[int] = field(default_factory=list)  # statuses of the first answers
    cuts: list[int] = field(default_factory=list)  # the first answers break after so many bytes of body
    ranges: bool = True
    resumed_status: int | None = None  # instead of 206
    shifted: int = 0  # a Range is answered with a part that begins so much later
    part: int | None = None  # a Range is answered with so many bytes at most
    chunked: bool = False
    announced: int | None = None  # a length that isn't true
    location: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)


class Provider(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, File] = {}
        self.stored: dict[str, bytes] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self, file: File, path: str = "/video.mp4") -> str:
        self.files[path] = file
        return self.origin + path

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_GET(self) -> None:
        file = self.server.files[self.path]
        file.asked.append({name.lower(): value for name, value in self.headers.items()})
        if file.refusals:
            return self._refuse(file.refusals.pop(0))
        if file.location:
            return self._redirect(file.location)
        return self._send(file)

    def do_PUT(self) -> None:
        """Also a bucket that is having a bad day."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._refuse(503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>")

    def _refuse(self, status: int, body: bytes = b"no") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, location: str) -> None:
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, file: File) -> None:
        begin = self._begin(file)
        length = file.announced or len(file.data)
        if begin >= len(file.data) > 0:
            return self._refuse(416)
        self.send_response((file.resumed_status or 206) if begin else 200)
        self.send_header("Content-Type", file.content_type)
        if file.etags:
            self.send_header("ETag", file.etags.pop(0) if len(file.etags) > 1 else file.etags[0])
        if begin:
            end = min(length, begin + file.part) if file.part else length
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{length}")
        else:
            end = length
        self._head_end(file, end - begin)
        return self._body(file, memoryview(file.data)[begin:end])

    def _begin(self, file: File) -> int:
        wanted = self.headers.get("Range", "bytes=0-") if file.ranges else "bytes=0-"
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return begin + file.shifted if begin else 0

    def _head_end(self, file: File, length: int) -> None:
        if file.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _body(self, file: File, data: memoryview) -> None:
        cut = file.cuts.pop(0) if file.cuts else None
        self.close_connection = cut is not None or file.announced is not None
        if not file.chunked:
            self.wfile.write(data[:cut])
            return
        for start in range(0, len(data[:cut]), 10_000):
            piece = data[:cut][start : start + 10_000]
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        if cut is None:
            self.wfile.write(b"0\r\n\r\n")


@contextmanager
def running() -> Iterator[Provider]:
    with Provider() as provider:
        thread = Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
