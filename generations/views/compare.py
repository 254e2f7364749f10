"""Two to four videos side by side, in step."""

import uuid
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.models import Generation

MIN_COMPARED: Final = 2
MAX_COMPARED: Final = 4


@require_safe
@login_required
def compare(request: AuthenticatedHttpRequest) -> HttpResponse:
    """`?ids=a,b[,c,d]`, in that order; 404 when one of them is not there for the person, or has no video."""
    ids = _ids(request.GET.get("ids", ""))
    rows = Generation.objects.visible_to(request.user).filter(video__isnull=False).select_related("video", "user")
    found = rows.in_bulk(ids)
    if len(found) < len(ids):
        raise Http404
    are_tall = all(row.video.height > row.video.width for row in found.values())
    context = {"generations": [found[pk] for pk in ids], "shape": "tall" if are_tall else "wide"}
    return render(request, "generations/compare.html", context)


def _ids(text: str) -> list[uuid.UUID]:
    """Each once, in the order given."""
    try:
        ids = list(dict.fromkeys(uuid.UUID(part) for part in text.split(",")))
    except ValueError:
        raise Http404 from None
    if not MIN_COMPARED <= len(ids) <= MAX_COMPARED:
        raise Http404
    return ids
