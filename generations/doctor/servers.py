"""The servers that the studio needs: do they answer, and may it do there what it has to?"""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from config.migrations import unapplied_migrations
from generations import bucket as storage
from generations.bucket_check import BucketCheckError, try_bucket
from generations.doctor.outcome import Outcome, failed, ok, warning
from generations.fal.client import LOOPBACK
from generations.fal.errors import AccountLocked, FalError, KeyRefused
from generations.fal_account import check_key

MIN_POSTGRESQL: Final = 140000  # as `server_version_num` has it
MAX_SKEW: Final = 240.0  # s; a webhook that is five minutes off is not believed
NOTABLE_SKEW: Final = 20.0  # s; to find a lost request allows for half a minute
_TIMEOUT: Final = httpx.Timeout(10)
_SHOWN: Final = 5  # names in a message

_TABLE_RIGHTS: Final = """
SELECT DISTINCT relname FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT has_table_privilege(pg_class.oid, wanted)
ORDER BY 1
"""


def database() -> Outcome:
    try:
        ((number, version),) = _rows(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
        )
    except (DatabaseError, InterfaceError) as error:
        return failed(
            _one_line(error), "Start PostgreSQL 14 or newer, or set DATABASE_URL to one that this machine reaches."
        )
    return judge_version(number, version)


def judge_version(number: int, version: str) -> Outcome:
    """`number` as `server_version_num`."""
    if number < MIN_POSTGRESQL:
        return failed(f"PostgreSQL {version} is too old.", "Upgrade it to PostgreSQL 14 or newer.")
    return ok(f"PostgreSQL {version}")


def database_rights() -> Outcome:
    lacking = [name for (name,) in _rows(_TABLE_RIGHTS)]
    user = connection.settings_dict["USER"] or "the user of DATABASE_URL"
    if lacking:
        grants = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
        return failed(f"No full access to {_names(lacking)}.", f"As the tables' owner: {grants} TO {user}.")
    ((may_create,),) = _rows("SELECT has_schema_privilege(current_schema(), 'CREATE')")
    if not may_create:
        return warning("May read and write, and make no tables.", "Run `manage.py migrate` as a role that may.")
    return ok("May read, write and migrate.")


def migrations() -> Outcome:
    if missing := [str(migration) for migration in unapplied_migrations()]:
        return failed(f"{len(missing)} not applied: {_names(missing)}.", "Run `python manage.py migrate`.")
    return ok("All applied.")


def redis() -> Outcome:
    try:
        Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5).ping()
    except (AuthenticationError, NoPermissionError) as error:
        return failed(
            _one_line(error), "Put the right user and password into REDIS_URL: redis://user:password@host:6379."
        )
    except (RedisError, ValueError, OSError) as error:
        return failed(
            _one_line(error), "Start Redis or Valkey, or set REDIS_URL. Nothing is lost meanwhile, but nothing moves."
        )
    return ok("Answers.")


def bucket() -> Outcome:
    """By the way of copies: presigned PUT, HEAD, Range GET, DELETE of a small object."""
    try:
        try_bucket()
    except BucketCheckError as error:
        return failed(
            _one_line(error), "Until the bucket takes and gives objects, no video is kept: AWS_… in docs/configure.md."
        )
    return ok(f"{storage.name()} takes, gives and deletes objects.")


def fal_key() -> Outcome:
    try:
        check_key()
    except KeyRefused as error:
        return failed(_one_line(error), "Make a key with the API scope at fal.ai/dashboard/keys, and set FAL_KEY.")
    except AccountLocked as error:
        return failed(_one_line(error), "Top the balance up at fal.ai/dashboard/billing, or ask fal.")
    except FalError as error:
        return failed(
            _one_line(error), f"Let this machine reach {settings.FAL_QUEUE_URL}: its name, firewall and HTTPS_PROXY."
        )
    if settings.FAL_IS_SANDBOX and not settings.DEBUG:
        return warning("The sandbox stands in for fal: videos are test pictures.", "Set FAL_KEY for real ones.")
    return ok("The sandbox answers." if settings.FAL_IS_SANDBOX else "fal takes the key.")


def clock() -> Outcome:
    """Against the clocks of fal and the bucket, and the database's."""
    skews = dict(_skews())
    if not skews:
        return warning("No other clock answers.", "Keep this machine's clock right by NTP.")
    server, skew = max(skews.items(), key=lambda item: abs(item[1]))
    return judge_skew(server, skew)


def judge_skew(server: str, skew: float) -> Outcome:
    """`skew` in seconds: how far this machine is ahead of the server."""
    told = f"This machine is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {server}."
    advice = "Set its clock by NTP, such as `timedatectl set-ntp true`; in a container, the host's."
    if abs(skew) >= MAX_SKEW:
        return failed(told, f"{advice} Webhooks and presigned addresses are refused like this.")
    if abs(skew) >= NOTABLE_SKEW:
        return warning(told, advice)
    return ok(f"Within {abs(skew):.0f} s of {server}.")


def _skews() -> Iterator[tuple[str, float]]:
    for name, url in (("fal", settings.FAL_QUEUE_URL), ("the bucket", storage.client().meta.endpoint_url)):
        if (skew := _skew_of(url)) is not None:
            yield name, skew
    try:
        ((now,),) = _rows("SELECT extract(epoch FROM clock_timestamp())::float8")
    except (DatabaseError, InterfaceError):
        return
    yield "the database", time.time() - now


def _skew_of(url: str) -> float | None:
    """By the Date header of whatever it answers, which has whole seconds; None when it doesn't answer."""
    try:
        with httpx.Client(mounts=dict.fromkeys(LOOPBACK), timeout=_TIMEOUT) as http:
            asked = time.time()
            answer = http.get(url)
            between = (asked + time.time()) / 2
        return between - parsedate_to_datetime(answer.headers["Date"]).timestamp() - 0.5
    except (httpx.HTTPError, KeyError, ValueError):
        return None


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:300]
