"""Undo of one action on a selection. What there is to undo goes to the page as a signed text and comes back with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.models import Team, User
from accounts.roles import Action
from generations.exceptions import ProjectRefusedError
from generations.films.add_videos import take_back
from generations.models import Collection, Favourite, Generation, Shot, Tag
from generations.models.generation_queryset import GenerationQuerySet

_SALT: Final = "bulk-undo"
_MAX_AGE: Final = timedelta(hours=1)

State = dict[str, Any]


def undo_token(user: User, state: State) -> str:
    """`state` has the verb that undoes the action, and its values; only this user may send it back."""
    return signing.dumps({**state, "user": user.pk}, salt=_SALT, compress=True)


@require_POST
@login_required
@transaction.atomic
def undo(request: AuthenticatedHttpRequest) -> HttpResponse:
    """`token` as `undo_token` made it. What the person may not see or change any more stays as it is."""
    try:
        state = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=_MAX_AGE)
    except signing.BadSignature:
        raise BadRequest("No such action.") from None
    if state.pop("user") != request.user.pk:
        raise PermissionDenied
    refusals = _VERBS[state.pop("verb")](request.user, **state) or []
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"messages": refusals or [_("Undone.")]})
    for refusal in refusals:
        messages.warning(request, refusal)
    if not refusals:
        messages.success(request, _("Undone."))
    return redirect_back(request, reverse("gallery"))


def _favourite(user: User, ids: list[str]) -> None:
    Favourite.objects.mark(user, Generation.objects.visible_to(user).filter(pk__in=ids))


def _unfavourite(user: User, ids: list[str]) -> None:
    Favourite.objects.filter(user=user, generation__pk__in=ids).delete()


def _untag(user: User, tags: dict[str, list[str]]) -> None:
    """A tag that was made for this goes with it."""
    for tag in Tag.objects.filter(pk__in=tags):
        tag.generations.remove(*_editable_rows(user).filter(pk__in=tags[str(tag.pk)]))
    Tag.objects.filter(pk__in=tags, generations=None, pictures=None).delete()


def _move(user: User, collections: dict[str, list[str]]) -> list[str]:
    refusals = _move_back(user, collections)
    return [_nothing()] if refusals is None else refusals


def _move_back(user: User, collections: dict[str, list[str]]) -> list[str] | None:
    """To where each was, as far as that is still there. Why not, of each that the user may not move into now; None
    where nothing is left to move.
    """
    known = {str(one.pk): one for one in Collection.objects.filter(pk__in=filter(None, collections))}
    found = [(_editable_rows(user).filter(pk__in=ids), known.get(pk)) for pk, ids in collections.items()]
    found = [(rows, project) for rows, project in found if rows.exists()]
    refusals = []
    for rows, project in found:
        if refusal := _refusal(user, project) if project else "":
            refusals.append(refusal)
        else:
            Collection.objects.move(rows, project, by=user)
    return refusals if found else None


def _storyboard(user: User, shots: list[int], former: dict[str, int], collections: dict[str, list[str]]) -> list[str]:
    """The shots go, and their videos are takes again of what they were takes of; or none where a project is closed.

    A shot that somebody has worked on stays, and its videos with it.
    """
    teams = Team.objects.where_may(user, Action.GENERATE)
    touched = Q(shots__in=[*shots, *former.values()]) | Q(pk__in=filter(None, collections))
    projects = Collection.objects.filter(touched, team__in=teams.order_by().values("pk")).distinct()
    if not projects:
        return [_nothing()]
    if refusals := list(filter(None, (_refusal(user, project) for project in projects))):
        return refusals
    take_back(user, shots, former)
    stay = set(map(str, Generation.objects.filter(shot__in=shots).values_list("pk", flat=True)))
    back = {pk: gone for pk, ids in collections.items() if (gone := [one for one in ids if one not in stay])}
    refusals = _move_back(user, back) or []
    if left := Shot.objects.filter(pk__in=shots).count():
        words = ngettext(
            "%d shot stays: somebody has worked on it.", "%d shots stay: somebody has worked on them.", left
        )
        refusals.append(words % left)
    return refusals


def _nothing() -> str:
    return _("Nothing was undone: it is gone, or you may not change it any more.")


def _refusal(user: User, project: Collection) -> str:
    try:
        project.refuse(user)
    except ProjectRefusedError as error:
        return str(error)
    return ""


def _restore(user: User, at: str) -> None:
    rows = Generation.objects.in_trash_of(user).filter(trashed_at=parse_datetime(at)).deletable_by(user)
    for row in rows:
        row.restore_from_trash(user)


def _editable_rows(user: User) -> GenerationQuerySet:
    teams = Team.objects.where_may(user, Action.GENERATE).order_by().values("pk")
    return Generation.objects.visible_to(user).filter(team__in=teams)


_VERBS: Final[dict[str, Callable[..., list[str] | None]]] = {  # those that stay undone say why
    "favourite": _favourite,
    "unfavourite": _unfavourite,
    "untag": _untag,
    "move": _move,
    "storyboard": _storyboard,
    "restore": _restore,
}
