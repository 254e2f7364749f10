"""`python -m config.wait database redis`: wait until they answer, so that processes may start in any order.

`postgres` is ready when it answers, `database` once its migrations are applied as well. Names what is not ready within
a minute, and exits with 1.
"""

import sys
import time
import warnings
from collections.abc import Callable

import django
import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils.log import configure_logging

from config.migrations import are_all_applied, unapplied_migrations
from config.start import load_settings

SECONDS = 60


def check_postgres() -> str:
    """Empty when PostgreSQL answers, else why not."""
    try:
        connection.ensure_connection()
    except django.db.Error as error:
        return f"does not answer: {error}"
    return ""


def check_migrations() -> str:
    """Empty when every migration is applied, else what is missing."""
    try:
        if are_all_applied():
            return ""
        if not apps.ready:
            django.setup()
        missing = unapplied_migrations()
    except django.db.Error as error:
        connection.close()
        return f"does not answer: {error}"
    return f"waits for `manage.py migrate`: {len(missing)} migrations are not applied" if missing else ""


def check_redis() -> str:
    """Empty when Redis answers, else why not."""
    try:
        redis.from_url(settings.REDIS_URL, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        return f"does not answer: {error}"
    return ""


CHECKS: dict[str, Callable[[], str]] = {"postgres": check_postgres, "database": check_migrations, "redis": check_redis}


def wait(name: str, deadline: float) -> str:
    """Ask until it is there, or until the deadline; returns what is missing then."""
    while missing := CHECKS[name]():
        if time.monotonic() > deadline:
            return missing
        time.sleep(0.5)
    return ""


def main(names: list[str]) -> int:
    """Wait for each of these; the minute is for all of them together."""
    load_settings()
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    # that no application is loaded yet is intended: it would take each process that waits a second of the processor
    warnings.filterwarnings("ignore", "Accessing the database during app initialization", RuntimeWarning)
    deadline = time.monotonic() + SECONDS
    for name in names:
        if missing := wait(name, deadline):
            print(f"The {name} {missing.strip()}", file=sys.stderr)  # noqa: T201  a command's last words
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
