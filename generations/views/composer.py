"""The page on which people ask for a video."""

import uuid
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Team
from accounts.roles import Action
from generations import tasks
from generations.bucket import BucketDownError
from generations.fal.arguments import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_RATIO,
    MAX_PROMPT_CHARACTERS,
    MIN_PICTURE_RATIO,
    MIN_PICTURE_SIDE,
    AspectRatio,
    Duration,
    Endpoint,
)
from generations.forms import KINDS, GenerationForm
from generations.models import Generation, Price, Slot, Upload
from generations.pictures import MAX_PIXELS
from generations.pipeline import place_order
from generations.views.people import PersonRequest, for_people, visible_generation

# what the page tells before the server judges
LIMITS: Final = {
    "prompt": MAX_PROMPT_CHARACTERS,
    "bytes": MAX_PICTURE_BYTES,
    "min_side": MIN_PICTURE_SIDE,
    "min_ratio": MIN_PICTURE_RATIO,
    "max_ratio": MAX_PICTURE_RATIO,
    "pixels": MAX_PIXELS,
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people
def new_generation(request: PersonRequest) -> HttpResponse:
    teams = list(Team.objects.where_may(request.user, Action.GENERATE))
    if not teams:
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, _first_form(request, teams), teams)
    _refuse_viewers(request, teams)
    form = GenerationForm(request.user, request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, teams, status=422)
    try:
        generation = place_order(form.order)
    except BucketDownError as error:
        form.add_error(None, str(error))
        return _page(request, form, teams, status=503)
    tasks.wake()
    return redirect(generation)


def _refuse_viewers(request: PersonRequest, may: list[Team]) -> None:
    """A team that the person may only look at is refused as such; of a team of others the form says nothing."""
    slug = request.POST.get("team", "")
    if slug not in {team.slug for team in may} and Team.objects.of(request.user).filter(slug=slug).exists():
        raise PermissionDenied


def _page(request: PersonRequest, form: GenerationForm, teams: list[Team], status: int = 200) -> HttpResponse:
    table = Price.objects.table()
    context = {
        "form": form,
        "teams": teams,
        "prices": {kind: table.get(endpoint, {}) for kind, endpoint in KINDS.items()},
        "durations": [duration.value for duration in Duration],
        "ratios": list(AspectRatio),
        "limits": LIMITS,
    }
    return render(request, "generations/new.html", context, status=status)


def _first_form(request: PersonRequest, teams: list[Team]) -> GenerationForm:
    """A fresh form; `?kind=image` opens that tab, `?from=<id>` begins with what another generation was made of.

    `?start=<id>` and `?tail=<id>` begin with pictures that the person has given before.
    """
    kind = request.GET.get("kind")
    if "from" in request.GET:
        form = _form_like(request, _named(request, request.GET["from"]), teams)
    else:
        form = GenerationForm(request.user, initial={"kind": kind} if kind in KINDS else {})
    form.kept |= _named_uploads(request)
    return form


def _named_uploads(request: PersonRequest) -> dict[Slot, Upload]:
    """The pictures named in the address, as far as they are the person's own and still there."""
    named = {slot: _uuid(request.GET.get(slot, "")) for slot in Slot}
    found = {slot: Upload.objects.take(request.user, pk=pk) for slot, pk in named.items() if pk}
    return {Slot(slot): upload for slot, upload in found.items() if upload}


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _named(request: PersonRequest, pk: str) -> Generation:
    try:
        return visible_generation(request, uuid.UUID(pk))
    except ValueError:
        raise Http404 from None


def _form_like(request: PersonRequest, model: Generation, teams: list[Team]) -> GenerationForm:
    initial: dict[str, Any] = {
        "parent": model.pk,
        "kind": "text" if model.endpoint == Endpoint.TEXT_TO_VIDEO else "image",
        "prompt": model.prompt,
        "negative_prompt": model.negative_prompt,
        "cfg_scale": model.cfg_scale,
        "duration": str(model.duration),
    }
    if model.aspect_ratio:
        initial["aspect_ratio"] = model.aspect_ratio
    if model.team in teams:
        initial["team"] = model.team.slug
    form = GenerationForm(request.user, initial=initial)
    form.kept = _own_uploads(request, model)
    return form


def _own_uploads(request: PersonRequest, model: Generation) -> dict[Slot, Upload]:
    """Its pictures, as far as the person gave them to the studio themselves."""
    found = {each.slot: Upload.objects.take(request.user, sha256=each.sha256) for each in model.pictures.all()}
    return {Slot(slot): upload for slot, upload in found.items() if upload}
