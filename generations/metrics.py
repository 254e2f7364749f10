"""What the database and Redis tell about the studio, asked at each scrape: true for any number of processes.

Every question is answered by an index, of what is open or of the newest rows, also among a million rows. A part that
can't be read is left out, and `kling_studio_collected` says so.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import product
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from config import metrics
from generations import tasks
from generations.billing.usage import Month
from generations.fal.arguments import Endpoint
from generations.models import AT_FAL, DRIVEN, OPEN, Generation, Notification, Status, SubmitPause, TeamPause
from generations.models.price import DURATION_CHOICES
from generations.pipeline import manual_resolution
from generations.pipeline.lost_answers import LOST_REASONS

logger = logging.getLogger(__name__)

MAX_TEAMS: Final = 20  # with the longest queues; what all have together is told by state
_NEWEST: Final = 50  # videos of each kind
_STATEMENT_TIMEOUT: Final = "5s"


def render() -> bytes:
    """All of it, behind what the processes have counted."""
    registry = CollectorRegistry()
    registry.register(StudioCollector())
    return metrics.render() + generate_latest(registry)


class StudioCollector(Collector):
    def describe(self) -> list[Metric]:
        """Nothing is asked before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _settings()
        yield from _processes()
        was_read = _gauge("collected", "1 when this part of the database could be read.", ["part"])
        for part, read in _PARTS.items():
            found = _read(part, read)
            was_read.add_metric([part], found is not None)
            yield from found or []
        yield was_read


def _read(part: str, read: Callable[[], Iterator[Metric]]) -> list[Metric] | None:
    try:
        with _time_limit():
            return list(read())
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The metrics of %s can't be read: %s", part, error)
        return None


@contextmanager
def _time_limit() -> Iterator[None]:
    """Who watches must not be a load."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_STATEMENT_TIMEOUT])
        yield


def _settings() -> Iterator[Metric]:
    yield _value("fal_max_running", "How many requests may be at fal at a time.", settings.FAL_MAX_RUNNING)
    yield _value("webhooks_expected", "1 when fal is told where to call.", bool(settings.PUBLIC_URL))


def _processes() -> Iterator[Metric]:
    """Without a sample when Redis can't be asked."""
    yield _value("workers", "Workers that are alive.", tasks.workers())
    yield _value("schedulers", "Cron processes that are alive.", tasks.schedulers())


def _states() -> Iterator[Metric]:
    by_state = {row["status"]: row for row in _open_rows()}
    count = _gauge("generations", "Requests that have not ended, by state.", ["state"])
    oldest = _gauge(
        "oldest_due_seconds",
        "For how long the most patient request of this state has been due, and no worker has it.",
        ["state"],
    )
    for status in sorted(OPEN):
        count.add_metric([status], by_state.get(status, {}).get("count", 0))
    for status in sorted(DRIVEN):
        oldest.add_metric([status], _seconds_since(by_state.get(status, {}).get("oldest")))
    yield count
    yield oldest
    at_fal = sum(by_state.get(status, {}).get("count", 0) for status in AT_FAL)
    yield _value("at_fal", "Requests that fal has.", at_fal)
    lost = sum(row.get("lost", 0) for row in by_state.values())
    yield _value("lost_answers", "Requests whose answer was lost, and which are looked for at fal.", lost)


def _open_rows() -> list[Mapping[str, Any]]:
    now = timezone.now()
    paused = list(TeamPause.objects.active().values_list("team", flat=True))
    is_free = Q(lease_until=None) | Q(lease_until__lt=now)
    waits = is_free & Q(due_at__lte=now) & ~Q(status=Status.QUEUED, team__in=paused)
    driven = Generation.objects.filter(status__in=sorted(DRIVEN), due_at__isnull=False).order_by().values("status")
    found = driven.annotate(
        count=Count("pk"), oldest=Min("due_at", filter=waits), lost=Count("pk", filter=Q(reason__in=LOST_REASONS))
    )
    held = Generation.objects.filter(status=Status.HELD).count()
    return [*found, {"status": Status.HELD, "count": held}]


def _attention() -> Iterator[Metric]:
    needs = Generation.objects.filter(manual_resolution.NEEDS_ATTENTION).count()
    yield _value("needs_attention", "Requests that need a person.", needs)
    overdue = manual_resolution.overdue_copies().count()
    yield _value("copies_overdue", "Videos that are not in the bucket an hour after they were made.", overdue)


def _pause() -> Iterator[Metric]:
    """At most one, so that a rule can name the reason."""
    gauge = _gauge("submit_paused_seconds", "For how long nothing has been sent to fal, by why.", ["reason"])
    if pause := SubmitPause.objects.current():
        gauge.add_metric([pause.reason], _seconds_since(pause.since))
    yield gauge


def _webhook() -> Iterator[Metric]:
    """Among what is on its way and the newest videos: there is no index of it, which each move would have to write."""
    kinds = product(Endpoint, (seconds for seconds, _ in DURATION_CHOICES))
    seen = [
        moment
        for endpoint, duration in kinds
        for moment in Generation.objects.filter(endpoint=endpoint, duration=duration, status=Status.DONE)
        .order_by("-finished_at")
        .values_list("webhook_received_at", flat=True)[:_NEWEST]
    ]
    driven = Generation.objects.filter(status__in=sorted(DRIVEN), due_at__isnull=False).order_by()
    seen.append(driven.aggregate(at=Max("webhook_received_at"))["at"])
    last = max(filter(None, seen), default=None)
    yield _value(
        "webhook_last_seen_timestamp_seconds",
        "When fal last called, in seconds since 1970.",
        last.timestamp() if last else None,
    )


def _spend() -> Iterator[Metric]:
    cents = Month.now().rows(Generation.objects.order_by()).aggregate(cents=Sum("cost_cents", default=0))["cents"]
    yield _value("month_cost_cents", "Spent and reserved in this month, in US cents.", cents)


def _queues() -> Iterator[Metric]:
    gauge = _gauge("team_queued", f"Requests that wait to be sent, of the {MAX_TEAMS} longest queues.", ["team"])
    queued = Generation.objects.filter(status=Status.QUEUED).order_by().values_list("team__slug")
    for slug, count in queued.annotate(count=Count("pk")).order_by("-count", "team__slug")[:MAX_TEAMS]:
        gauge.add_metric([slug], count)
    yield gauge


def _mails() -> Iterator[Metric]:
    unsent = Notification.objects.filter(email_due_at__isnull=False, email_attempts__gt=0).count()
    yield _value("mails_unsent", "Mails that could not be sent, and are tried again.", unsent)


_PARTS: Final[dict[str, Callable[[], Iterator[Metric]]]] = {
    "states": _states,
    "attention": _attention,
    "pause": _pause,
    "webhook": _webhook,
    "spend": _spend,
    "queues": _queues,
    "mails": _mails,
}


def _seconds_since(moment: datetime | None) -> float:
    return (timezone.now() - moment).total_seconds() if moment else 0.0


def _gauge(name: str, meaning: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"kling_studio_{name}", meaning, labels=labels)


def _value(name: str, meaning: str, value: float | None) -> GaugeMetricFamily:
    """Without a sample when it isn't known."""
    gauge = _gauge(name, meaning, [])
    if value is not None:
        gauge.add_metric([], value)
    return gauge
