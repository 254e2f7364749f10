"""The composer: the page on which users ask for a video."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team
from config.server.limits import PICTURES_BYTES, body_limit
from generations import tasks
from generations.billing.budget import Payer, payers_of
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_RATIO,
    MAX_PROMPT_CHARACTERS,
    MIN_PICTURE_RATIO,
    MIN_PICTURE_SIDE,
    AspectRatio,
    Duration,
    Endpoint,
    Source,
)
from generations.forms import MAX_LINES, MAX_VARIATIONS, QUALITY_CHOICES, GenerationForm
from generations.models import Draft, EndpointSwitch, Generation, Preset, Slot
from generations.orders.place import place_batch
from generations.pictures import MAX_PIXELS
from generations.views import drafts
from generations.views.prefill import (
    find_made,
    first_form,
    form_from_draft,
    form_from_made,
    named_draft,
    remember_templates,
)

# what the page tells before the server judges
LIMITS: Final = {
    "prompt": MAX_PROMPT_CHARACTERS,
    "variations": MAX_VARIATIONS,
    "lines": MAX_LINES,
    "bytes": MAX_PICTURE_BYTES,
    "min_side": MIN_PICTURE_SIDE,
    "min_ratio": MIN_PICTURE_RATIO,
    "max_ratio": MAX_PICTURE_RATIO,
    "pixels": json.dumps({f"image/{kind.lower()}": limit for kind, limit in MAX_PIXELS.items()}),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """An endpoint and its prices in US cents by duration. `is_choice`: of its source there is another quality."""

    endpoint: Endpoint
    cents: Mapping[str, int]
    is_choice: bool

    @property
    def quality(self) -> str:
        return self.endpoint.quality.value if self.is_choice else ""

    @property
    def only(self) -> str:
        """The classes of what is shown as long as this is chosen."""
        return f"only-{self.endpoint.source} only-{self.quality}" if self.quality else f"only-{self.endpoint.source}"


@body_limit(PICTURES_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def new_generation(request: HttpRequest) -> HttpResponseBase:
    """What is sent from a page of somebody who is not signed in here, or not any more, is kept for that person."""
    is_strangers = request.method == "POST" and drafts.owner_of(request.POST) not in {None, request.user}
    return (is_strangers and drafts.save_unsent(request)) or _new_generation(request)


@login_required
def _new_generation(request: AuthenticatedHttpRequest) -> HttpResponse:
    payers = payers_of(request.user)
    if not payers:
        raise PermissionDenied
    teams = [payer.team for payer in payers]
    if request.method != "POST":
        return _first_page(request, payers)
    form = GenerationForm(request.user, request.POST, request.FILES, teams=teams, has_variables=True)
    is_valid = form.is_valid()
    drafts.save_draft(request.user, request.POST, form.kept)
    _refuse_viewers(request, teams)
    if not is_valid:
        return _page(request, form, payers, status=422)
    try:
        record = Preset.objects.count_use(request.user, form.preset_id) if form.preset_id else None
        made = place_batch(form.orders, record=record)
    except (BucketDownError, OrderRefusedError) as error:
        form.add_error(getattr(error, "field", None), str(error))
        return _page(request, form, payers, status=503 if isinstance(error, BucketDownError) else 422)
    drafts.finish(request.user, request.POST)
    remember_templates(request, made, form)
    tasks.wake()
    return redirect(f"{reverse('new-generation')}?{urlencode(_next_page_query(made[0], form))}")


@require_POST
@login_required
def variables(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The fields of the variables that the form as it stands has, for its page. Nothing is judged."""
    initial = drafts.typed_values(request.POST)
    form = GenerationForm(request.user, initial=initial, teams=[], has_variables=True)
    return render(request, "generations/_variables.html", {"form": form})


