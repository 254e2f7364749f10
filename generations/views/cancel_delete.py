"""Cancel a request that still runs; move one that has ended to the trash."""

import uuid
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.roles import Action
from generations import tasks
from generations.access import allowed_generation, may_delete, visible_generation
from generations.models import Generation, Status
from generations.orders.cancel import request_cancel


@require_POST
@login_required
def cancel(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    generation = allowed_generation(request, pk, Action.GENERATE)
    is_new = request_cancel(generation, request.user)
    tasks.wake()
    level, message = _cancel_message(generation, is_new)
    messages.add_message(request, level, message)
    return redirect_back(request, generation.get_absolute_url())


def _cancel_message(generation: Generation, is_new: bool) -> tuple[int, str]:
    if generation.status == Status.CANCELED and is_new:
        return messages.SUCCESS, _("Canceled. It costs nothing.")
    if generation.is_open and is_new:
        return messages.INFO, _("fal is asked to cancel it. If fal finishes it all the same, it is kept and charged.")
    if generation.status in {Status.MIRRORING, Status.DONE}:
        return messages.WARNING, _("Too late to cancel: the video is already made, so it is kept.")
    if generation.is_open:
        return messages.INFO, _("It is being canceled already.")
    return messages.INFO, _("It has already ended.")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask first; then it is out of everybody's sight, in the trash."""
    generation = visible_generation(request, pk)
    if not may_delete(request.user, generation):
        raise PermissionDenied
    if generation.is_open or request.method != "POST":
        context = {"generation": generation}
        return render(request, "generations/delete.html", context, status=409 if generation.is_open else 200)
    if generation.move_to_trash(request.user):
        add_trashed_message(request, generation.trashed_at, 1)
    return redirect_back(request, reverse("gallery"))


def add_trashed_message(request: AuthenticatedHttpRequest, at: datetime | None, count: int) -> None:
    """With the moment of it, by which the message's own form takes all of them out again."""
    message = ngettext("Moved to trash.", "%d moved to trash.", count)
    text = message % count if count > 1 else message
    messages.success(request, text, extra_tags=f"undo:{at.isoformat() if at else ''}")
