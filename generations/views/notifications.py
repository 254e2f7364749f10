"""What the person is told: a page, the menu under the bell, and marking it read. Looking at it marks nothing."""

import uuid
from datetime import UTC, datetime
from typing import Final

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, is_script_request, login_required
from generations.notifications.bell import lines, mark_read, unread

_ON_PAGE: Final = 100
_IN_MENU: Final = 8


@require_safe
@login_required
def notifications(request: AuthenticatedHttpRequest) -> HttpResponse:
    return render(request, "notifications.html", _context(request, _ON_PAGE))


@require_safe
@login_required
def menu(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Of the bell, fetched when it is opened."""
    return render(request, "_notifications.html", _context(request, _IN_MENU) | {"is_menu": True})


@require_POST
@login_required
def read(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Mark `id` read, or all that there were at `until`, in milliseconds since 1970."""
    try:
        pk = uuid.UUID(request.POST["id"]) if request.POST.get("id") else None
        until = datetime.fromtimestamp(int(request.POST["until"]) / 1000, UTC) if "until" in request.POST else None
    except (ValueError, OverflowError, OSError):
        return HttpResponseBadRequest()
    mark_read(request.user, until or timezone.now(), pk)
    return HttpResponse(status=204) if is_script_request(request) else redirect("notifications")


def _context(request: AuthenticatedHttpRequest, limit: int) -> dict[str, object]:
    until = int(timezone.now().timestamp() * 1000) + 1
    return {"lines": lines(request.user, limit), "unread": unread(request.user), "until": until}
