"""The rail beside the gallery: libraries, projects and tags, with how many videos each has.

The page shows the names, which it knows anyway. The numbers come to it afterwards, and stop at a limit, so that neither
waits for a count of everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, QuerySet
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team, User
from accounts.roles import Action
from generations.filters import GalleryFilters, Named
from generations.models import Collection, Generation, Tag

COUNT_LIMIT: Final = 999  # what is more is 999+
_MAX_NAMES: Final = 100  # of each section; the filters have the rest

Counted = tuple[str, int]


@dataclass(frozen=True, slots=True)
class RailItem:
    """A place to go to; `drop` is what a video that is dropped there gets: a verb of the selection, and its value."""

    key: str
    label: str
    query: str
    drop: str = ""
    value: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class RailSection:
    title: str
    kind: str
    items: list[RailItem]


def rail_sections(filters: GalleryFilters) -> list[RailSection]:
    """Asks the database for nothing that the filters do not know."""
    team = filters.active.get("team")
    current = filters.active.get("collection")
    named = [
        one
        for one in filters.named
        if team in (None, one.team) and (not one.is_archived or (one.kind == "collection" and one.pk == current))
    ]
    return [
        RailSection(_("Library"), "library", list(_libraries(filters))),
        *(
            RailSection(title, kind, [_named_item(filters, one) for one in named if one.kind == kind][:_MAX_NAMES])
            for kind, title in (("collection", _("Projects")), ("tag", _("Tags")))
        ),
    ]


def _libraries(filters: GalleryFilters) -> Iterator[RailItem]:
    active = filters.active
    is_whole = not active.keys() & {"collection", "tag", "favourite"}
    is_own = is_whole and "team" not in active
    yield RailItem("yours", _("Your videos"), "", is_current=is_own)
    for team in filters.shared_teams:
        is_current = is_whole and active.get("team") == team
        yield RailItem(f"team-{team.slug}", team.name, urlencode({"team": team.slug}), is_current=is_current)
    is_favourites = "favourite" in active and not active.keys() & {"collection", "tag", "team"}
    yield RailItem("favourites", _("Favourites"), "favourite=on", "favourite", is_current=is_favourites)


def _named_item(filters: GalleryFilters, one: Named) -> RailItem:
    """A tag or a project is a team's, so it shows what everybody there has put into it."""
    query = urlencode({"team": one.team.slug, one.kind: one.pk})
    verb = "move" if one.kind == "collection" else "tag"
    is_current = filters.active.get(one.kind) == one.pk
    return RailItem(f"{one.kind}-{one.pk}", one.label, query, verb, one.name, is_current)


@require_safe
@login_required
def counts(request: AuthenticatedHttpRequest) -> HttpResponse:
    """`{"yours": "12", "team-film": "999+", "tag-7": "3", …}`, by the keys of the rail's items."""
    found = {**dict(_library_counts(request.user)), **dict(_named_counts(request.user))}
    return JsonResponse({key: str(n) if n <= COUNT_LIMIT else f"{COUNT_LIMIT}+" for key, n in found.items()})


def _library_counts(user: User) -> Iterator[Counted]:
    seen = Generation.objects.visible_to(user)
    own = User.objects.filter(pk=user.pk).values_list(
        _count(seen.filter(user=user)),
        _count(seen.filter(favourites__user=user)),
        _count(Generation.objects.in_trash_of(user)),
    )
    yield from zip(("yours", "favourites", "trash"), own.get(), strict=True)
    teams = Team.objects.where_may(user, Action.VIEW).order_by()
    for slug, number in teams.values_list("slug", _count(seen.filter(team=OuterRef("pk")))):
        yield f"team-{slug}", number


def _named_counts(user: User) -> Iterator[Counted]:
    seen = Generation.objects.visible_to(user)
    teams = Team.objects.where_may(user, Action.VIEW).order_by().values("pk")
    for kind, model, column in (("collection", Collection, "collection"), ("tag", Tag, "tags")):
        rows = model.objects.filter(team__in=teams).order_by()
        for pk, number in rows.values_list("pk", _count(seen.filter(**{column: OuterRef("pk")}))):
            yield f"{kind}-{pk}", number


def _count(rows: QuerySet[Generation]) -> Func:
    """How many there are, up to one more than the limit."""
    some = rows.order_by().values("pk")[: COUNT_LIMIT + 1]
    return Func(ArraySubquery(some), function="CARDINALITY", output_field=IntegerField())
