"""One generation: its video or its progress, what was asked for, and what happened."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generations.views.people import PersonRequest, for_people, visible_generation


@require_safe
@for_people
def generation(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    return render(request, "generations/detail.html", {"generation": visible_generation(request, pk)})


@require_safe
@for_people
def panel(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """The part of the page that moves: player, progress or failure."""
    return render(request, "generations/_panel.html", {"generation": visible_generation(request, pk)})
