"""Is the process up, and can it do its work? Both without sign-in, for machines that watch."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations import bucket
from generations.fal.answers import RequestUrls
from generations.fal.client import FalClient
from generations.fal.errors import NotFound
from generations.models import Generation, SubmitPause
from generations.pipeline import fal_config

COPY_OVERDUE: Final = timedelta(hours=1)
_PATIENCE: Final = httpx.Timeout(5.0)


class NotReadyError(Exception):
    """Everything answers, and still the studio cannot do its work; str() says why."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all answer, else 503; the body says of each what is wrong."""
    found = {name: _try(check) for name, check in _CHECKS.items()}
    if found["database"] == "ok":
        found |= {name: _try(check) for name, check in _ROW_CHECKS.items()}
    is_ready = all(answer == "ok" for answer in found.values())
    return JsonResponse({"ready": is_ready, "checks": found}, status=200 if is_ready else 503)


def _try(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:
        name = "" if isinstance(error, NotReadyError) else f"{type(error).__name__}: "
        return f"{name}{error}".strip()[:300]
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5).ping()


def _fal() -> None:
    """Ask for a request that cannot exist: a good key gets 404, a bad one 401, and neither costs anything."""
    with FalClient(fal_config(), timeout=_PATIENCE) as fal:
        try:
            fal.status(RequestUrls.for_id(fal.config, str(uuid.UUID(int=0))))
        except NotFound:
            return


def _submitting() -> None:
    if pause := SubmitPause.objects.current():
        raise NotReadyError(f"nothing is sent to fal since {pause.since:%Y-%m-%d %H:%M} UTC: {pause.message}")


def _copies() -> None:
    if overdue := Generation.objects.not_home(timezone.now() - COPY_OVERDUE).count():
        raise NotReadyError(f"{overdue} finished videos are not in the bucket after an hour")


_CHECKS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "redis": _redis,
    "bucket": bucket.check,
    "fal": _fal,
}
_ROW_CHECKS: Final[dict[str, Callable[[], None]]] = {"submitting": _submitting, "copies": _copies}
