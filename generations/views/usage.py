"""A team's usage: a page with its month in figures and charts, and every request as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.rights import rights_of
from accounts.roles import Action
from accounts.time_zones import zone_of
from generations.billing.usage import Month, Part, Subtotal, number, parts, usage_of_rows
from generations.csv_export import lines
from generations.fal.arguments import Endpoint, Quality, Source
from generations.models import Generation, ProjectMove
from generations.models.generation_queryset import GenerationQuerySet

HEIGHT: Final = 120  # of the chart, in its own units
_BAR: Final = 18
_GAP: Final = 6
_COLUMNS: Final = (
    *("ordered_at", "time_zone", "member", "email", "from", "quality", "seconds", "status", "reason", "cost_usd"),
    *("billable_units", "fal_request", "generation", "prompt"),
    *("project", "client", "cost_centre", "project_now", "project_moves", "tags"),
)
_MAX_MOVES: Final = 100  # on the page; the CSV has all
_KEPT: Final = frozenset({"project", "client", "tag"})  # parts that have a column of their own


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
    """`?month=2026-11`; without the right to see everybody's it is one's own alone.

    `?project=7`, and so for a client, a tag, a key and a member, narrows it; a blank one to what is of none.
    """
    access, month = team_access(request, slug), _month(request)
    narrowed = _narrowed(request)
    member = _visible_member(access)
    rows = _rows(request, access)
    found = usage_of_rows(rows, month, None if narrowed else _limit(access))
    now = Month.now()
    context = {
        "team": access.team,
        "usage": found,
        "is_own": member is not None,
        "sections": list(_sections(found.parts)),
        "narrowed": _narrowed_in_words(narrowed, found.parts),
        "query": urlencode({"month": month, **narrowed}),
        "moves": _moves(month.rows(rows)),
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
    rows = month.rows(_rows(request, access)).select_related("user", "billed_project", "collection")
    rows = rows.prefetch_related("tags", "project_moves__origin", "project_moves__target").order_by("created_at", "pk")
    added = [part for part in parts() if part.name not in _KEPT]
    rows = rows.annotate(**{f"part_{part.name}": F(part.columns[-1]) for part in added})
    headers = {"Content-Disposition": f'attachment; filename="usage-{slug}-{month}.csv"'}
    table = lines(
        [*_COLUMNS, *(part.name for part in added)],
        ([*_cells(row, access.user), *_added_cells(row, added)] for row in rows.iterator(500)),
    )
    return StreamingHttpResponse(table, content_type="text/csv; charset=utf-8", headers=headers)


def _narrowed(request: HttpRequest) -> dict[str, str]:
    """What the address narrows the month by."""
    names = ("member", *(part.name for part in parts()))
    return {name: request.GET[name] for name in names if name in request.GET}


def _rows(request: HttpRequest, access: TeamAccess) -> GenerationQuerySet:
    """What the person may see of the team's, and what the address asks for of that."""
    rows = Generation.objects.filter(team=access.team)
    if member := _visible_member(access):
        rows = rows.filter(user=member)
    narrowed = _narrowed(request)
    try:
        if named := narrowed.pop("member", ""):
            rows = rows.filter(user=number(named))
        for part in parts():
            if part.name in narrowed:
                rows = part.narrow(rows, narrowed[part.name])
    except ValueError:
        raise Http404 from None
    return rows


def _sections(found: dict[str, list[Subtotal]]) -> Iterator[tuple[Part, list[Subtotal]]]:
    """Those that divide something: who has no projects sees no more than before."""
    for part in parts():
        if any(share.key.key for share in found[part.name]):
            yield part, found[part.name]


def _narrowed_in_words(narrowed: dict[str, str], found: dict[str, list[Subtotal]]) -> list[str]:
    """Names as the rows have them: a key of another team is said by nobody."""
    return [share.key.label for name, key in narrowed.items() for share in found.get(name, ()) if share.key.key == key]


def _moves(rows: GenerationQuerySet) -> list[ProjectMove]:
    """Of the month's requests, the newest first: each is billed to the project of its order."""
    found = ProjectMove.objects.filter(generation__in=rows.order_by().values("pk"))
    related = ("origin", "target", "by", "generation__billed_project")
    return list(found.select_related(*related).order_by("-at", "-id")[:_MAX_MOVES])


def _month(request: HttpRequest) -> Month:
    named = request.GET.get("month")
    try:
        return Month.parse(named) if named else Month.now()
    except ValueError:
        raise Http404 from None


def _visible_member(access: TeamAccess) -> User | None:
    return None if access.may(Action.USAGE) else access.user


def _limit(access: TeamAccess) -> int | None:
    """Of what the page shows, as the request knows the person's membership."""
    if _visible_member(access) is None:
        return access.team.monthly_limit_cents
    known = rights_of(access.user).memberships
    return next((one.effective_limit_cents for one in known if one.team_id == access.team.pk), None)


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
        *_project_cells(row),
        ", ".join(sorted(tag.name for tag in row.tags.all())),
    ]


def _project_cells(row: Generation) -> list[str]:
    """What it was ordered in, and where it was moved to since."""
    billed, moves = row.billed_project, row.project_moves.all()
    return [
        *([billed.name, billed.client, billed.cost_centre] if billed else ["", "", ""]),
        row.collection.name if row.collection else "",
        "; ".join(f"{move.origin or '-'} → {move.target or '-'} ({move.at:%Y-%m-%d})" for move in moves),
    ]


def _added_cells(row: Generation, added: list[Part]) -> list[Any]:
    return [getattr(row, f"part_{part.name}") or "" for part in added]
