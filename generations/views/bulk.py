"""One action for a selection: all of it or nothing. A script gets JSON and stays on its page; a form is sent back."""

import uuid
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.models import Team, User
from accounts.roles import Action
from generations.exceptions import ProjectRefusedError
from generations.films.add_videos import Added, StoryboardFullError, add_videos
from generations.filters import GalleryFilters, query_of
from generations.models import Collection, Favourite, Generation, Tag
from generations.views.bulk_undo import undo_token
from generations.views.cancel_delete import add_trashed_message
from generations.views.collections import name_from
from generations.views.compare import MAX_COMPARED, MIN_COMPARED

MAX_SELECTED: Final = 500  # videos at once

Rows = list[Generation]


class TooManySelectedError(BadRequest):
    """More than MAX_SELECTED."""


@require_POST
@login_required
@transaction.atomic
def bulk(request: AuthenticatedHttpRequest) -> HttpResponse:
    """One action for all that are selected, or for none when the user may not do it to one of them."""
    name, undo = request.POST.get("verb", ""), None
    if name != "compare" and name not in _VERBS:
        raise BadRequest("No such verb.")
    rows = get_selected(request)
    if name == "compare":
        return _compare(request, rows)
    if rows:
        undo = _VERBS[name](request, rows)
    else:
        messages.info(request, _("Select videos first."))
    if wants_json(request):
        return _json(request, rows, undo)
    return redirect_back(request, reverse("gallery"))


def get_selected(request: AuthenticatedHttpRequest) -> Rows:
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


