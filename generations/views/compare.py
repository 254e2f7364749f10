"""Two to four videos side by side, in step."""

import uuid
from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations.models import Generation
from generations.views.people import PersonRequest, for_people

AT_LEAST: Final = 2
AT_MOST: Final = 4


@require_safe
@never_cache
@for_people
def compare(request: PersonRequest) -> HttpResponse:
    """`?ids=a,b[,c,d]`, in that order; 404 when one of them is not there for the person, or has no video."""
    ids = _ids(request.GET.get("ids", ""))
    rows = Generation.objects.visible_to(request.user).filter(video__isnull=False).select_related("video", "user")
    found = rows.in_bulk(ids)
    if len(found) < len(ids):
        raise Http404
    return render(request, "generations/compare.html", {"generations": [found[pk] for pk in ids]})


def _ids(text: str) -> list[uuid.UUID]:
    """Each once, in the order given."""
    try:
        ids = list(dict.fromkeys(uuid.UUID(part) for part in text.split(",")))
    except ValueError:
        raise Http404 from None
    if not AT_LEAST <= len(ids) <= AT_MOST:
        raise Http404
    return ids
