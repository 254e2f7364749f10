"""The bin: what was deleted rests there for 30 days, to be taken out again or deleted for good."""

import uuid
from datetime import datetime
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Team
from accounts.roles import Action
from generations import tasks
from generations.models import BIN_KEEPS, Generation
from generations.views.ending import may_delete
from generations.views.people import PersonRequest, for_people, onward

PAGE_SIZE: Final = 48
_REMOVED: Final = 20


@require_safe
@never_cache
@for_people
def contents(request: PersonRequest) -> HttpResponse:
    """What lies there, the last put in first."""
    rows = Generation.objects.in_bin_of(request.user).select_related("video", "user", "team")
    if before := request.GET.get("before"):
        rows = rows.filter(_under(before))
    page = list(rows.order_by("-binned_at", "-id")[: PAGE_SIZE + 1])
    context = {
        "generations": page[:PAGE_SIZE],
        "managed": set(Team.objects.where_may(request.user, Action.DELETE).values_list("pk", flat=True)),
        "days": BIN_KEEPS.days,
        "older": _cursor(page[PAGE_SIZE - 1]) if len(page) > PAGE_SIZE else "",
        "is_first_page": not before,
        "removed": _removed_by_moderators(request),
    }
    return render(request, "bin.html", context)


def _removed_by_moderators(request: PersonRequest) -> list[Generation]:
    """One's own, for the link to why and to the answer."""
    own = Generation.objects.filter(Q(user=request.user) | Q(keeper=request.user), deleted_at=None)
    return list(own.filter(taken_down_at__isnull=False).order_by("-taken_down_at")[:_REMOVED])


@require_POST
@never_cache
@for_people
def restore(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    generation = _binned(request, pk)
    if generation.restore(request.user):
        messages.success(request, _("It is back."))
    return onward(request, reverse("bin"))


@require_POST
@never_cache
@for_people
def discard(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    generation = _binned(request, pk)
    if generation.discard(request.user):
        messages.success(request, _("Deleted for good."))
        tasks.wake_cleaner()
    return onward(request, reverse("bin"))


@require_POST
@never_cache
@for_people
def undo(request: PersonRequest) -> HttpResponse:
    """Take out what was put in at one moment, as far as the person may."""
    rows = Generation.objects.in_bin_of(request.user).filter(binned_at=_moment(request.POST.get("at", "")))
    back = sum(row.restore(request.user) for row in rows.deletable_by(request.user))
    if back:
        messages.success(request, ngettext("It is back.", "%d are back.", back) % (() if back == 1 else back))
    else:
        messages.info(request, _("There was nothing left to bring back."))
    return onward(request, reverse("gallery"))


def _binned(request: PersonRequest, pk: uuid.UUID) -> Generation:
    """404 for whoever may not know of it, 403 for whoever may only see it lie there."""
    generation = get_object_or_404(Generation.objects.in_bin_of(request.user), pk=pk)
    if not may_delete(request.user, generation):
        raise PermissionDenied
    return generation


def _cursor(row: Generation) -> str:
    return f"{_moment(row.binned_at).isoformat()}_{row.pk}"


def _under(cursor: str) -> Q:
    moment, _underscore, pk = cursor.partition("_")
    at = _moment(moment)
    try:
        return Q(binned_at__lte=at) & ~Q(binned_at=at, pk__gte=uuid.UUID(pk))
    except ValueError:
        raise Http404 from None


def _moment(value: datetime | str | None) -> datetime:
    """An aware moment, or 404 for what is none."""
    try:
        moment = value if isinstance(value, datetime) else parse_datetime(value or "")
    except ValueError:
        raise Http404 from None
    if moment is None or moment.tzinfo is None:
        raise Http404
    return moment
