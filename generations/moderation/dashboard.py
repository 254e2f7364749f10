"""Figures for the admin's first page: what waits, what was decided, made and failed, and the studio's health."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Max, Min, Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from generations import bucket_check
from generations.billing.usage import Month
from generations.models import DRIVEN, Case, Cause, Decision, DecisionKind, Generation, Status

HOURS: Final = 24
MEDIAN_DAYS: Final = 30
APPEAL_DAYS: Final = 90
_OLDEST: Final = 5
_REASONS: Final = 8


@dataclass(frozen=True, slots=True)
class Hour:
    """How many were ordered in it; `height` in hundredths of the busiest hour."""

    at: datetime
    count: int
    height: float

    @property
    def top(self) -> float:
        return 100 - self.height


@dataclass(frozen=True, slots=True)
class Health:
    """`overdue` in seconds: how long the most patient row has been due, 0 when none is."""

    overdue: float
    last_webhook: datetime | None
    bucket_problem: str


class Median(Aggregate):
    """PostgreSQL's, over what was taken long or short."""

    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class Figures:
    """`median`: from the opening of a case to its decision. None when none was decided."""

    median: timedelta | None
    decided: int  # appeals
    overturned: int

    @property
    def overturned_percent(self) -> int:
        return round(100 * self.overturned / self.decided) if self.decided else 0


def open_cases() -> dict[str, Any]:
    """How many cases wait, and the oldest of them."""
    cases = Case.objects.open()
    oldest = cases.select_related("generation__user").order_by("opened_at", "pk")[:_OLDEST]
    return {"count": cases.count(), "oldest": list(oldest)}


def figures() -> Figures:
    """Of the last weeks, by indexes of what was closed and decided in them."""
    now = timezone.now()
    took = ExpressionWrapper(F("closed_at") - F("opened_at"), output_field=DurationField())
    closed = Case.objects.filter(closed_at__gte=now - timedelta(days=MEDIAN_DAYS)).order_by()
    appealed = Decision.objects.filter(at__gte=now - timedelta(days=APPEAL_DAYS), case__causes__contains=[Cause.APPEAL])
    back = Count("pk", filter=Q(kind=DecisionKind.RESTORE))
    appeals = appealed.order_by().aggregate(decided=Count("pk"), overturned=back)
    return Figures(closed.aggregate(median=Median(took))["median"], **appeals)


def decisions_today() -> list[tuple[str, int]]:
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    found = Decision.objects.filter(at__gte=today).order_by().values("kind").annotate(n=Count("pk"))
    return [(str(DecisionKind(row["kind"]).label), row["n"]) for row in sorted(found, key=lambda row: -row["n"])]


def orders_by_hour() -> list[Hour]:
    """What was ordered in each of the last 24 hours, the latest last."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    rows = Generation.objects.filter(created_at__gte=hours[0]).order_by()
    found = dict(rows.annotate(hour=TruncHour("created_at")).values_list("hour").annotate(n=Count("pk")))
    counts = [found.get(hour, 0) for hour in hours]
    most = max(counts) or 1
    return [Hour(hour, count, count * 100 / most) for hour, count in zip(hours, counts, strict=True)]


def failures() -> list[tuple[str, int]]:
    """Why requests failed in the last 24 hours, the most frequent first."""
    since = timezone.now() - timedelta(hours=HOURS)
    rows = Generation.objects.filter(status=Status.FAILED, finished_at__gte=since).order_by()
    return list(rows.values_list("reason").annotate(n=Count("pk")).order_by("-n", "reason")[:_REASONS])


def spend() -> dict[str, int]:
    """In US cents, held money included."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    month = Month.now().rows(Generation.objects.order_by())
    rows = {"today": Generation.objects.filter(created_at__gte=today).order_by(), "month": month}
    return {name: each.aggregate(cents=Sum("cost_cents", default=0))["cents"] for name, each in rows.items()}


def health() -> Health:
    now = timezone.now()
    due = Generation.objects.filter(status__in=sorted(DRIVEN), due_at__lt=now, lease_until=None).order_by()
    first = due.aggregate(at=Min("due_at"))["at"]
    recent = Generation.objects.filter(created_at__gte=now - timedelta(days=7)).order_by()
    last_webhook = recent.aggregate(at=Max("webhook_received_at"))["at"]
    overdue = (now - first).total_seconds() if first else 0
    return Health(overdue, last_webhook, bucket_check.known_problem())
