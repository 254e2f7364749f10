"""The page of one generation: its video or progress, its settings, and its history."""

import uuid

from django.db.models import CharField, Value
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from generations.access import may, visible_generation
from generations.fal import snippets
from generations.fal.arguments import Endpoint, parse, to_json
from generations.filters import GalleryFilters
from generations.models import DRIVEN, Generation, InputPicture, Price, Slot, Status, TeamPause
from generations.usual_time import usual_time
from generations.views.cancel_delete import may_delete
from generations.views.collections import tags_and_collections
from generations.views.queue import position_texts
from generations.views.related import related_generations
from generations.views.reports import removed_generation, removed_page
from generations.views.retry import RETRYABLE
from generations.views.timeline import timeline


@require_safe
@login_required
def generation(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        row = visible_generation(request, pk)
    except Http404:
        return removed_page(request, removed_generation(request, pk))
    around = related_generations(request.user, row) | _neighbours(request, row)
    around["pause"] = TeamPause.objects.of(row.team) if row.status == Status.QUEUED else None
    pictures = _pictures(row)
    context = _context(request, row, pictures) | around | tags_and_collections(request.user, row)
    return render(request, "generations/detail.html", context | {"codes": _codes(row, pictures)})


@require_safe
@login_required
def panel(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The parts of the page that move: player, progress or failure, and what happened."""
    row = visible_generation(request, pk)
    return render(request, "generations/_live_panel.html", _context(request, row, _pictures(row)))


def _context(
    request: AuthenticatedHttpRequest, generation: Generation, pictures: list[InputPicture]
) -> dict[str, object]:
    may_generate = may(request.user, Action.GENERATE, generation)
    return {
        "generation": generation,
        "pictures": pictures,
        "timeline": timeline(generation, list(generation.events.select_related("by"))),
        "usual": usual_time(generation.endpoint, generation.duration) if generation.status in DRIVEN else None,
        "may_generate": may_generate,
        "may_use_frame": bool(rights_of(request.user).teams_where_may(Action.GENERATE)),
        "may_report": request.user.pk not in {generation.user_id, generation.assigned_to_id},
        "may_delete": not generation.is_open and may_delete(request.user, generation),
        "ahead": position_texts([generation]).get(generation.pk) if generation.status == Status.QUEUED else None,
        "now": timezone.now(),
        **(_retry(generation) if may_generate and generation.status in RETRYABLE else {}),
    }


def _pictures(generation: Generation) -> list[InputPicture]:
    if generation.endpoint == Endpoint.TEXT_TO_VIDEO:
        return []
    return list(generation.pictures.order_by("slot"))


def _retry(generation: Generation) -> dict[str, object]:
    """The form's key is drawn with the page; without a price there is nothing to press."""
    price = Price.objects.table().get(generation.endpoint, {}).get(str(generation.duration))
    return {"retry_key": uuid.uuid4(), "retry_price": price}


def _codes(generation: Generation, pictures: list[InputPicture]) -> list[tuple[str, str, str]]:
    """The request as one would send it oneself: a slug, a name and the code for each language.

    Pictures are named by placeholders, for ours are not public.
    """
    endpoint = Endpoint(generation.endpoint)
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


def _neighbours(request: AuthenticatedHttpRequest, generation: Generation) -> dict[str, object]:
    """The ids before and behind it in the gallery, narrowed as in the address: bounded ranges, one row each."""
    filters, at = GalleryFilters(request.user, request.GET), generation.created_at
    rows = filters.rows()
    newer = rows.filter(created_at__gte=at).exclude(created_at=at, pk__lte=generation.pk)
    older = rows.filter(created_at__lte=at).exclude(created_at=at, pk__gte=generation.pk)
    one_of_each = (
        side.order_by(*order).annotate(side=Value(name, CharField())).values_list("side", "pk")[:1]
        for name, side, order in (("newer", newer, ("created_at", "id")), ("older", older, ("-created_at", "-id")))
    )
    newest, oldest = one_of_each
    return {"filters": filters, **dict(newest.union(oldest, all=True))}
