"""Another studio beside the tests' own: a database and a bucket of its own on the same servers, and the same fal."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from devserver import addresses
from devserver.s3 import S3Address
from generations import bucket

GIVE_UP_HOURS: Final = "0.001"  # so that what fal's list does not have is soon known not to be there


@dataclass(frozen=True)
class SecondStudio:
    name: str
    environment: dict[str, str]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._run("manage.py", *arguments)

    def drive(self) -> str:
        """Drive every row to its end, as worker and cron would; what came of them, as JSON."""
        done = self._run("-m", "tests.deploy.drive")
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-W", "ignore", *arguments]
        return subprocess.run(
            command, cwd=addresses.ROOT, env=self.environment, capture_output=True, text=True, check=False
        )


@contextmanager
def second_studio(name: str, s3: S3Address) -> Iterator[SecondStudio]:
    """Empty: not even a table."""
    place = sql.Identifier(name)
    with psycopg.connect(addresses.database_url(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(place))
        bucket.client().create_bucket(Bucket=name)
        yield SecondStudio(
            name,
            {
                **os.environ,
                "DATABASE_URL": url_of(name),
                "AWS_STORAGE_BUCKET_NAME": name,
                "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
                "AWS_ACCESS_KEY_ID": s3.access_key,
                "AWS_SECRET_ACCESS_KEY": s3.secret_key,
                "GENERATION_GIVE_UP_HOURS": GIVE_UP_HOURS,
                "MEDIA_DELIVERY": "proxy",
            },
        )
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(place))


def url_of(name: str) -> str:
    return addresses.database_url().replace("/postgres?", f"/{name}?")
