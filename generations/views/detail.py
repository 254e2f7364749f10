"""The page of one generation: its video or progress, its settings, and its history."""

import uuid
from typing import Any, Final

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from config.prepared_query import PreparedQuery
from generations.access import may, may_delete, visible_generation
from generations.fal import snippets
from generations.fal.arguments import parse, to_json
from generations.filters import GalleryFilters
from generations.models import DRIVEN, RETRYABLE, Event, Generation, InputPicture, Price, Slot, Status
from generations.usual_time import usual_time
from generations.views.detail_row import detail_row
from generations.views.related import around, neighbours
from generations.views.reports import removed_generation, removed_page
from generations.views.timeline import timeline


@require_safe
@login_required
def generation(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        row = detail_row(request, pk)
    except Http404:
        return removed_page(request, removed_generation(request, pk))
    filters = GalleryFilters(request.user, request.GET)
    more = {
        "filters": filters,
        "pictures": row.pictures,
        "pause": row.pause if row.generation.status == Status.QUEUED else None,
        "tags": row.tags,
        "collections_known": row.collection_names,
        "codes": _codes(row.generation, row.pictures),
        **around(request.user, row.generation, row.ancestors),
        **_narrowed_neighbours(filters, row.generation),
    }
    return render(request, "generations/detail.html", _context(request, row.generation) | more)


@require_safe
@login_required
def panel(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The parts of the page that move: player, progress or failure, and what happened."""
    return render(request, "generations/_live_panel.html", _context(request, visible_generation(request, pk)))


def _context(request: AuthenticatedHttpRequest, generation: Generation) -> dict[str, object]:
    may_generate = may(request.user, Action.GENERATE, generation)
    return {
        "generation": generation,
        "timeline": timeline(generation, _EVENTS.rows(generation.pk)),
        "usual": usual_time(generation.endpoint, generation.duration) if generation.status in DRIVEN else None,
        "may_generate": may_generate,
        "may_use_frame": bool(rights_of(request.user).teams_where_may(Action.GENERATE)),
        "may_report": request.user.pk not in {generation.user_id, generation.assigned_to_id},
        "may_delete": not generation.is_open and may_delete(request.user, generation),
        "now": timezone.now(),
        **(_retry(generation) if may_generate and generation.status in RETRYABLE else {}),
    }


def _events(pk: uuid.UUID) -> QuerySet[Event]:
    return Event.objects.filter(generation=pk).select_related("by").order_by("at", "id")


_EVENTS: Final = PreparedQuery(_events, uuid.UUID(int=1))


def _retry(generation: Generation) -> dict[str, object]:
    """The form's key is drawn with the page; without a price there is nothing to press."""
    price = Price.objects.table().get(generation.endpoint, {}).get(str(generation.duration))
    return {"retry_key": uuid.uuid4(), "retry_price": price}


def _codes(generation: Generation, pictures: list[InputPicture]) -> list[tuple[str, str, str]]:
    """The request as one would send it oneself: a slug, a name and the code for each language.

    Pictures are named by placeholders, for ours are not public.
    """
    endpoint = generation.fal_endpoint
    names = ("prompt", "negative_prompt", "cfg_scale", "duration", "aspect_ratio")
    values = {name: getattr(generation, name) for name in names} | {"image_url": snippets.START_PLACEHOLDER}
    if any(picture.slot == Slot.TAIL for picture in pictures):
        values["tail_image_url"] = snippets.END_PLACEHOLDER
    body = to_json(parse(endpoint, values))
    return [
        ("curl", "curl", snippets.curl(endpoint, body)),
        ("python", "Python", snippets.python(endpoint, body)),
        ("javascript", "JavaScript", snippets.javascript(endpoint, body)),
    ]


def _narrowed_neighbours(filters: GalleryFilters, generation: Generation) -> dict[str, Any]:
    """The ids before and behind it in the gallery, where the address narrows that; else they are known already."""
    if not filters.active:
        return {}
    newer, older = neighbours(filters.rows(), generation.pk, generation.created_at)
    found = newer.only("pk").union(older.only("pk"), all=True)
    return {"newer": None, "older": None} | {row.place: row.pk for row in found}  # type: ignore[attr-defined]  # annotated
