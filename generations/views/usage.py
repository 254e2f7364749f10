"""A team's usage: a page with its month in figures and charts, and every request as CSV."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.roles import Action
from accounts.time_zones import zone_of
from generations.billing.usage import Month, Subtotal, usage
from generations.csv_export import lines
from generations.fal.arguments import Endpoint, Quality, Source
from generations.models import Generation

HEIGHT: Final = 120  # of the chart, in its own units
_BAR: Final = 18
_GAP: Final = 6
_COLUMNS: Final = (
    *("ordered_at", "time_zone", "member", "email", "from", "quality", "seconds", "status", "reason", "cost_usd"),
    *("billable_units", "fal_request", "generation", "prompt"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in the chart: spent below, held on top of it."""

    share: Subtotal
    x: int
    spent: float
    reserved: float

    @property
    def y_spent(self) -> float:
        return HEIGHT - self.spent

    @property
    def y_reserved(self) -> float:
        return HEIGHT - self.spent - self.reserved


@require_safe
@login_required
def usage_page(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """`?month=2026-11`; without the right to see everybody's it is one's own alone."""
    access, month = team_access(request, slug), _month(request)
    found = usage(access.team, month, _visible_member(access))
    now = Month.now()
    context = {
        "team": access.team,
        "usage": found,
        "is_own": _visible_member(access) is not None,
        "month": month,
        "before": month.plus(-1),
        "studio_zone": timezone.get_default_timezone_name(),
        "after": month.plus(1) if month < now else None,
        "bars": _bars(found.days),
        "width": len(found.days) * (_BAR + _GAP),
        "height": HEIGHT,
        "bar_width": _BAR,
        "kinds": [(_kind(share.key[0]), share.key[1], share) for share in found.kinds],
    }
    return render(request, "teams/usage.html", context)


@require_safe
@login_required
def usage_csv(request: AuthenticatedHttpRequest, slug: str) -> StreamingHttpResponse:
    """Each request of the month, also those that cost nothing, the earliest first."""
    access, month = team_access(request, slug), _month(request)
    rows = month.rows(Generation.objects.filter(team=access.team)).select_related("user").order_by("created_at", "pk")
    if member := _visible_member(access):
        rows = rows.filter(user=member)
    headers = {"Content-Disposition": f'attachment; filename="usage-{slug}-{month}.csv"'}
    table = lines(_COLUMNS, (_cells(row, access.user) for row in rows.iterator(500)))
    return StreamingHttpResponse(table, content_type="text/csv; charset=utf-8", headers=headers)


def _month(request: HttpRequest) -> Month:
    named = request.GET.get("month")
    try:
        return Month.parse(named) if named else Month.now()
    except ValueError:
        raise Http404 from None


def _visible_member(access: TeamAccess) -> User | None:
    return None if access.may(Action.USAGE) else access.user


def _kind(endpoint: str) -> str:
    found = Endpoint(endpoint)
    words = _("From text") if found.source is Source.TEXT else _("From a picture")
    return _("%s, draft") % words if found.quality is Quality.DRAFT else words


def _bars(days: list[Subtotal]) -> list[Bar]:
    most = max((share.cents for share in days), default=0) or 1
    return [
        Bar(share, at * (_BAR + _GAP), share.spent / most * HEIGHT, share.reserved / most * HEIGHT)
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
        row.fal_endpoint.source.value,
        row.fal_endpoint.quality.value,
        row.duration,
        row.status,
        row.reason,
        f"{row.cost_cents / 100:.2f}",
        "" if row.billable_units is None else row.billable_units,
        row.request_id or "",
        row.pk,
        _("(private)") if row.is_private and row.user_id != reader.pk else row.prompt,
    ]
