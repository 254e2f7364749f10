"""The composer: the page on which users ask for a video."""

import json
import uuid
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team
from accounts.roles import Action
from config.parameters import whole_number
from config.server.limits import PICTURES_BYTES, body_limit
from generations import tasks
from generations.access import visible_generation
from generations.billing.budget import budget_of
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
)
from generations.forms import KINDS, MAX_LINES, MAX_VARIATIONS, GenerationForm
from generations.models import Draft, Generation, Preset, Price, Relation, Slot, Upload
from generations.orders.place import place_batch
from generations.pictures import MAX_PIXELS
from generations.views import drafts

_MAX_RECENT_PROMPTS: Final = 20  # prompts in the list
_LOOK_BACK: Final = 200  # rows that they are looked for in
# with one of these in the address the form does not begin with a draft
_PREFILL_PARAMETERS: Final = frozenset({"fresh", "from", "preset", "prompt", *Slot.values})

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


@body_limit(PICTURES_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def new_generation(request: HttpRequest) -> HttpResponseBase:
    """What is sent from a page of somebody who is not signed in here, or not any more, is kept for that person."""
    is_strangers = request.method == "POST" and drafts.owner_of(request.POST) not in {None, request.user}
    return (is_strangers and drafts.save_unsent(request)) or _new_generation(request)


@login_required
def _new_generation(request: AuthenticatedHttpRequest) -> HttpResponse:
    teams = list(Team.objects.where_may(request.user, Action.GENERATE))
    if not teams:
        raise PermissionDenied
    if request.method != "POST":
        return _first_page(request, teams)
    form = GenerationForm(request.user, request.POST, request.FILES)
    is_valid = form.is_valid()
    drafts.save_draft(request.user, request.POST, form.kept)
    _refuse_viewers(request, teams)
    if not is_valid:
        return _page(request, form, teams, status=422)
    try:
        made = place_batch(form.orders)
    except (BucketDownError, OrderRefusedError) as error:
        form.add_error(getattr(error, "field", None), str(error))
        return _page(request, form, teams, status=503 if isinstance(error, BucketDownError) else 422)
    drafts.finish(request.user, request.POST)
    tasks.wake()
    return redirect(f"{reverse('new-generation')}?{urlencode(_next_page_query(made[0], form))}")


def _next_page_query(first: Generation, form: GenerationForm) -> dict[str, str]:
    """What the next page shows: what was made, and what the form's other tab holds."""
    uploads = {slot.value: form.cleaned_data[f"{slot}_upload"] for slot in Slot}
    kept = {slot: str(pk) for slot, pk in uploads.items() if pk}
    if form.cleaned_data["kind"] == "image":  # the row itself has none
        kept["aspect_ratio"] = form.cleaned_data["aspect_ratio"]
    return {"made": str(first.batch or first.pk)} | kept


def _refuse_viewers(request: AuthenticatedHttpRequest, may: list[Team]) -> None:
    """A team that the person may only look at is refused as such; of a team of others the form says nothing."""
    slug = request.POST.get("team", "")
    if slug not in {team.slug for team in may} and Team.objects.of(request.user).filter(slug=slug).exists():
        raise PermissionDenied


def _page(
    request: AuthenticatedHttpRequest,
    form: GenerationForm,
    teams: list[Team],
    made: list[Generation] | None = None,
    draft: Draft | None = None,
    status: int = 200,
) -> HttpResponse:
    table = Price.objects.table()
    budgets = [(team, budget_of(request.user, team)) for team in teams]
    context = {
        "form": form,
        "teams": teams,
        "budgets": [(team, budget) for team, budget in budgets if budget],
        "prices": {kind: table.get(endpoint, {}) for kind, endpoint in KINDS.items()},
        "durations": [duration.value for duration in Duration],
        "ratios": list(AspectRatio),
        "limits": LIMITS,
        "variations": range(1, MAX_VARIATIONS + 1),
        "made": made,
        "presets": Preset.objects.filter(user=request.user),
        "recent_prompts": _recent_prompts(request),
        "may_generate_in": {team.pk for team in teams},
        "now": timezone.now(),
        "draft": draft,
        "draft_key": request.POST.get("draft") or uuid.uuid4(),
        "draft_owner": drafts.sign_owner(request.user),
        "other_drafts": _other_drafts(request, draft),
    }
    return render(request, "generations/new.html", context, status=status)


def _first_page(request: AuthenticatedHttpRequest, teams: list[Team]) -> HttpResponse:
    """A fresh form; `?made=<batch or id>` begins with what was just ordered, which then stands above it."""
    made = _find_made(request)
    if draft := _named_draft(request, or_newest=not made):
        return _page(request, _form_from_draft(request, draft, teams), teams, made, draft)
    if made:
        form = _form_from_made(request, made, teams)
        form.kept = _named_uploads(request) | form.kept
        form.initial.setdefault("aspect_ratio", request.GET.get("aspect_ratio"))
        return _page(request, form, teams, made)
    return _page(request, _first_form(request, teams), teams)


def _named_draft(request: AuthenticatedHttpRequest, *, or_newest: bool) -> Draft | None:
    """`?draft=<key>`, or the newest where the address asks for nothing else to begin with."""
    own = Draft.objects.filter(user=request.user).select_related("start", "tail")
    if (key := _uuid(request.GET.get("draft", ""))) and (named := own.filter(key=key).first()):
        return named
    return own.first() if or_newest and not _PREFILL_PARAMETERS & request.GET.keys() else None


def _other_drafts(request: AuthenticatedHttpRequest, draft: Draft | None) -> list[Draft]:
    """The newest first, but for the one that the form holds."""
    shown = {draft.key} if draft else {_uuid(request.POST.get("draft", ""))}
    return [each for each in Draft.objects.filter(user=request.user) if each.key not in shown]


def _form_from_draft(request: AuthenticatedHttpRequest, draft: Draft, teams: list[Team]) -> GenerationForm:
    initial = dict(draft.values)
    if initial.get("team") not in {team.slug for team in teams}:
        initial.pop("team", None)
    form = GenerationForm(request.user, initial=initial)
    form.kept = draft.uploads | _named_uploads(request)  # the address may be a moment ahead of the draft
    return form


def _first_form(request: AuthenticatedHttpRequest, teams: list[Team]) -> GenerationForm:
    """A fresh form; `?kind=image` opens that tab, `?from=<id>` begins with what another generation was made of.

    `?team=<slug>` begins with that team, `?preset=<id>` with a preset and `?prompt=<id>` with an earlier prompt;
    `?start=<id>` and `?tail=<id>` with pictures that the person has given before.
    """
    kind = request.GET.get("kind")
    if "from" in request.GET:
        form = _form_from_generation(request, _get_generation(request, request.GET["from"]), teams)
    else:
        initial = ({"kind": kind} if kind in KINDS else {}) | _named_team(request, teams)
        form = GenerationForm(request.user, initial=initial | _named_preset(request) | _named_prompt(request))
    form.kept |= _named_uploads(request)
    return form


def _named_team(request: AuthenticatedHttpRequest, teams: list[Team]) -> dict[str, Any]:
    slug = request.GET.get("team")
    return {"team": slug} if slug in {team.slug for team in teams} else {}


def _named_preset(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    pk = request.GET.get("preset", "")
    preset = Preset.objects.filter(user=request.user, pk=pk).first() if whole_number(pk) else None
    return dict(preset.values) if preset else {}


def _named_prompt(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """`?prompt=<id>`: the words of one of the person's earlier ones, and nothing else of it."""
    named = _uuid(request.GET.get("prompt", ""))
    return {"prompt": _get_generation(request, str(named)).prompt} if named else {}


def _recent_prompts(request: AuthenticatedHttpRequest) -> list[Generation]:
    """One row for each of the person's last prompts, the newest first, from among so many rows that it stays fast."""
    own = Generation.objects.visible_to(request.user).filter(user=request.user).only("pk", "prompt")
    newest: dict[str, Generation] = {}
    for row in own[:_LOOK_BACK]:
        newest.setdefault(row.prompt, row)
    return list(newest.values())[:_MAX_RECENT_PROMPTS]


def _named_uploads(request: AuthenticatedHttpRequest) -> dict[Slot, Upload]:
    """The pictures named in the address, as far as they are the person's own and still there."""
    named = {slot: _uuid(request.GET.get(slot, "")) for slot in Slot}
    found = {slot: Upload.objects.touch(request.user, pk=pk) for slot, pk in named.items() if pk}
    return {Slot(slot): upload for slot, upload in found.items() if upload}


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _find_made(request: AuthenticatedHttpRequest) -> list[Generation]:
    """What the press of the button has made, in its order; none when it is gone or somebody else's."""
    if (named := _uuid(request.GET.get("made", ""))) is None:
        return []
    own = Generation.objects.visible_to(request.user).filter(Q(pk=named) | Q(batch=named), user=request.user)
    return list(own.select_related("video", "user", "team").prefetch_related("pictures").order_by("batch_index"))


def _form_from_made(request: AuthenticatedHttpRequest, made: list[Generation], teams: list[Team]) -> GenerationForm:
    prompts = [row.prompt for row in made]
    form = _form_from_generation(request, made[0], teams)
    is_lines = len(set(prompts)) > 1 or len(prompts) > MAX_VARIATIONS
    form.initial.update(
        {
            "parent": made[0].parent_id if made[0].relation == Relation.REMIX else None,
            "lines": is_lines,
            "variations": 1 if is_lines else len(made),
            "prompt": "\n".join(prompts) if is_lines else prompts[0],
        }
    )
    return form


def _get_generation(request: AuthenticatedHttpRequest, pk: str) -> Generation:
    if named := _uuid(pk):
        return visible_generation(request, named)
    raise Http404


def _form_from_generation(request: AuthenticatedHttpRequest, model: Generation, teams: list[Team]) -> GenerationForm:
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
    if model.is_private != model.team.is_private:
        initial["seen_by"] = "me" if model.is_private else "team"
    if model.team in teams:
        initial["team"] = model.team.slug
    form = GenerationForm(request.user, initial=initial)
    form.kept = _own_uploads(request, model)
    return form


def _own_uploads(request: AuthenticatedHttpRequest, model: Generation) -> dict[Slot, Upload]:
    """Its pictures, as far as the person gave them to the studio themselves."""
    found = {each.slot: Upload.objects.touch(request.user, sha256=each.sha256) for each in model.pictures.all()}
    return {Slot(slot): upload for slot, upload in found.items() if upload}
