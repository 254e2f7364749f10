"""Fetch a generation for a user, or raise 404 or 403."""

import uuid
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from accounts.http import AuthenticatedHttpRequest
from accounts.models import User
from accounts.rights import UserQuery, rights_of
from accounts.roles import Action
from generations.models import Favourite, Generation


def visible_generation(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Generation:
    """The generation, or 404 for users who may not know that it exists."""
    found = _GENERATION.rows(request.user, pk)
    if not found:
        raise Http404
    return found[0]


def visible_with_favourite(user: User, pk: uuid.UUID) -> QuerySet[Generation]:
    """The generation with what its page and its card show of it, if the user sees it."""
    rows = Generation.objects.visible_to(user).select_related("user", "team", "video", "collection")
    return rows.annotate(is_favourite=Favourite.objects.exists_for(user)).filter(pk=pk)


_GENERATION: Final = UserQuery(visible_with_favourite, uuid.UUID(int=3))


def allowed_generation(request: AuthenticatedHttpRequest, pk: uuid.UUID, action: Action) -> Generation:
    """The generation, or 403 for users who may see it but whose role in its team does not allow the action."""
    generation = visible_generation(request, pk)
    if not may(request.user, action, generation):
        raise PermissionDenied
    return generation


def may(user: User, action: Action, generation: Generation) -> bool:
    return rights_of(user).may(action, generation.team_id)


def may_delete(user: User, generation: Generation) -> bool:
    """Users who made it or were assigned it, and the team's admins."""
    return user.pk in {generation.user_id, generation.assigned_to_id} or may(user, Action.DELETE, generation)