def _next_page_query(first: Generation, form: GenerationForm) -> dict[str, str]:
    """What the next page shows: what was made, and what the form's other tab holds."""
    uploads = {slot.value: form.cleaned_data[f"{slot}_upload"] for slot in Slot}
    kept = {slot: str(pk) for slot, pk in uploads.items() if pk}
    if first.fal_endpoint.source is Source.IMAGE:  # the row itself has none
        kept["aspect_ratio"] = form.cleaned_data["aspect_ratio"]
    if form.preset_id:
        kept["preset"] = str(form.preset_id)
    return {"made": str(first.batch or first.pk)} | kept


def _refuse_viewers(request: AuthenticatedHttpRequest, may: list[Team]) -> None:
    """A team that the person may only look at is refused as such; of a team of others the form says nothing."""
    slug = request.POST.get("team", "")
    if slug not in {team.slug for team in may} and Team.objects.of(request.user).filter(slug=slug).exists():
        raise PermissionDenied


def _first_page(request: AuthenticatedHttpRequest, payers: list[Payer]) -> HttpResponse:
    """A fresh form; `?made=<batch or id>` begins with what was just ordered, which then stands above it."""
    teams = [payer.team for payer in payers]
    made, own = find_made(request), drafts.drafts_of(request.user)
    if draft := named_draft(request, own, or_newest=not made):
        return _page(request, form_from_draft(request, draft, teams), payers, made, draft, own)
    form = form_from_made(request, made, teams) if made else first_form(request, teams)
    return _page(request, form, payers, made, own=own)


def _page(
    request: AuthenticatedHttpRequest,
    form: GenerationForm,
    payers: list[Payer],
    made: list[Generation] | None = None,
    draft: Draft | None = None,
    own: list[Draft] | None = None,
    status: int = 200,
) -> HttpResponse:
    """`own` are the user's drafts, where they have been read already."""
    teams = [payer.team for payer in payers]
    presets = Preset.objects.of(request.user)
    context = {
        "form": form,
        "teams": teams,
        "payers": payers,
        "projects": [each for payer in payers for each in payer.projects],
        **_offers(form, teams),
        "durations": [duration.value for duration in Duration],
        "ratios": list(AspectRatio),
        "limits": LIMITS,
        "variations": range(1, MAX_VARIATIONS + 1),
        "made": made,
        "presets": presets,
        "begun_with": next((one for one in presets if one.pk == form.preset_id), None),
        "sharable": [team for team in teams if team.personal_of_id is None],
        "may_generate_in": {payer.team.pk for payer in payers},
        "now": timezone.now(),
        "draft": draft,
        "draft_key": request.POST.get("draft") or uuid.uuid4(),
        "draft_owner": drafts.sign_owner(request.user),
        "other_drafts": _other_drafts(request, draft, drafts.drafts_of(request.user) if own is None else own),
    }
    return render(request, "generations/new.html", context, status=status)


def _offers(form: GenerationForm, teams: list[Team]) -> dict[str, Any]:
    """What can be ordered at which price, and what the form as it stands costs."""
    offered = EndpointSwitch.objects.offered(teams)
    by_quality = [(name, label, [one for one in offered if one.quality == name]) for name, label in QUALITY_CHOICES]
    qualities = [each for each in by_quality if each[2]]
    choice = [source for source in Source if len([one for one in offered if one.source is source]) > 1]
    return {
        "offers": [Offer(one, cents, one.source in choice) for one, cents in offered.items()],
        "qualities": qualities if len(qualities) > 1 else [],
        "only_choice": f"only-{choice[0]}" if len(choice) == 1 else "",
        "cents": (offered.get(form.endpoint, {}) if form.endpoint else {}).get(str(form["duration"].value())),
    }


def _other_drafts(request: AuthenticatedHttpRequest, draft: Draft | None, own: list[Draft]) -> list[Draft]:
    """The newest first, but for the one that the form holds."""
    shown = str(draft.key) if draft else request.POST.get("draft", "")
    return [each for each in own if str(each.key) != shown]
