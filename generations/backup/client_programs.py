"""PostgreSQL's own programs: where they are, whether they are new enough, and how they find the database."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import connection
from psycopg import pq
from psycopg.conninfo import make_conninfo

from devserver import postgres
from devserver.server import DidNotStartError
from generations.backup.exceptions import BackupError

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_DEBIAN: Final = Path("/usr/lib/postgresql")  # a directory for each version


@dataclass(frozen=True, slots=True)
class Program:
    path: str
    major: int


def find_program(name: str, least: int) -> Program:
    """The first that is of PostgreSQL `least` or newer: an older one can't read what a newer server has."""
    found = [Program(path, major) for path in _places(name) if (major := _major_of(path)) is not None]
    for program in found:
        if program.major >= least:
            return program
    if not found:
        raise BackupError(f"{name} is not installed. Install PostgreSQL's client programs, version {least} or newer.")
    newest = max(program.major for program in found)
    raise BackupError(
        f"{name} is of PostgreSQL {newest}, older than needed: install the client programs of PostgreSQL {least} or "
        f"newer (such as postgresql-client-{least}), or put them first on the PATH."
    )


def server_major() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        return int(cursor.fetchone()[0])


def run(program: Program, *arguments: str) -> None:
    """Against the settings' database. Raises BackupError with what the program said."""
    command = [program.path, "--dbname", _conninfo(), *arguments]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = " ".join(done.stderr.split())[-1000:]
        raise BackupError(f"{Path(program.path).name} failed: {said or f'exit code {done.returncode}'}")


def _places(name: str) -> Iterator[str]:
    if found := shutil.which(name):
        yield found
    yield from (str(path) for path in sorted(_DEBIAN.glob(f"*/bin/{name}"), reverse=True))
    try:
        embedded = postgres.programs() / name
    except DidNotStartError:
        return
    if embedded.exists():
        yield str(embedded)


def _major_of(path: str) -> int | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return None
    match = _VERSION.search(done.stdout)
    return int(match[1]) if match else None


def _conninfo() -> str:
    """Without the password: everybody on this machine reads a command's arguments."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    given = connection.get_connection_params()
    return make_conninfo(**{name: value for name, value in given.items() if name in known - {"password"}})


def _environment() -> dict[str, str]:
    password = connection.get_connection_params().get("password")
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
