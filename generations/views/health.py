"""Health checks without sign-in: is the process up, and can it do its work?"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import redis
from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.monitoring import may_monitor
from generations.bucket_check import check_bucket
from generations.doctor import self_test
from generations.doctor.self_test import RequestReport
from generations.fal_account import check_key
from generations.models import Generation, SubmitPause

COPY_OVERDUE: Final = timedelta(hours=1)
READY_CACHE_SECONDS: Final = (
    5.0  # s that an answer stands; however often somebody asks, fal and the bucket are not asked more
)
NOT_READY_CACHE_SECONDS: Final = 1.0  # s; a start waits for the first good answer


class NotReadyError(Exception):
    """Everything answers, and still the studio cannot do its work; str() says why."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each check found, `ok` or what is wrong, and until when (of the monotonic clock) that stands."""

    checks: dict[str, str]
    until: float

    @property
    def is_ready(self) -> bool:
        return all(answer == "ok" for answer in self.checks.values())


class ReadinessCache:
    """The last answer of this process. While one thread asks anew, the others are given the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Readiness | None = None

    def current(self) -> Readiness:
        last = self._last
        if last and time.monotonic() < last.until:
            return last
        if not self._lock.acquire(blocking=last is None):
            assert last
            return last
        try:
            return self._refresh(last)
        finally:
            self._lock.release()

    def _refresh(self, known: Readiness | None) -> Readiness:
        """Asks, unless another thread has while we waited for it."""
        if self._last is None or self._last is known:
            checks = _run_checks()
            seconds = READY_CACHE_SECONDS if set(checks.values()) == {"ok"} else NOT_READY_CACHE_SECONDS
            self._last = Readiness(checks, time.monotonic() + seconds)
        return self._last

    def clear(self) -> None:
        self._last = None


readiness_cache: Final = ReadinessCache()


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all answer, else 503; what is wrong is said only to this machine or with METRICS_TOKEN."""
    found = readiness_cache.current()
    details = {"checks": found.checks} if may_monitor(request) else {}
    return JsonResponse({"ready": found.is_ready, **details}, status=200 if found.is_ready else 503)


@require_safe
def describe_request(request: HttpRequest) -> HttpResponse:
    """How a request that `manage.py doctor` has signed looks behind the proxies; nothing for anybody else."""
    nonce = self_test.nonce_of(request.GET.get("token", ""))
    if nonce is None:
        raise Http404
    return HttpResponse(self_test.seal(RequestReport.of(request, nonce)), content_type="text/plain")


def _run_checks() -> dict[str, str]:
    found = {name: _run_check(check) for name, check in _CHECKS.items()}
    if found["database"] == "ok":
        found |= {name: _run_check(check) for name, check in _ROW_CHECKS.items()}
    return found


def _run_check(check: Callable[[], None]) -> str:
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


def _submitting() -> None:
    if pause := SubmitPause.objects.current():
        raise NotReadyError(f"nothing is sent to fal since {pause.since:%Y-%m-%d %H:%M} UTC: {pause.message}")


def _copies() -> None:
    if overdue := Generation.objects.copy_pending(timezone.now() - COPY_OVERDUE).count():
        raise NotReadyError(f"{overdue} finished videos are not in the bucket after an hour")


_CHECKS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "redis": _redis,
    "bucket": check_bucket,
    "fal": check_key,
}
_ROW_CHECKS: Final[dict[str, Callable[[], None]]] = {"submitting": _submitting, "copies": _copies}
