"""Addresses of this checkout's embedded servers: derived, so that every process finds the running ones."""

import os
from pathlib import Path

from devserver import postgres, valkey
from devserver.s3 import HOST, S3Address, address

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_PORT = 8000


def var() -> Path:
    """The directory of all that this copy keeps: VAR_DIR, or `var` in the project."""
    return Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()


def port() -> int:
    """The studio's own port: PORT, or the one that a running launcher wrote down. The others follow it."""
    named = os.environ.get("PORT")
    written = var() / "port"
    if not named and written.exists():
        named = written.read_text()
    if named and not named.strip().isdecimal():
        raise ValueError(f"PORT is {named!r}; it has to be a number, such as 9000.")
    return int(named) if named else DEFAULT_PORT


def sandbox_port() -> int:
    """Where the stand-in for fal listens."""
    return port() + 1


def s3_port() -> int:
    """Where the embedded S3 server listens; the ports behind it are this one and those after it."""
    return port() + 2


def database_url() -> str:
    """The default of DATABASE_URL."""
    return postgres.url(var() / "pg")


def redis_url() -> str:
    """The default of REDIS_URL."""
    return valkey.url(var() / "valkey")


def s3_address() -> S3Address:
    """The defaults of the AWS_* names."""
    return address(s3_port())


def sandbox_url() -> str:
    """The default of the FAL_*_URL names while there is no FAL_KEY."""
    return f"http://{HOST}:{sandbox_port()}"