def wants_json(request: AuthenticatedHttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def message_texts(request: AuthenticatedHttpRequest) -> list[str]:
    """What would stand on the next page, which a script shows at once."""
    return [str(message) for message in messages.get_messages(request)]


def _json(request: AuthenticatedHttpRequest, rows: Rows, undo: dict[str, Any] | None) -> JsonResponse:
    """What to say, how to undo it, and which of the rows are not on the script's page any more."""
    keys = {row.pk for row in rows}
    page = query_of(request.POST.get("next", ""))
    still = GalleryFilters(request.user, page).rows().filter(pk__in=keys)
    return JsonResponse(
        {
            "messages": message_texts(request),
            "undo": undo_token(request.user, undo) if undo else "",
            "gone": sorted(keys - set(still.values_list("pk", flat=True))),
        }
    )


def _compare(request: AuthenticatedHttpRequest, rows: Rows) -> HttpResponse:
    """On to the page that plays them side by side, in the order of the selection."""
    videos = {str(row.pk) for row in rows if hasattr(row, "video")}
    if MIN_COMPARED <= len(videos) <= MAX_COMPARED:
        ids = ",".join(pk for pk in dict.fromkeys(request.POST.getlist("ids")) if pk in videos)
        return redirect(f"{reverse('compare')}?ids={ids}")
    messages.info(request, _("Select two to four finished videos to compare."))
    return redirect_back(request, reverse("gallery"))


def _favourite(request: AuthenticatedHttpRequest, rows: Rows) -> dict[str, Any]:
    new = _ids(set(rows) - set(_favourites_among(request.user, rows)))
    Favourite.objects.mark(request.user, rows)
    message = ngettext("%d added to favourites.", "%d added to favourites.", len(rows))
    messages.success(request, message % len(rows))
    return {"verb": "unfavourite", "ids": new}


def _unfavourite(request: AuthenticatedHttpRequest, rows: Rows) -> dict[str, Any]:
    marked = _ids(_favourites_among(request.user, rows))
    Favourite.objects.filter(user=request.user, generation__in=rows).delete()
    message = ngettext("%d removed from favourites.", "%d removed from favourites.", len(rows))
    messages.success(request, message % len(rows))
    return {"verb": "favourite", "ids": marked}


def _favourites_among(user: User, rows: Rows) -> Rows:
    return list(Generation.objects.filter(pk__in=_ids(rows), favourites__user=user))


def _tag(request: AuthenticatedHttpRequest, rows: Rows) -> dict[str, Any] | None:
    _require_role(request, rows)
    if not (name := name_from(request, "tag")):
        messages.info(request, _("Enter a tag name."))
        return None
    new = Tag.objects.add_to(rows, name)
    message = ngettext("%(count)d video tagged “%(name)s”.", "%(count)d videos tagged “%(name)s”.", len(rows))
    messages.success(request, message % {"count": len(rows), "name": name})
    return {"verb": "untag", "tags": {str(tag): _ids(tagged) for tag, tagged in new.items()}}


def _move(request: AuthenticatedHttpRequest, rows: Rows) -> dict[str, Any] | None:
    _require_role(request, rows)
    before = _by_collection(rows)
    name = name_from(request, "collection")
    try:
        Collection.objects.assign(rows, name, request.user)
    except ProjectRefusedError as error:
        messages.error(request, str(error))
        return None
    if name:
        message = ngettext("%(count)d video moved to “%(name)s”.", "%(count)d videos moved to “%(name)s”.", len(rows))
    else:
        message = ngettext("%(count)d video is in no project.", "%(count)d videos are in no project.", len(rows))
    messages.success(request, message % {"count": len(rows), "name": name})
    return {"verb": "move", "collections": before}


def _storyboard(request: AuthenticatedHttpRequest, rows: Rows) -> dict[str, Any] | None:
    """Each becomes a shot, in the order of the selection: of the project that is named, or else of its own."""
    _require_role(request, rows)
    places = {uuid.UUID(named): place for place, named in enumerate(request.POST.getlist("ids"))}
    rows.sort(key=lambda row: places[row.pk])
    before: dict[str, list[str]] = {}
    try:
        with transaction.atomic():
            if name := name_from(request, "storyboard"):
                finished = [row for row in rows if hasattr(row, "video")]
                before = _by_collection(finished)
                Collection.objects.assign(finished, name, request.user)
            added = add_videos(request.user, rows)
    except (ProjectRefusedError, StoryboardFullError) as error:
        messages.error(request, str(error))
        return None
    _tell_of_shots(request, added)
    shots = [shot.pk for shot in added.shots]
    is_undone = shots or before
    return {"verb": "storyboard", "shots": shots, "former": added.former, "collections": before} if is_undone else None


def _tell_of_shots(request: AuthenticatedHttpRequest, added: Added) -> None:
    count, projects = len(added.shots), {shot.project.name for shot in added.shots}
    if len(projects) == 1:
        words = ngettext(
            "%(count)d shot added to the storyboard of “%(name)s”.",
            "%(count)d shots added to the storyboard of “%(name)s”.",
            count,
        )
        messages.success(request, words % {"count": count, "name": projects.pop()})
    elif projects:
        words = _("%(count)d shots added to the storyboards of %(projects)d projects.")
        messages.success(request, words % {"count": count, "projects": len(projects)})
    for left_out, words in _left_out(added):
        if left_out:
            messages.warning(request, words % left_out)


def _left_out(added: Added) -> list[tuple[int, str]]:
    """How many of them were not added as they are, and why."""
    known, unfinished, unpublished = len(added.known), len(added.unfinished), len(added.unpublished)
    without_project, without_pictures = len(added.without_project), len(added.without_pictures)
    late = ngettext(
        "%d has no video yet, so it was left out.", "%d have no video yet, so they were left out.", unfinished
    )
    lack = ngettext(
        "%d shot lacks its pictures, which aren’t yours.",
        "%d shots lack their pictures, which aren’t yours.",
        without_pictures,
    )
    unseen = ngettext(
        "%d is private or waits for a review, and a shot shows its prompt to the team: it was left out.",
        "%d are private or wait for a review, and shots show their prompts to the team: they were left out.",
        unpublished,
    )
    astray = ngettext("%d is in no project: name one.", "%d are in no project: name one.", without_project)
    return [
        (known, ngettext("%d is a take there already.", "%d are takes there already.", known)),
        (unfinished, late),
        (unpublished, unseen),
        (without_project, astray),
        (without_pictures, lack),
    ]


def _by_collection(rows: Rows) -> dict[str, list[str]]:
    """Their ids by that of the project that they are in; blank: in none."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row.collection_id or ""), []).append(str(row.pk))
    return found


def _delete(request: AuthenticatedHttpRequest, rows: Rows) -> dict[str, Any] | None:
    """What is still being made stays, and that is said."""
    deletable = Generation.objects.filter(pk__in=_ids(rows)).deletable_by(request.user)
    if deletable.count() < len(rows):
        raise PermissionDenied
    now = timezone.now()
    trashed = sum(row.move_to_trash(request.user, now) for row in rows)
    if trashed:
        add_trashed_message(request, now, trashed)
    if stayed := len(rows) - trashed:
        message = ngettext("%d is still running, so it stays.", "%d are still running, so they stay.", stayed)
        messages.warning(request, message % stayed)
    return {"verb": "restore", "at": now.isoformat()} if trashed else None


_VERBS: Final[dict[str, Callable[[AuthenticatedHttpRequest, Rows], dict[str, Any] | None]]] = {
    "favourite": _favourite,
    "unfavourite": _unfavourite,
    "tag": _tag,
    "move": _move,
    "storyboard": _storyboard,
    "delete": _delete,
}


def _ids(rows: Rows | set[Generation]) -> list[str]:
    return [str(row.pk) for row in rows]


def _require_role(request: AuthenticatedHttpRequest, rows: Rows) -> None:
    """That the person may work in the team of every row."""
    teams = {row.team_id for row in rows}
    if Team.objects.where_may(request.user, Action.GENERATE).filter(pk__in=teams).count() < len(teams):
        raise PermissionDenied
