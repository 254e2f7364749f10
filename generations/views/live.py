"""Live updates: a tab asks what has moved since it last asked. One query; 204 when nothing did."""

import json
from datetime import UTC, datetime, timedelta
from typing import Final
from zlib import crc32

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from generations.models import Generation
from generations.views.people import PersonRequest, for_people

_AT_MOST: Final = 100
_OVERLAP: Final = timedelta(seconds=3)  # a transaction may commit after one that began later
_LONGEST_LOOK_BACK: Final = timedelta(hours=1)


@require_safe
@never_cache
@for_people
def events(request: PersonRequest) -> HttpResponse:
    """`?since=<milliseconds since 1970>` → `{"now": …, "moved": [[id, version], …]}`; a tab skips what it has seen."""
    now = timezone.now()
    rows = Generation.objects.visible_to(request.user).filter(changed_at__gt=_since(request, now) - _OVERLAP)
    moved = rows.order_by("-changed_at").values_list("pk", "changed_at")[:_AT_MOST]
    versions = [[str(pk), _milliseconds(changed_at)] for pk, changed_at in moved]
    if not versions:
        return HttpResponse(status=204)
    etag = f'W/"{crc32(json.dumps(versions).encode()):x}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    return JsonResponse({"now": _milliseconds(now), "moved": versions}, headers={"ETag": etag})


def _since(request: PersonRequest, now: datetime) -> datetime:
    try:
        since = datetime.fromtimestamp(int(request.GET.get("since", "")) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return max(since, now - _LONGEST_LOOK_BACK)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
