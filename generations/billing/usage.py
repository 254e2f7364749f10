"""What a team has spent in a month, by day, by member and by what it was for: every figure is a sum over rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Self

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from config.parameters import whole_number
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


def number(key: str) -> int:
    """Raises ValueError."""
    if not (found := whole_number(key)):
        raise ValueError(key)
    return found


class Name(NamedTuple):
    """Of a project, a client, a tag or a key: how a filter names it, and how people do. Without a key: of none."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """A way to divide a month. `columns` name a request's part: the first one to filter by, the last one for people."""

    name: str
    title: str | Promise
    columns: tuple[str, ...]
    none: str | Promise  # what has none
    parse: Callable[[str], Any] = number  # raises ValueError
    is_single: bool = True  # a request is of one at most, so that the parts add up

    def name_of(self, group: dict[str, Any]) -> Name:
        key = group[self.columns[0]]
        return Name(str(key), str(group[self.columns[-1]])) if key else Name("", str(self.none))

    def narrow(self, rows: GenerationQuerySet, key: str) -> GenerationQuerySet:
        """The requests of the part, or those of none. Raises ValueError for what can't be a key."""
        column = self.columns[0]
        if key:
            return rows.filter(**{column: self.parse(key)})
        is_text = len(self.columns) == 1
        return rows.filter(Q(**{column: None}) | Q(**{column: ""}) if is_text else Q(**{column: None}))


def _text(key: str) -> str:
    if "\0" in key:  # PostgreSQL keeps none
        raise ValueError(key)
    return key


_TAGS: Final = Part("tag", _("By tag"), ("tags", "tags__name"), _("No tag"), is_single=False)
_parts: Final = [
    Part("project", _("By project"), ("billed_project", "billed_project__name"), _("No project")),
    Part("client", _("By client"), ("billed_project__client",), _("No client"), _text),
    _TAGS,
]


def add_part(part: Part) -> None:
    """For an app that knows this one, and what of its own a request belongs to."""
    _parts.append(part)


def parts() -> tuple[Part, ...]:
    return tuple(_parts)


@dataclass(frozen=True, slots=True)
class Usage:
    """A month of a team, or of one member in it; `limit` is None where there is none.

    `parts` are by the names of `parts()`, with a `Name` as key each. A request with two tags counts for both.
    """

    total: Subtotal
    days: list[Subtotal]
    members: list[Subtotal]
    kinds: list[Subtotal]
    limit: int | None
    parts: dict[str, list[Subtotal]] = field(default_factory=dict)

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(self.limit - self.total.cents, 0)


def usage(team: Team, month: Month, member: User | None = None) -> Usage:
    """Of everybody in the team, or of one member alone. What was deleted counts: it was spent."""
    rows = Generation.objects.filter(team=team)
    return usage_of_rows(rows.filter(user=member) if member else rows, month, _limit(team, member))


def usage_of_rows(rows: GenerationQuerySet, month: Month, limit: int | None) -> Usage:
    """Of those that were ordered in the month. Three queries, whatever it is divided by."""
    rows = month.rows(rows).order_by()
    by_day = {share.key: share for share in _sum_by(_groups(rows.annotate(day=_day()), "day"), lambda one: one["day"])}
    groups = _groups(rows, *_MEMBER, *_KIND, *(column for part in _parts if part.is_single for column in part.columns))
    tagged = _groups(rows.exclude(tags=None), *_TAGS.columns)
    return Usage(
        total=_sum("", by_day.values()),
        days=[by_day.get(day, Subtotal(day)) for day in month.days],
        members=sorted(_sum_by(groups, _member), key=lambda share: (-share.cents, str(share.key))),
        kinds=sorted(_sum_by(groups, _kind), key=lambda share: -share.cents),
        limit=limit,
        parts={part.name: _divide(part, groups if part.is_single else tagged) for part in _parts},
    )


_MEMBER: Final = ("user", "user__name", "user__email")
_KIND: Final = ("endpoint", "duration")


def _member(group: dict[str, Any]) -> User:
    return User(pk=group["user"], name=group["user__name"], email=group["user__email"])


def _kind(group: dict[str, Any]) -> tuple[str, int]:
    return group["endpoint"], group["duration"]


def _day() -> TruncDate:
    return TruncDate("created_at", tzinfo=timezone.get_default_timezone())


def _divide(part: Part, groups: list[dict[str, Any]]) -> list[Subtotal]:
    """Who spent most first, and last what is of none."""
    shares = _sum_by(groups, part.name_of)
    return sorted(shares, key=lambda share: (not share.key.key, -share.cents, share.key.label))


def _groups(rows: GenerationQuerySet, *by: str) -> list[dict[str, Any]]:
    """Sums over the rows that are alike in these columns."""
    return list(rows.values(*by).annotate(spent=_SPENT, reserved=_RESERVED, count=Count("pk"), free=_FREE))


def _sum_by(groups: list[dict[str, Any]], key_of: Callable[[dict[str, Any]], Any]) -> list[Subtotal]:
    alike: dict[Any, list[Subtotal]] = {}
    for group in groups:
        numbers = {name: group[name] for name in _NUMBERS}
        alike.setdefault(key_of(group), []).append(Subtotal("", **numbers))
    return [_sum(key, shares) for key, shares in alike.items()]


_NUMBERS: Final = ("spent", "reserved", "count", "free")


def _sum(key: Any, shares: Iterable[Subtotal]) -> Subtotal:
    parts = list(shares)
    return Subtotal(key, **{name: sum(getattr(part, name) for part in parts) for name in _NUMBERS})


def _limit(team: Team, member: User | None) -> int | None:
    if member is None:
        return team.monthly_limit_cents
    own = team.memberships.filter(user=member).first()
    return own.effective_limit_cents if own else None
