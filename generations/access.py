"""Fetch a generation for a user, or raise 404 or 403."""

import uuid

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from accounts.http import AuthenticatedHttpRequest
from accounts.models import User
from accounts.rights import rights_of
from accounts.roles import Action
from generations.models import Favourite, Generation


def visible_generation(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Generation:
    """The generation, or 404 for users who may not know that it exists."""
    rows = Generation.objects.visible_to(request.user).select_related("user", "team", "video", "collection")
    return get_object_or_404(rows.annotate(is_favourite=Favourite.objects.exists_for(request.user)), pk=pk)


def allowed_generation(request: AuthenticatedHttpRequest, pk: uuid.UUID, action: Action) -> Generation:
    """The generation, or 403 for users who may see it but whose role in its team does not allow the action."""
    generation = visible_generation(request, pk)
    if not may(request.user, action, generation):
        raise PermissionDenied
    return generation


def may(user: User, action: Action, generation: Generation) -> bool:
    return rights_of(user).may(action, generation.team_id)
