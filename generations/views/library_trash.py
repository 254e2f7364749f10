"""Pictures of the library in the trash: to be restored, or deleted for good."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from generations import tasks
from generations.models import LibraryPicture
from generations.orders.library import LibraryFullError, restore_picture
from generations.views.library import deliver_thumbnail, may_delete


@require_POST
@login_required
def restore(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    picture = _get_deletable(request, pk)
    try:
        if restore_picture(picture):
            messages.success(request, _("Restored."))
    except LibraryFullError as error:
        messages.error(request, str(error))
    return redirect_back(request, reverse("trash"))


@require_POST
@login_required
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    picture = _get_deletable(request, pk)
    if LibraryPicture.objects.filter(pk=picture.pk, trashed_at__isnull=False).delete_with_objects():
        messages.success(request, _("Deleted permanently."))
        tasks.wake_cleaner()
    return redirect_back(request, reverse("trash"))


@require_safe
@login_required
def thumbnail(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    return deliver_thumbnail(request, _get(request, pk))


def _get_deletable(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> LibraryPicture:
    """404 for users who may not know of it, 403 for those who may only see it in the trash."""
    picture = _get(request, pk)
    if not may_delete(request.user, picture):
        raise PermissionDenied
    return picture


def _get(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> LibraryPicture:
    return get_object_or_404(LibraryPicture.objects.in_trash_of(request.user), pk=pk)
