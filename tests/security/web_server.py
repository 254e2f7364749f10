"""The real web server, as the Procfile starts it, on the rows of the running test; and clients that misbehave."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from django.conf import settings
from django.db import connection
from django.test import Client
from honcho.environ import parse_procfile

from devserver import addresses
from devserver.s3 import free_ports
from devserver.server import die_with_parent

HOST: Final = "127.0.0.1"
MAX_WAIT: Final = 90.0  # seconds; limits against hanging, not measures
COMMAND: Final = parse_procfile((addresses.ROOT / "Procfile").read_text()).processes["web"]


@dataclass(frozen=True)
class WebServer:
    port: int
    pid: int = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """As a service manager stops it."""
        os.kill(self.pid, signal.SIGTERM)

    def browser(self, person: Client | None = None) -> httpx.Client:
        """With the person's cookies."""
        browser = httpx.Client(base_url=self.url, timeout=MAX_WAIT)
        if person is not None:
            browser.cookies.update({name: morsel.value for name, morsel in person.cookies.items()})
        return browser


@contextmanager
def running_web(log: Path, **environment: str) -> Iterator[WebServer]:
    """Until it answers, and to its end."""
    server = WebServer(free_ports(1))
    with log.open("wb") as output:
        process = subprocess.Popen(
            COMMAND,
            shell=True,
            cwd=addresses.ROOT,
            env=environment_of_test(server.port) | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),  # noqa: PLW1509  only a system call
        )
    try:
        _wait_until_answers(server.url, log)
        yield WebServer(server.port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def environment_of_test(port: int) -> dict[str, str]:
    """This process's own, so that the same key signs its sessions."""
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": addresses.database_url().replace("/postgres?", f"/{name}?"),
        "AWS_STORAGE_BUCKET_NAME": settings.AWS_STORAGE_BUCKET_NAME,
        "AWS_S3_ENDPOINT_URL": settings.AWS_S3_ENDPOINT_URL or "",
        "AWS_ACCESS_KEY_ID": settings.AWS_ACCESS_KEY_ID or "",
        "AWS_SECRET_ACCESS_KEY": settings.AWS_SECRET_ACCESS_KEY or "",
        "REDIS_URL": settings.REDIS_URL,
        "MEDIA_DELIVERY": "proxy",
        "PORT": str(port),
    }


def _wait_until_answers(url: str, log: Path) -> None:
    deadline = time.monotonic() + MAX_WAIT
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


@dataclass
class Attack:
    """Connections that stay open until the server ends them, or the test."""

    port: int
    sockets: list[socket.socket] = field(default_factory=list)
    _ends: ExitStack = field(default_factory=ExitStack)

    def open(self, data: bytes, count: int = 1, receive_buffer: int = 0) -> list[socket.socket]:
        """So many connections that send this and nothing more."""
        opened = [self._connect(receive_buffer) for _ in range(count)]
        for each in opened:
            each.sendall(data)
        self.sockets += opened
        return opened

    def _connect(self, receive_buffer: int) -> socket.socket:
        found = self._ends.enter_context(socket.socket())
        if receive_buffer:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        found.settimeout(MAX_WAIT)
        found.connect((HOST, self.port))
        return found

    def close(self) -> None:
        self._ends.close()


def request(method: str, path: str, *headers: str) -> bytes:
    """The head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def rest_of(connection_: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    found = b""
    try:
        while piece := connection_.recv(1 << 20):
            found += piece
    except ConnectionError:
        pass
    return found
