"""Generate shots of a storyboard: the price first, and then one order for all of them."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from config.parameters import whole_number
from generations import tasks
from generations.access import visible_project
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.films.shot_orders import Plan, plan
from generations.films.storyboard import (
    MAX_ORDERED,
    ShotsChangedError,
    ShotsOrderedError,
    ShotsPriceError,
    refuse_changed,
    slides_of,
)
from generations.models import Collection, Generation
from generations.orders.place import place_batch
from generations.views.shots import parameters_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def generate(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """`shots` names them, `missing` asks for all that have no video. A POST with the form's `key` orders; any other
    request shows what it costs.
    """
    project = visible_project(request, pk)
    if not rights_of(request.user).may(Action.GENERATE, project.team_id):
        raise PermissionDenied
    key = _uuid(request.POST.get("key", ""))
    if key is None:
        return _page(request, project)
    ordered = Generation.objects.filter(user=request.user, idempotency_key=key)
    if ordered.exists():
        return redirect("storyboard", pk)
    try:
        return _order(request, project, key)
    except (BucketDownError, OrderRefusedError) as refused:
        if ordered.exists():  # the same press came twice at once, and the other one was first
            return redirect("storyboard", pk)
        is_missing = not isinstance(refused, ShotsOrderedError)  # the second press means it
        return _page(request, project, str(refused), is_missing=is_missing)


def _order(request: AuthenticatedHttpRequest, project: Collection, key: uuid.UUID) -> HttpResponse:
    if "shots" not in request.POST:  # a form of missing shots, with none of them ticked
        raise OrderRefusedError(_("Select the shots to generate."))
    planned = _plan(request, project)
    _refuse(request, planned)
    shots = [line.order for line in planned.lines]
    record = refuse_changed(shots, is_missing="missing" in request.POST)
    made = place_batch([shot.order(request.user, key) for shot in shots], record=record)
    tasks.wake()
    words = ngettext("%d video is ordered.", "%d videos are ordered.", len(made))
    messages.success(request, words % len(made))
    return redirect("storyboard", project.pk)


def _page(
    request: AuthenticatedHttpRequest, project: Collection, error: str = "", *, is_missing: bool = True
) -> HttpResponse:
    context = {
        "project": project,
        "plan": _plan(request, project),
        "error": error,
        "key": uuid.uuid4(),
        "is_missing": is_missing and "missing" in _data(request),
        "max_ordered": MAX_ORDERED,
    }
    return render(request, "storyboards/generate.html", context, status=422 if error else 200)


def _data(request: AuthenticatedHttpRequest) -> Any:
    return request.POST if request.method == "POST" else request.GET


def _plan(request: AuthenticatedHttpRequest, project: Collection) -> Plan:
    data = _data(request)
    slides = slides_of(request.user, project, has_takes=False)
    if "shots" in data or "missing" not in data:
        named = {whole_number(text) for text in data.getlist("shots")}
        wanted = [slide for slide in slides if slide.shot.pk in named]
    else:
        wanted = [slide for slide in slides if slide.is_missing]
    return plan(request.user, project, wanted, parameters_of(request.user, project))


def _refuse(request: AuthenticatedHttpRequest, planned: Plan) -> None:
    """Raise OrderRefusedError where the press orders nothing yet."""
    if not planned.lines:
        raise OrderRefusedError(_("Select the shots to generate."))
    if any(line.order.problems for line in planned.lines):
        raise OrderRefusedError(_("Nothing was ordered: correct what stands beside the shots, or untick them."))
    if request.POST.get("cents") != str(planned.cents):
        raise ShotsPriceError(planned.cents)
    if not {line.order.digest for line in planned.lines} <= set(request.POST.getlist("seen")):
        words = _("Nothing was ordered yet: some of these shots were changed meanwhile. Look at them and press again.")
        raise ShotsChangedError(words)
    if "missing" in request.POST and not all(line.slide.is_missing for line in planned.lines):
        raise ShotsOrderedError


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
