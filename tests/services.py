"""The servers that tests use, once a run each, started by the first test that asks; see `tests.environment`."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

from devserver import addresses
from devserver.postgres import Postgres, running_postgres
from devserver.s3 import S3Address, running_s3
from devserver.valkey import Valkey, running_valkey
from tests.generations.mirror.videos import mp4
from tests.sandbox_process import Sandbox, running_sandbox


@pytest.fixture(scope="session")
def var() -> Iterator[Path]:
    """The directory of this run, gone after it."""
    directory = addresses.var()
    directory.mkdir(parents=True)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres(var: Path) -> Iterator[Postgres]:
    """PostgreSQL at the settings' DATABASE_URL."""
    with running_postgres(var / "pg", durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def valkey(var: Path) -> Iterator[Valkey]:
    """Valkey at the settings' REDIS_URL."""
    with running_valkey(var / "valkey") as running:
        yield running


@pytest.fixture(scope="session")
def s3(var: Path) -> Iterator[S3Address]:
    """The bucket of the settings' storage."""
    with running_s3(var / "s3", addresses.s3_port()) as address:
        yield address


@pytest.fixture(scope="session")
def sandbox(var: Path) -> Iterator[Sandbox]:
    """The stand-in for fal at the settings' FAL_*_URL, with a short queue and a small clip instead of each video.

    To render five seconds in full size takes as many of a processor: see `rendering_sandbox`.
    """
    clip = var / "clip.mp4"
    clip.write_bytes(mp4(seconds=5))
    quick = {"SANDBOX_QUEUE_SECONDS": "0.2", "SANDBOX_RENDER_SECONDS": "0.2", "SANDBOX_CLIP": str(clip)}
    with running_sandbox(var / "sandbox", addresses.sandbox_port(), **quick) as running:
        yield running


@pytest.fixture
def rendering_sandbox(sandbox: Sandbox, var: Path) -> Iterator[Sandbox]:
    """The same, with a video of its own for each request, as it was asked for."""
    sandbox.restart(SANDBOX_CLIP="")
    yield sandbox
    sandbox.restart(SANDBOX_CLIP=str(var / "clip.mp4"))


@pytest.fixture
def slow_sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The same, rendering for longer than any test takes, however busy the machine is."""
    sandbox.restart(SANDBOX_RENDER_SECONDS="120")
    yield sandbox
    sandbox.restart(SANDBOX_RENDER_SECONDS="0.2")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: Postgres, valkey: Valkey, s3: S3Address) -> None:
    """pytest-django's hook before the first test that uses the database: what the studio needs is up then."""


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty tables row by row after a test that commits: few have rows, and TRUNCATE makes new files for each of sixty.

    No trigger fires meanwhile, so that neither order nor append-only tables matter. It locks no table either: a last
    request of a browser that is gone already can't come to a deadlock with it.
    """
    original = DatabaseOperations.sql_flush

    def delete_rows(
        self: DatabaseOperations,
        style: Any,
        tables: Sequence[str],
        *,
        reset_sequences: bool = False,
        allow_cascade: bool = False,
    ) -> list[str]:
        if reset_sequences:
            return original(self, style, tables, reset_sequences=True, allow_cascade=allow_cascade)
        deletes = [f"DELETE FROM {self.quote_name(table)}" for table in tables]
        return ["SET session_replication_role = replica", *deletes, "SET session_replication_role = DEFAULT"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", delete_rows)
        yield
