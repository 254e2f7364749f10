"""What a team spends: a page with its month in figures and charts, and every row of it as CSV."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.roles import Action
from accounts.time_zones import zone_of
from accounts.views.asking import Asked, asked
from generations.fal.arguments import Endpoint
from generations.models import Generation
from generations.pipeline import Month, Share, usage
from generations.views.people import PersonRequest, for_people
from generations.views.sheets import lines

HEIGHT: Final = 120  # of the chart, in its own units
_BAR: Final = 18
_GAP: Final = 6
_COLUMNS: Final = (
    *("ordered_at", "time_zone", "member", "email", "from", "seconds", "status", "reason", "cost_usd"),
    *("billable_units", "fal_request", "generation", "prompt"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in the chart: spent below, held on top of it."""

    share: Share
    x: int
    spent: float
    held: float

    @property
    def y_spent(self) -> float:
        return HEIGHT - self.spent

    @property
    def y_held(self) -> float:
        return HEIGHT - self.spent - self.held


@require_safe
@never_cache
@for_people
def usage_page(request: PersonRequest, slug: str) -> HttpResponse:
    """`?month=2026-11`; without the right to see everybody's it is one's own alone."""
    here, month = asked(request, slug), _month(request)
    found = usage(here.team, month, _whose(here))
    now = Month.now()
    context = {
        "team": here.team,
        "usage": found,
        "is_own": _whose(here) is not None,
        "month": month,
        "before": month.plus(-1),
        "studio_zone": timezone.get_default_timezone_name(),
        "after": month.plus(1) if month < now else None,
        "bars": _bars(found.days),
        "width": len(found.days) * (_BAR + _GAP),
        "height": HEIGHT,
        "bar_width": _BAR,
        "kinds": [(_kind(share.of[0]), share.of[1], share) for share in found.kinds],
    }
    return render(request, "teams/usage.html", context)


@require_safe
@never_cache
@for_people
def usage_csv(request: PersonRequest, slug: str) -> StreamingHttpResponse:
    """Each request of the month, also those that cost nothing, the earliest first."""
    here, month = asked(request, slug), _month(request)
    rows = month.rows(Generation.objects.filter(team=here.team)).select_related("user").order_by("created_at", "pk")
    if member := _whose(here):
        rows = rows.filter(user=member)
    headers = {"Content-Disposition": f'attachment; filename="usage-{slug}-{month}.csv"'}
    table = lines(_COLUMNS, (_cells(row, here.user) for row in rows.iterator(500)))
    return StreamingHttpResponse(table, content_type="text/csv; charset=utf-8", headers=headers)


def _month(request: HttpRequest) -> Month:
    named = request.GET.get("month")
    try:
        return Month.parse(named) if named else Month.now()
    except ValueError:
        raise Http404 from None


def _whose(here: Asked) -> User | None:
    return None if here.may(Action.USAGE) else here.user


def _kind(endpoint: str) -> str:
    return _("From text") if endpoint == Endpoint.TEXT_TO_VIDEO else _("From a picture")


def _bars(days: list[Share]) -> list[Bar]:
    most = max((share.cents for share in days), default=0) or 1
    return [
        Bar(share, at * (_BAR + _GAP), share.spent / most * HEIGHT, share.held / most * HEIGHT)
        for at, share in enumerate(days)
    ]


def _cells(row: Generation, reader: User) -> list[Any]:
    """What is private says what it cost, and not what it is."""
    zone = zone_of(reader)
    return [
        timezone.localtime(row.created_at, zone).isoformat(timespec="seconds"),
        zone.key,
        str(row.user),
        row.user.email,
        "text" if row.endpoint == Endpoint.TEXT_TO_VIDEO else "image",
        row.duration,
        row.status,
        row.reason,
        f"{row.cost_cents / 100:.2f}",
        "" if row.billable_units is None else row.billable_units,
        row.request_id or "",
        row.pk,
        _("(private)") if row.is_private and row.user_id != reader.pk else row.prompt,
    ]
