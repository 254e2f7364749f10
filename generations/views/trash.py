"""The trash: deleted videos stay there for 30 days, to be restored or deleted for good."""

import uuid
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.rights import rights_of
from accounts.roles import Action
from generations import tasks
from generations.access import may_delete
from generations.models import TRASH_RETENTION, Generation, LibraryPicture
from generations.orders.library import LibraryFullError, restore_picture
from generations.views.keyset import moment_of, page_of

PAGE_SIZE: Final = 48
_MAX_REMOVED: Final = 20


@require_safe
@login_required
def contents(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What lies there, the last put in first: videos and pictures of the library, each with older ones of its own."""
    rows = Generation.objects.in_trash_of(request.user).select_related("video", "user", "team")
    generations, older = page_of(rows, "trashed_at", request.GET.get("before", ""), PAGE_SIZE)
    pictures, older_pictures = page_of(
        LibraryPicture.objects.in_trash_of(request.user).select_related("user", "team"),
        "trashed_at",
        request.GET.get("pictures_before", ""),
        PAGE_SIZE,
    )
    context = {
        "generations": generations,
        "pictures": pictures,
        "managed": {team.pk for team in rights_of(request.user).teams_where_may(Action.DELETE)},
        "days": TRASH_RETENTION.days,
        "older": older,
        "older_pictures": older_pictures,
        "is_first_page": not {"before", "pictures_before"} & request.GET.keys(),
        "removed": _removed_by_moderators(request),
    }
    return render(request, "trash.html", context)


def _removed_by_moderators(request: AuthenticatedHttpRequest) -> list[Generation]:
    """One's own, for the link to why and to the answer."""
    own = Generation.objects.filter(Q(user=request.user) | Q(assigned_to=request.user), deleted_at=None)
    return list(own.filter(taken_down_at__isnull=False).order_by("-taken_down_at")[:_MAX_REMOVED])


@require_POST
@login_required
def restore(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    generation = _get_trashed(request, pk)
    if generation.restore_from_trash(request.user):
        messages.success(request, _("Restored."))
    return redirect_back(request, reverse("trash"))


@require_POST
@login_required
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    generation = _get_trashed(request, pk)
    if generation.delete_permanently(request.user):
        messages.success(request, _("Deleted permanently."))
        tasks.wake_cleaner()
    return redirect_back(request, reverse("trash"))


@require_POST
@login_required
def undo(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Take out what was put in at one moment, as far as the person may."""
    at = moment_of(request.POST.get("at", ""))
    rows = Generation.objects.in_trash_of(request.user).filter(trashed_at=at)
    back = sum(row.restore_from_trash(request.user) for row in rows.deletable_by(request.user))
    pictures = LibraryPicture.objects.in_trash_of(request.user).filter(trashed_at=at)
    try:
        back += sum(map(restore_picture, pictures.deletable_by(request.user)))
    except LibraryFullError as error:
        messages.error(request, str(error))
        return redirect_back(request, reverse("trash"))
    if back:
        messages.success(request, ngettext("Restored.", "%d restored.", back) % (() if back == 1 else back))
    else:
        messages.info(request, _("Nothing left to restore."))
    return redirect_back(request, reverse("gallery"))


def _get_trashed(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Generation:
    """404 for users who may not know of it, 403 for those who may only see it in the trash."""
    generation = get_object_or_404(Generation.objects.in_trash_of(request.user), pk=pk)
    if not may_delete(request.user, generation):
        raise PermissionDenied
    return generation
