"""Favourites, tags and project of one generation."""

import uuid
from typing import Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.roles import Action
from config.parameters import whole_number
from generations.access import allowed_generation, visible_generation
from generations.exceptions import ProjectRefusedError
from generations.models import Collection, Favourite, Generation, Tag
from generations.models.collections import clean_name

_MAX_NAMES: Final = 100  # names that are offered


@require_POST
@login_required
def favourite(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    generation = visible_generation(request, pk)
    Favourite.objects.toggle(request.user, generation)
    return redirect_back(request, generation.get_absolute_url())


@require_POST
@login_required
def tags(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`tag` is put on, `remove` (a tag's id) is taken off."""
    generation = allowed_generation(request, pk, Action.GENERATE)
    if removed := whole_number(request.POST.get("remove", "")):
        generation.tags.remove(*generation.tags.filter(pk=removed))
    elif name := name_from(request, "tag"):
        Tag.objects.add_to([generation], name)
    return redirect_back(request, generation.get_absolute_url())


@require_POST
@login_required
def collection(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Into the project of that name; without one, out of the project that it lies in."""
    generation = allowed_generation(request, pk, Action.GENERATE)
    try:
        Collection.objects.assign([generation], name_from(request, "collection"), request.user)
    except ProjectRefusedError as error:
        messages.error(request, str(error))
    return redirect_back(request, generation.get_absolute_url())


@require_POST
@login_required
def privacy(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`seen_by` is `team` or `me`; only its owner decides."""
    generation = visible_generation(request, pk)
    if request.user.pk not in {generation.user_id, generation.assigned_to_id}:
        raise PermissionDenied
    if (seen_by := request.POST.get("seen_by")) not in {"team", "me"}:
        raise BadRequest("Nobody of that name.")
    Generation.objects.filter(pk=pk).update(is_private=seen_by == "me", changed_at=timezone.now())
    return redirect_back(request, generation.get_absolute_url())


def name_from(request: AuthenticatedHttpRequest, field: str) -> str:
    """As it is kept; empty when nothing of it shows."""
    return clean_name(request.POST.get(field, ""))
