"""Fetch a generation, a project, a shot or an upload for a user, or raise 404 or 403."""

import uuid
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from accounts.http import AuthenticatedHttpRequest
from accounts.models import User
from accounts.rights import UserQuery, rights_of
from accounts.roles import Action
from generations.models import Collection, Favourite, Generation, Shot, Upload


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


def visible_project(request: AuthenticatedHttpRequest, pk: int) -> Collection:
    """Of a team that the user sees, or 404."""
    teams = {team.pk: team for team in rights_of(request.user).teams_where_may(Action.VIEW)}
    found = Collection.objects.filter(pk=pk, team__in=teams).first()
    if found is None:
        raise Http404
    found.team = teams[found.team_id]
    return found


def visible_shot(request: AuthenticatedHttpRequest, pk: int) -> Shot:
    """Of a project that the user sees, or 404. `number` is its place in the storyboard, from 1."""
    teams = {team.pk: team for team in rights_of(request.user).teams_where_may(Action.VIEW)}
    rows = Shot.objects.numbered().select_related("project", "start", "tail", "changed_by")
    shot = rows.filter(pk=pk, project__team__in=teams).first()
    if shot is None:
        raise Http404
    shot.project.team = teams[shot.project.team_id]
    return shot


def visible_uploads(user: User) -> QuerySet[Upload]:
    """Those that the user gave, and those of shots in storyboards that the user sees; nothing that was banned."""
    shots = Shot.objects.filter(
        Q(start=OuterRef("pk")) | Q(tail=OuterRef("pk")), project__team__in=rights_of(user).view_ids
    )
    return Upload.objects.shown().filter(Q(user=user) | Exists(shots))
