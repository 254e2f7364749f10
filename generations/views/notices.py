"""What a browser notification is about: a user's own generations that have ended. A hidden tab asks."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.models import Generation, Status

_MAX_ROWS: Final = 10
_LONGEST_LOOK_BACK: Final = timedelta(hours=1)
_OVERLAP: Final = timedelta(seconds=3)  # a transaction may commit after one that began later
_OF_PROMPT: Final = 100  # characters


@require_safe
@login_required
def ended(request: AuthenticatedHttpRequest) -> HttpResponse:
    """`?since=<milliseconds since 1970>` → `{"ended": [{id, status, prompt, address}, …]}`."""
    try:
        since = datetime.fromtimestamp(int(request.GET.get("since", "")) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return HttpResponseBadRequest()
    since = max(since - _OVERLAP, timezone.now() - _LONGEST_LOOK_BACK)
    return JsonResponse({"ended": [_serialize(row) for row in _ended_rows(request, since)]})


def _ended_rows(request: AuthenticatedHttpRequest, since: datetime) -> QuerySet[Generation]:
    own = Generation.objects.visible_to(request.user).filter(user=request.user)
    return own.filter(status__in=[Status.DONE, Status.FAILED], finished_at__gt=since)[:_MAX_ROWS]


def _serialize(row: Generation) -> dict[str, str]:
    prompt, address = row.prompt[:_OF_PROMPT], row.get_absolute_url()
    return {"id": str(row.pk), "status": row.status, "prompt": prompt, "address": address}
