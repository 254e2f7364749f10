"""Read fields of JSON that may hold anything: each returns the value in the wanted type, or None. Never raises."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Final

import httpx

MAX_TEXT: Final = 4000  # characters of fal's words that we keep
MAX_ADDRESS: Final = 2000  # characters

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL takes neither NUL nor half a character


def json_object(response: httpx.Response) -> Mapping[str, Any] | None:
    """The body if it is a JSON object. A deep nest of brackets is a RecursionError, which is no answer either."""
    try:
        value = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """A string that isn't blank, without what a database can't store."""
    if not isinstance(value, str) or not value.strip():
        return None
    return _UNSTORABLE.sub("", value)[:MAX_TEXT]


def integer(value: object, *, below: int = 2**63) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below else None


def number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e15:
        return None
    return float(value) if isfinite(value) else None


def amount(value: str | None) -> Decimal | None:
    """A header's number, such as X-Fal-Billable-Units, exactly as written."""
    try:
        parsed = Decimal(value or "")
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() and 0 <= parsed < 10**8 else None


def timestamp(value: object) -> datetime | None:
    """An ISO 8601 time; one without a zone is taken as UTC, in which fal keeps its times."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return parsed and (parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def web_address(value: object) -> str | None:
    """An http(s) address with a host, of a length that we can keep. Whether it may be fetched is for `fetch` to say."""
    if not isinstance(value, str) or len(value) > MAX_ADDRESS:
        return None
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, ValueError):
        return None
    return value if url.scheme in {"http", "https"} and url.raw_host else None
