"""Favourites, tags and collections: of one generation, and of a selection."""

import uuid
from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.models import Team, User
from accounts.roles import Action
from config.parameters import whole_number
from generations.access import allowed_generation, visible_generation
from generations.fal.arguments import is_visible
from generations.models import Collection, Favourite, Generation, Tag
from generations.models.collections import NAME_LENGTH
from generations.views.cancel_delete import add_trashed_message

MAX_SELECTED: Final = 500  # videos at once
_MAX_NAMES: Final = 100  # names that are offered


class TooManySelectedError(BadRequest):
    """More than MAX_SELECTED."""


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
    elif name := _name(request, "tag"):
        Tag.objects.add_to([generation], name)
    return redirect_back(request, generation.get_absolute_url())


@require_POST
@login_required
def collection(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Into the collection of that name; without one, out of the collection that it lies in."""
    generation = allowed_generation(request, pk, Action.GENERATE)
    Collection.objects.assign([generation], _name(request, "collection"))
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


@require_POST
@login_required
@transaction.atomic
def bulk(request: AuthenticatedHttpRequest) -> HttpResponse:
    """One action for all that are selected, or for none when the user may not do it to one of them."""
    verb = _VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        raise BadRequest("No such verb.")
    rows = get_selected(request)
    if rows:
        verb(request, rows)
    else:
        messages.info(request, _("Select something first."))
    return redirect_back(request, reverse("gallery"))


def known_collections(user: User) -> list[str]:
    """Names of the collections in the person's teams, to choose from."""
    teams = Team.objects.where_may(user, Action.VIEW).order_by().values("pk")
    names = Collection.objects.filter(team__in=teams).order_by("name").values_list("name", flat=True)
    return list(names.distinct()[:_MAX_NAMES])


def get_selected(request: AuthenticatedHttpRequest) -> list[Generation]:
    """The rows named by `ids`, as far as the person may see them."""
    named = request.POST.getlist("ids")
    if len(named) > MAX_SELECTED:
        raise TooManySelectedError
    try:
        ids = [uuid.UUID(one) for one in named]
    except ValueError:
        raise BadRequest("No such id.") from None
    rows = Generation.objects.visible_to(request.user).filter(pk__in=ids)
    return list(rows.select_related("video", "user", "team"))


def _favourite(request: AuthenticatedHttpRequest, rows: list[Generation]) -> None:
    Favourite.objects.mark(request.user, rows)
    _add_success(request, ngettext("%d is a favourite.", "%d are favourites.", len(rows)) % len(rows))


def _unfavourite(request: AuthenticatedHttpRequest, rows: list[Generation]) -> None:
    Favourite.objects.filter(user=request.user, generation__in=rows).delete()
    _add_success(
        request, ngettext("%d is no favourite any more.", "%d are no favourites any more.", len(rows)) % len(rows)
    )


def _tag(request: AuthenticatedHttpRequest, rows: list[Generation]) -> None:
    _require_role(request, rows)
    if not (name := _name(request, "tag")):
        messages.info(request, _("Type the tag’s name first."))
        return
    Tag.objects.add_to(rows, name)
    message = ngettext("%(count)d bears the tag %(name)s.", "%(count)d bear the tag %(name)s.", len(rows))
    _add_success(request, message % {"count": len(rows), "name": name})


def _move(request: AuthenticatedHttpRequest, rows: list[Generation]) -> None:
    _require_role(request, rows)
    name = _name(request, "collection")
    Collection.objects.assign(rows, name)
    if name:
        message = ngettext("%(count)d moved to %(name)s.", "%(count)d moved to %(name)s.", len(rows))
    else:
        message = ngettext("%(count)d is in no collection.", "%(count)d are in no collection.", len(rows))
    _add_success(request, message % {"count": len(rows), "name": name})


def _delete(request: AuthenticatedHttpRequest, rows: list[Generation]) -> None:
    """What is still being made stays, and that is said."""
    deletable = Generation.objects.filter(pk__in=[row.pk for row in rows]).deletable_by(request.user)
    if deletable.count() < len(rows):
        raise PermissionDenied
    now = timezone.now()
    trashed = sum(row.move_to_trash(request.user, now) for row in rows)
    if trashed:
        add_trashed_message(request, now, trashed)
    if stayed := len(rows) - trashed:
        message = ngettext("%d is still being made, so it stayed.", "%d are still being made, so they stayed.", stayed)
        messages.warning(request, message % stayed)


_VERBS: Final[dict[str, Callable[[AuthenticatedHttpRequest, list[Generation]], None]]] = {
    "favourite": _favourite,
    "unfavourite": _unfavourite,
    "tag": _tag,
    "move": _move,
    "delete": _delete,
}


def _require_role(request: AuthenticatedHttpRequest, rows: list[Generation]) -> None:
    """That the person may work in the team of every row."""
    teams = {row.team_id for row in rows}
    if Team.objects.where_may(request.user, Action.GENERATE).filter(pk__in=teams).count() < len(teams):
        raise PermissionDenied


def _name(request: AuthenticatedHttpRequest, field: str) -> str:
    """As it is kept; empty when nothing of it shows."""
    name = " ".join(request.POST.get(field, "").replace("\0", "").split())[:NAME_LENGTH]
    return name if is_visible(name) else ""


def _add_success(request: AuthenticatedHttpRequest, message: str) -> None:
    messages.success(request, message)
