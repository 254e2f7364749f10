"""Let the kernel end a connection whose client takes no data, whatever the server still has to send."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

from django.conf import settings

_OPEN_FILES: Final = Path("/proc/self/fd")


@cache
def end_stalled_connections() -> None:
    """At a process's first request: its connections have TCP_USER_TIMEOUT, as later ones will have their listener's.

    Linux alone has it. The second look finds what was accepted while the first one had not come to the listener.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT") or not _OPEN_FILES.exists():
        return
    for ours in chain(_sockets_of(settings.PORT), _sockets_of(settings.PORT)):
        with ours, suppress(OSError):  # one that ends meanwhile
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.CLIENT_TIMEOUT * 1000)


def _sockets_of(port: int) -> Iterator[socket.socket]:
    """This process's TCP sockets at its port, listening or connected: the server hands them out to nobody."""
    for number in [int(entry.name) for entry in _OPEN_FILES.iterdir()]:
        with suppress(OSError):
            found = socket.socket(fileno=socket.dup(number))
            if found.family in {socket.AF_INET, socket.AF_INET6} and found.getsockname()[1] == port:
                yield found
            else:
                found.close()
