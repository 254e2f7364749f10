"""The landing page for strangers; the gallery of a user's generations, the newest first."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Lookup, prefetch_related_objects
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.rights import UserQuery
from accounts.roles import Action
from config.parameters import whole_number
from generations.access import may, visible_generation
from generations.context_processors import MAX_SWITCHER_TEAMS
from generations.filters import GalleryFilters, query_of
from generations.models import DRIVEN, Favourite, Generation
from generations.models.generation_queryset import GenerationQuerySet
from generations.models.review_status import REVIEW_RANKS
from generations.templatetags.cards import CARD_COLUMNS, render_card
from generations.views.bulk import MAX_SELECTED
from generations.views.rail import rail_sections

PAGE_SIZE: Final = 48
SEARCH_MARGIN: Final = 4 * PAGE_SIZE  # so many of what words find are read first, since some may be hidden
THUMBNAIL_SIZES: Final = range(1, 6)
_USUAL_SIZE: Final = 3
_DIRECTIONS: Final = ("before", "from", "after")
_RANKS: Final = {str(rank): rank for rank in REVIEW_RANKS.values()}
_COMPARISONS: Final[dict[tuple[bool, bool], Any]] = {  # by whether it goes down, and takes the row itself
    (True, True): TupleLessThanOrEqual,
    (True, False): TupleLessThan,
    (False, True): TupleGreaterThanOrEqual,
    (False, False): TupleGreaterThan,
}
_PARTS: Final = {"cards": "generations/_cards.html", "results": "generations/_results.html"}


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    return gallery(request) if request.user.is_authenticated else render(request, "landing.html")


@login_required
def gallery(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A page of what the filters let through, or a part of it for a script: its `cards`, its `results`, all `ids`."""
    filters = GalleryFilters(request.user, request.GET)
    if (part := request.GET.get("part")) == "ids":
        return _found_ids(filters)
    context = _page_context(request, filters, is_scrolling=part == "cards")
    if template := _PARTS.get(part or ""):
        return render(request, template, context)
    context |= {
        "my_teams": filters.open_teams[:MAX_SWITCHER_TEAMS],
        "rail": rail_sections(filters),
        "now": timezone.now(),
        "select_at_most": MAX_SELECTED,
    }
    return render(request, "gallery.html", context)


def _found_ids(filters: GalleryFilters) -> HttpResponse:
    """What a script selects when everything is to be selected: no more than may be."""
    found = list(filters.rows().values_list("pk", flat=True)[: MAX_SELECTED + 1])
    return JsonResponse({"ids": found[:MAX_SELECTED], "more": len(found) > MAX_SELECTED})


def _page_context(request: AuthenticatedHttpRequest, filters: GalleryFilters, *, is_scrolling: bool) -> dict[str, Any]:
    """The cards and what leads on from them; the endless scroll brings its own neighbours only."""
    part = _PageQuery.from_query(request.GET)
    if part.name or filters.active or not filters.is_newest_first:
        page, is_more = part.cut(_selected_cards(filters, part))
    else:
        page, is_more = part.cut(_NEWEST.rows(request.user))
    prefetch_related_objects([row for row in page if not hasattr(row, "video")], "pictures")
    older = page[-1].cursor if page and (not is_scrolling if part.is_upward else is_more) else ""
    seen = {team.pk for team in filters.teams_where_may(Action.VIEW)}
    return {
        "filters": filters,
        "generations": page,
        "is_going": any(row.status in DRIVEN for row in page),
        "newer": page[0].cursor if page and (is_more if part.is_upward else part.name and not is_scrolling) else "",
        "older": older,
        "is_first_page": not part.name,
        "months_are_shown": bool(older or part.name) and not filters.is_by_review,
        "may_generate_in": {team.pk for team in filters.teams_where_may(Action.GENERATE)},
        "has_left_private_work": not {row.team_id for row in page} <= seen,
        "thumbnails": _thumbnail_size(request),
    }


def _selected_cards(filters: GalleryFilters, part: "_PageQuery") -> list[Generation]:
    if "q" not in filters.active or filters.is_by_review:
        return list(part.select(_with_cards(filters.rows(), filters.user), filters.order_columns))
    if filters.is_words_alone and (found := _nearest_found(filters, part)) is not None:
        return found
    keys = part.select(filters.rows(), filters.order_columns).values("pk")  # found in no order: keys are sorted alone
    return list(part.sort(_with_cards(Generation.objects.filter(pk__in=keys), filters.user), filters.order_columns))


