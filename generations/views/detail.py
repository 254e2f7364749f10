"""One generation: its video or its progress, what was asked for, and what happened."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations.models import Generation
from generations.views.people import PersonRequest, for_people, visible_generation


@require_safe
@never_cache
@for_people
def generation(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    return render(request, "generations/detail.html", _context(visible_generation(request, pk)))


@require_safe
@never_cache
@for_people
def panel(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The parts of the page that move: player, progress or failure, and what happened."""
    return render(request, "generations/_moved.html", _context(visible_generation(request, pk)))


def _context(generation: Generation) -> dict[str, object]:
    return {
        "generation": generation,
        "pictures": list(generation.pictures.order_by("slot")),
        "events": list(generation.events.select_related("by")),
        "now": timezone.now(),
    }
