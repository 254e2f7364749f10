"""`python -m config.web`: the web server, with all of its options in one place.

This process only watches its workers, so it reads the few variables that it needs and not the settings.
"""

import os
import resource
from typing import Final

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from config import logging
from config.server.defaults import CLIENT_TIMEOUT
from devserver import addresses

HEAD_BYTES: Final = 64 * 1024
CONNECTIONS: Final = 2048  # of a process
BACKLOG: Final = 4096  # connections that wait to be accepted
WORKERS: Final = 2


def serve() -> None:
    """Plain HTTP/1.1; TLS and HTTP/2 are the proxy's. The head's time also ends connections between two requests."""
    head_seconds = int(os.environ.get("CLIENT_TIMEOUT") or CLIENT_TIMEOUT)
    Granian(
        "config.asgi:application",
        address=os.environ.get("HOST") or "127.0.0.1",
        port=addresses.port(),
        interface=Interfaces.ASGINL,
        workers=int(os.environ.get("WEB_CONCURRENCY") or WORKERS),
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=head_seconds * 1000, max_buffer_size=HEAD_BYTES),
        websockets=False,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        workers_kill_timeout=8,
        log_level=LogLevels.error,
        log_dictconfig=logging.config("INFO", log_format()),
        log_access=os.environ.get("GRANIAN_LOG_ACCESS_ENABLED", "").lower() in {"1", "true"},
    ).serve()


def log_format() -> str:
    """LOG_FORMAT; what is no format at all is refused by the settings, in the workers."""
    named = os.environ.get("LOG_FORMAT") or "line"
    return named if named in logging.FORMATS else "line"


def raise_file_limit() -> None:
    """Each connection is an open file, and the usual 1,024 are fewer than one process takes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if most == resource.RLIM_INFINITY else min(65536, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


if __name__ == "__main__":
    raise_file_limit()
    serve()