def _nearest_found(filters: GalleryFilters, part: "_PageQuery") -> list[Generation] | None:
    """The cards of a search from the next few that its words find; None if these don't suffice.

    A word of most prompts finds all that a person ever made: to look up what of it may be seen takes longest.
    """
    order = filters.order_columns
    # by no index: PostgreSQL would parse each prompt on its way along one
    moments = filters.with_words().alias(moment=F("created_at") + timedelta())
    by_moment = tuple(column.replace("created_at", "moment") for column in order)
    rows = part.sort(part.narrow(moments, order), by_moment)
    keys = list(rows.values_list("pk", flat=True)[:SEARCH_MARGIN])
    if not keys:
        return []
    visible = _with_cards(filters.visible_rows().filter(pk__in=keys), filters.user)
    found = list(part.sort(visible, order)[: PAGE_SIZE + 1])
    return found if len(found) > PAGE_SIZE or len(keys) < SEARCH_MARGIN else None


def _with_cards(rows: GenerationQuerySet, user: User) -> GenerationQuerySet:
    cards = rows.select_related("video").only(*CARD_COLUMNS)
    return cards.annotate(is_favourite=Favourite.objects.exists_for(user))


def _newest_cards(user: User) -> GenerationQuerySet:
    """The first page without any filter, which is asked for most."""
    return _with_cards(GalleryFilters(user, {}).rows(), user).order_by("-created_at", "-id")[: PAGE_SIZE + 1]


_NEWEST: Final = UserQuery(_newest_cards)


def _thumbnail_size(request: HttpRequest) -> int:
    """As the slider left it, in a cookie: so the page has it before any script runs, and nothing moves."""
    size = whole_number(request.COOKIES.get("thumbnails", "")) or 0
    return size if size in THUMBNAIL_SIZES else _USUAL_SIZE


@dataclass(frozen=True, slots=True)
class _PageQuery:
    """Which part of the list is asked for: what comes `before` a row, `from` it on, or `after` it, going upward.

    The row is named by its `Generation.cursor`, so that it need not be there any more.
    """

    name: str = ""
    created_at: datetime | None = None
    id: uuid.UUID | None = None
    review_rank: int = REVIEW_RANKS[""]

    @classmethod
    def from_query(cls, query: QueryDict) -> "_PageQuery":
        """By a row's cursor. Raises Http404 for anything else."""
        name = next((name for name in _DIRECTIONS if query.get(name)), "")
        if not name:
            return cls()
        try:
            moment, pk, *rank = str(query[name]).split("_")
            return cls(name, datetime.fromisoformat(moment), uuid.UUID(pk), *map(_RANKS.__getitem__, rank))
        except (ValueError, KeyError, TypeError):
            raise Http404 from None

    @property
    def is_upward(self) -> bool:
        return self.name == "after"

    def select(self, rows: GenerationQuerySet, order: tuple[str, ...]) -> GenerationQuerySet:
        """The page's rows and one more, in the direction of reading."""
        return self.sort(self.narrow(rows, order), order)[: PAGE_SIZE + 1]

    def narrow(self, rows: GenerationQuerySet, order: tuple[str, ...]) -> GenerationQuerySet:
        """What lies before, from or after the named row."""
        return rows.filter(self._range(self._directed(order))) if self.name else rows

    def sort(self, rows: GenerationQuerySet, order: tuple[str, ...]) -> GenerationQuerySet:
        """The rows in the direction of reading."""
        return rows.order_by(*self._directed(order))

    def cut(self, found: list[Generation]) -> tuple[list[Generation], bool]:
        """The page's rows in the list's order, and whether more lie in the direction of reading."""
        page = found[:PAGE_SIZE]
        return (page[::-1] if self.is_upward else page), len(found) > PAGE_SIZE

    def _directed(self, order: tuple[str, ...]) -> tuple[str, ...]:
        if not self.is_upward:
            return order
        return tuple(column[1:] if column.startswith("-") else f"-{column}" for column in order)

    def _range(self, order: tuple[str, ...]) -> Lookup[Any]:
        """What lies beyond the row: a range of rows of values, which an index finds at any depth."""
        columns = [column.removeprefix("-") for column in order]
        goes_down, is_from = order[0].startswith("-"), self.name == "from"
        comparison: Lookup[Any] = _COMPARISONS[goes_down, is_from](
            Tuple(*map(F, columns)), tuple(getattr(self, name) for name in columns)
        )
        return comparison


@require_safe
@login_required
def card(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One card of the gallery as it is now, for the live update."""
    generation = visible_generation(request, pk)
    context = {
        "may_generate_in": {generation.team_id} if may(request.user, Action.GENERATE, generation) else set(),
        "filters": GalleryFilters(request.user, query_of(request.headers.get("HX-Current-URL", ""))),
        "request": request,
        "csrf_token": get_token(request),
    }
    return HttpResponse(render_card(generation, context))
