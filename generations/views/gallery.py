"""The landing page for strangers, the gallery for people: their generations, the newest first."""

import uuid
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.roles import Action
from generations.models import DRIVEN, Favourite, Generation
from generations.views.people import PersonRequest, for_people, may, visible_generation
from generations.views.sieve import Sieve

PAGE_SIZE: Final = 24


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponseBase:
    return gallery(request) if request.user.is_authenticated else render(request, "landing.html")


@for_people
def gallery(request: PersonRequest) -> HttpResponse:
    """A page of what the filters let through; `part=cards` is the page's cards alone, for the endless scroll."""
    sieve = Sieve(request.user, request.GET)
    rows = sieve.rows().select_related("video", "user", "team")
    if before := request.GET.get("before"):
        rows = rows.filter(_behind(before, newer=sieve.is_oldest_first))
    rows = rows.annotate(is_favourite=Favourite.objects.marks(request.user))
    page = list(rows.prefetch_related("pictures")[: PAGE_SIZE + 1])
    context = {
        "sieve": sieve,
        "generations": page[:PAGE_SIZE],
        "is_going": any(row.status in DRIVEN for row in page),
        "older": _cursor(page[PAGE_SIZE - 1]) if len(page) > PAGE_SIZE else "",
        "is_first_page": not before,
        "may_generate_in": {team.pk for team in sieve.teams_where_may(Action.GENERATE)},
        "now": timezone.now(),
    }
    is_part = request.GET.get("part") == "cards"
    return render(request, "generations/_cards.html" if is_part else "gallery.html", context)


@require_safe
@never_cache
@for_people
def card(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One card of the gallery as it is now, for the live update."""
    generation = visible_generation(request, pk)
    may_generate_in = {generation.team_id} if may(request.user, Action.GENERATE, generation) else set()
    return render(request, "generations/_card.html", {"generation": generation, "may_generate_in": may_generate_in})


def _cursor(row: Generation) -> str:
    return f"{row.created_at.isoformat()}_{row.pk}"


def _behind(cursor: str, *, newer: bool) -> Q:
    """Rows behind the cursor, as a bounded range: it stays fast at any depth."""
    moment, _, pk = cursor.partition("_")
    try:
        created_at, row_id = datetime.fromisoformat(moment), uuid.UUID(pk)
    except ValueError:
        raise Http404 from None
    if newer:
        return Q(created_at__gte=created_at) & ~Q(created_at=created_at, pk__lte=row_id)
    return Q(created_at__lte=created_at) & ~Q(created_at=created_at, pk__gte=row_id)
