"""How often a key may ask, told by each answer (draft-ietf-httpapi-ratelimit-headers)."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from api.models import Key, KeyMinute
from api.v1.problems import ProblemError

WINDOW: Final = 60  # seconds
_STATE: Final = "api.v1.limit"  # in request.META
_COUNT: Final = f"""
INSERT INTO {KeyMinute._meta.db_table} AS known (key_id, began_at, count) VALUES (%s, clock_timestamp(), 1)
ON CONFLICT (key_id) DO UPDATE SET
    count = CASE WHEN known.began_at > EXCLUDED.began_at - interval '{WINDOW} seconds' THEN known.count + 1 ELSE 1 END,
    began_at = CASE WHEN known.began_at > EXCLUDED.began_at - interval '{WINDOW} seconds'
        THEN known.began_at ELSE EXCLUDED.began_at END
RETURNING count, ceil({WINDOW} - extract(epoch FROM clock_timestamp() - began_at))::int
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key has asked in its present minute, and in how many seconds that ends."""

    most: int
    count: int
    seconds: int

    def headers(self) -> dict[str, str]:
        left = max(self.most - self.count, 0)
        return {
            "RateLimit-Policy": f'"key";q={self.most};w={WINDOW}',
            "RateLimit": f'"key";r={left};t={self.seconds}',
        }


def spend(request: HttpRequest, key: Key) -> None:
    """Count one request of the key. Raises ProblemError when it has none left."""
    most = settings.API_REQUESTS_PER_MINUTE
    if not most:
        return
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key.pk])
        count, seconds = cursor.fetchone()
    spent = Spent(most, count, max(seconds, 1))
    request.META[_STATE] = spent
    if count > most:
        words = _("This key has asked %(most)d times within a minute. Wait %(seconds)d seconds.")
        detail = words % {"most": most, "seconds": spent.seconds}
        raise ProblemError(429, detail, kind="too-many-requests", headers={"Retry-After": str(spent.seconds)})


def add_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    spent = request.META.get(_STATE)
    if isinstance(spent, Spent):
        for name, value in spent.headers().items():
            response.headers[name] = value
