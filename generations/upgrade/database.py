"""From which version the database comes, what holds its tables, and whether the servers are new enough."""

import platform
import sys
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from redis import Redis
from redis.exceptions import RedisError

from config.migrations import known_migrations
from config.version import VERSION
from generations.doctor.outcome import Outcome, failed, ok, warning

MIN_PYTHON: Final = (3, 11)
MIN_REDIS: Final = (5, 0)
LONG_TRANSACTION: Final = 60  # s

_SQUASHED: Final = (("accounts", "0001_squashed_0_1"), ("generations", "0001_squashed_0_1"))
_FIRST_STEP: Final = "059eca1"  # the last commit with the migrations of 0.1


def known_version() -> Outcome:
    """Nothing newer than this code, and nothing so old that its migrations are not here any more."""
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    ours = {key for key in applied if key[0] in {"accounts", "generations"}}
    if unknown := sorted(ours - known_migrations(loader)):
        return failed(
            f"The database is newer than this code ({VERSION}): it has {'.'.join(unknown[0])}.",
            "Use the newer code. There is no way back but a backup of before.",
        )
    if not ours:
        return ok(f"An empty database, for version {VERSION}.")
    if missing := [key for key in _SQUASHED if key not in applied]:
        return failed(
            f"The database is of version 0.1: {'.'.join(missing[0])} is not whole.",
            f"First run the commit {_FIRST_STEP}, which has the last migrations of 0.1; then upgrade.",
        )
    return ok(f"From 0.2.0 or newer, to {VERSION}.")


def long_transactions() -> Outcome:
    """A table's lock waits for the oldest transaction, and everybody else waits behind it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::int FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        (seconds,) = cursor.fetchone()
    if seconds >= LONG_TRANSACTION:
        return warning(
            f"A transaction has been open for {seconds:,} s. A migration would wait for it, and all others behind.",
            "Wait for it to end, or end it: see pg_stat_activity. Migrate with PGOPTIONS='-c lock_timeout=10s'.",
        )
    return ok("No transaction is open for long.")


def redis_version() -> Outcome:
    try:
        answer: Any = Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5).info("server")
    except (RedisError, ValueError, OSError) as error:
        return failed(f"Redis does not answer: {error}", "See `manage.py doctor`.")
    return judge_redis(str(answer.get("redis_version", "")), str(answer.get("valkey_version", "")))


def judge_redis(redis: str, valkey: str) -> Outcome:
    """Valkey says which Redis it is compatible with."""
    name = f"Valkey {valkey}" if valkey else f"Redis {redis}"
    if tuple(int(part) for part in redis.split(".")[:2] if part.isdecimal()) < MIN_REDIS:
        return failed(f"{name} is too old.", "Upgrade to Redis 5, Valkey, or newer.")
    return ok(name)


def python_version() -> Outcome:
    return judge_python(sys.version_info[:2], platform.python_version())


def judge_python(found: tuple[int, int], version: str) -> Outcome:
    if found < MIN_PYTHON:
        return failed(f"Python {version} is too old.", "Use Python 3.11 or newer.")
    return ok(f"Python {version}")
