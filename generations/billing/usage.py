"""What a team has spent in a month, by day, by member and by kind: every figure is a sum over rows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, Self

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts.models import Team, User
from generations.models import OPEN, TERMINAL, Generation
from generations.models.generation_queryset import GenerationQuerySet

_SPENT = Sum("cost_cents", filter=Q(status__in=TERMINAL), default=0)
_RESERVED = Sum("cost_cents", filter=Q(status__in=OPEN), default=0)
_FREE = Count("pk", filter=Q(status__in=TERMINAL, cost_cents=0))


class Month(NamedTuple):
    """A month where the studio is, by settings.TIME_ZONE."""

    year: int
    number: int

    @classmethod
    def now(cls) -> Self:
        today = timezone.localdate(timezone=timezone.get_default_timezone())
        return cls(today.year, today.month)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2026-11`. Raises ValueError."""
        named = date.fromisoformat(f"{text}-01")
        if not date.min.year < named.year < date.max.year:  # the months beside it have to be months too
            raise ValueError(text)
        return cls(named.year, named.month)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02}"

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    def plus(self, months: int) -> "Month":
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

    @property
    def days(self) -> list[date]:
        count = (self.plus(1).first - self.first).days
        return [self.first + timedelta(days=number) for number in range(count)]

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return timezone.make_aware(datetime.combine(self.first, time.min), timezone.get_default_timezone())

    def rows(self, rows: GenerationQuerySet) -> GenerationQuerySet:
        """Those that were ordered in it."""
        return rows.filter(created_at__gte=self.begin, created_at__lt=self.plus(1).begin)


@dataclass(frozen=True, slots=True)
class Subtotal:
    """A part of the whole, in US cents and requests; `free` ended without a charge."""

    key: Any
    spent: int = 0
    reserved: int = 0
    count: int = 0
    free: int = 0

    @property
    def cents(self) -> int:
        return self.spent + self.reserved


@dataclass(frozen=True, slots=True)
class Usage:
    """A month of a team, or of one member in it; `limit` is None where there is none."""

    total: Subtotal
    days: list[Subtotal]
    members: list[Subtotal]
    kinds: list[Subtotal]
    limit: int | None

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.total.cents, 0)


def usage(team: Team, month: Month, member: User | None = None) -> Usage:
    """Of everybody in the team, or of one member alone. What was deleted counts: it was spent."""
    rows = Generation.objects.filter(team=team)
    return usage_of_rows(rows.filter(user=member) if member else rows, month, _limit(team, member))


def usage_of_rows(rows: GenerationQuerySet, month: Month, limit: int | None) -> Usage:
    """Of those that were ordered in the month."""
    rows = month.rows(rows).order_by()
    by_day = {share.key: share for share in _subtotals(rows.annotate(day=_day()), "day")}
    return Usage(
        total=_sum(by_day.values()),
        days=[by_day.get(day, Subtotal(day)) for day in month.days],
        members=_members(rows),
        kinds=sorted(_subtotals(rows, "endpoint", "duration"), key=lambda share: -share.cents),
        limit=limit,
    )


def _day() -> TruncDate:
    return TruncDate("created_at", tzinfo=timezone.get_default_timezone())


def _sum(shares: Iterable[Subtotal]) -> Subtotal:
    parts = list(shares)
    names = ("spent", "reserved", "count", "free")
    return Subtotal("", **{name: sum(getattr(part, name) for part in parts) for name in names})


def _subtotals(rows: GenerationQuerySet, *by: str) -> list[Subtotal]:
    found = rows.values(*by).annotate(spent=_SPENT, reserved=_RESERVED, count=Count("pk"), free=_FREE)
    return [Subtotal(_key([row.pop(name) for name in by]), **row) for row in map(dict, found)]


def _key(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _members(rows: GenerationQuerySet) -> list[Subtotal]:
    """By the people instead of their keys, who spent most first."""
    shares = _subtotals(rows, "user", "user__name", "user__email")
    named = [replace(share, key=User(pk=share.key[0], name=share.key[1], email=share.key[2])) for share in shares]
    return sorted(named, key=lambda share: (-share.cents, str(share.key)))


def _limit(team: Team, member: User | None) -> int | None:
    if member is None:
        return team.monthly_limit_cents
    own = team.memberships.filter(user=member).first()
    return own.effective_limit_cents if own else None
