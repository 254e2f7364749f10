"""What the composer begins with: a draft, what was just ordered, or whatever its address names."""

import uuid
from typing import Any, Final

from django.db.models import Q
from django.http import Http404

from accounts.http import AuthenticatedHttpRequest
from accounts.models import Team
from config.parameters import whole_number
from generations.access import visible_generation
from generations.fal.arguments import Source
from generations.forms import MAX_VARIATIONS, GenerationForm
from generations.models import Collection, Draft, Generation, Preset, Relation, Slot, Upload
from generations.prompt_variables import escape

# with one of these in the address the form does not begin with a draft
_PREFILL_PARAMETERS: Final = frozenset({"fresh", "from", "parent", "preset", "project", "prompt", *Slot.values})
_TEMPLATES: Final = "prompt_templates"  # in the session


def first_form(request: AuthenticatedHttpRequest, teams: list[Team]) -> GenerationForm:
    """A fresh form; `?kind=image` opens that tab, `?from=<id>` begins with what another generation was made of, but
    for the pictures where the address names one.

    `?parent=<id>` begins with nothing of the other but where it belongs: for a picture from its video. `?team=<slug>`
    begins with that team, `?project=<id>` with that project and its default parameters, `?preset=<id>` with a preset
    and `?prompt=<id>` with an earlier prompt; `?start=<id>` and `?tail=<id>` with pictures that the user has given
    before.
    """
    if "from" in request.GET:
        form = _form_from_generation(request, _get_generation(request, request.GET["from"]), teams)
        form.initial.update(_named_kind(request))
        form.kept = {} if any(slot in request.GET for slot in Slot.values) else form.kept
    else:
        initial = _named_kind(request) | _named_team(request, teams) | _named_parent(request, teams)
        initial |= _named_project(request, teams) | _named_preset(request) | _named_prompt(request)
        form = GenerationForm(request.user, initial=initial, teams=teams, has_variables=True)
    form.kept |= named_uploads(request)
    return form


def named_draft(request: AuthenticatedHttpRequest, own: list[Draft], *, or_newest: bool) -> Draft | None:
    """`?draft=<key>`, or the newest of their `own` where the address asks for nothing else to begin with."""
    key = _uuid(request.GET.get("draft", ""))
    named = next((draft for draft in own if draft.key == key), None)
    if named is None and or_newest and not _PREFILL_PARAMETERS & request.GET.keys():
        return own[0] if own else None
    return named


def form_from_draft(request: AuthenticatedHttpRequest, draft: Draft, teams: list[Team]) -> GenerationForm:
    initial = dict(draft.values)
    if initial.get("team") not in {team.slug for team in teams}:
        initial.pop("team", None)
    form = GenerationForm(request.user, initial=initial, teams=teams, has_variables=True)
    form.kept = draft.uploads | named_uploads(request)  # the address may be a moment ahead of the draft
    return form


def find_made(request: AuthenticatedHttpRequest) -> list[Generation]:
    """What the press of the button has made, in its order; none when it is gone or somebody else's."""
    if (named := _uuid(request.GET.get("made", ""))) is None:
        return []
    own = Generation.objects.visible_to(request.user).filter(Q(pk=named) | Q(batch=named), user=request.user)
    return list(own.select_related("video", "user", "team").prefetch_related("pictures").order_by("batch_index"))


def form_from_made(request: AuthenticatedHttpRequest, made: list[Generation], teams: list[Team]) -> GenerationForm:
    """The form that asked for them, ready to be changed."""
    prompts = [escape(row.prompt) for row in made]
    is_lines = len(set(prompts)) > 1 or len(prompts) > MAX_VARIATIONS
    asked = {
        "parent": made[0].parent_id if made[0].relation == Relation.REMIX else None,
        "lines": is_lines,
        "variations": 1 if is_lines else len(made),
        "prompt": "\n".join(prompts) if is_lines else prompts[0],
        "preset": whole_number(request.GET.get("preset", "")),
    }
    form = _form_from_generation(request, made[0], teams, asked | _remembered_templates(request, made))
    form.kept = named_uploads(request) | form.kept
    form.initial.setdefault("aspect_ratio", request.GET.get("aspect_ratio"))
    return form


def remember_templates(request: AuthenticatedHttpRequest, made: list[Generation], form: GenerationForm) -> None:
    """The rows have what was made of the prompts; the next page shows the prompts with their variables again."""
    if not form.variables:
        return
    values = {name: form[name].value() for name in ("prompt", "negative_prompt", "lines", "variations")}
    values |= {each.field.name: "\n".join(each.values) for each in form.variable_fields}
    request.session[_TEMPLATES] = {"made": str(made[0].pk), "values": values}


def _remembered_templates(request: AuthenticatedHttpRequest, made: list[Generation]) -> dict[str, Any]:
    kept = request.session.get(_TEMPLATES)
    return dict(kept["values"]) if kept and kept["made"] == str(made[0].pk) else {}


def _form_from_generation(
    request: AuthenticatedHttpRequest, model: Generation, teams: list[Team], asked: dict[str, Any] | None = None
) -> GenerationForm:
    """`asked` is what the form has besides. What is a variable there is text in the generation."""
    initial: dict[str, Any] = {
        "kind": model.fal_endpoint.source.value,
        "quality": model.fal_endpoint.quality.value,
        "prompt": escape(model.prompt),
        "negative_prompt": escape(model.negative_prompt),
        "cfg_scale": model.cfg_scale,
        "duration": str(model.duration),
    }
    if model.aspect_ratio:
        initial["aspect_ratio"] = model.aspect_ratio
    initial |= _origin(model, teams) | (asked or {})
    form = GenerationForm(request.user, initial=initial, teams=teams, has_variables=True)
    form.kept = _own_uploads(request, model)
    return form


def _origin(model: Generation, teams: list[Team]) -> dict[str, Any]:
    """What all that continues from `model` keeps, whatever it takes of it: its team, project, parent and who sees it.

    Where the user may not make videos in its team, another pays; what was private stays so there.
    """
    team = model.team if model.team in teams else None
    initial: dict[str, Any] = {"parent": model.pk}
    if team:
        initial |= {"team": team.slug, "project": model.collection_id}
    if model.is_private != (team or teams[0]).is_private and (team or model.is_private):
        initial["seen_by"] = "me" if model.is_private else "team"
    return initial


def _named_kind(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    kind = request.GET.get("kind")
    return {"kind": kind} if kind in list(Source) else {}


def _named_team(request: AuthenticatedHttpRequest, teams: list[Team]) -> dict[str, Any]:
    slug = request.GET.get("team")
    return {"team": slug} if slug in {team.slug for team in teams} else {}


def _named_project(request: AuthenticatedHttpRequest, teams: list[Team]) -> dict[str, Any]:
    """With its defaults, unless it is archived or of a team where the user may not make videos."""
    if not (key := whole_number(request.GET.get("project", ""))):
        return {}
    project = Collection.objects.filter(pk=key, team__in=teams, archived_at=None).select_related("team").first()
    return {**project.defaults, "project": project.pk, "team": project.team.slug} if project else {}


def _named_parent(request: AuthenticatedHttpRequest, teams: list[Team]) -> dict[str, Any]:
    return _origin(_get_generation(request, request.GET["parent"]), teams) if "parent" in request.GET else {}


def _named_preset(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    pk = request.GET.get("preset", "")
    preset = Preset.objects.visible_to(request.user).filter(pk=pk).first() if whole_number(pk) else None
    return {**preset.values, "preset": preset.pk} if preset else {}


def _named_prompt(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """`?prompt=<id>`: the words of one of the user's earlier ones, and nothing else of it."""
    named = _uuid(request.GET.get("prompt", ""))
    return {"prompt": escape(_get_generation(request, str(named)).prompt)} if named else {}


def named_uploads(request: AuthenticatedHttpRequest) -> dict[Slot, Upload]:
    """The pictures named in the address, as far as they are the user's own and still there."""
    named = {slot: _uuid(request.GET.get(slot, "")) for slot in Slot}
    found = {slot: Upload.objects.touch(request.user, pk=pk) for slot, pk in named.items() if pk}
    return {Slot(slot): upload for slot, upload in found.items() if upload}


def _own_uploads(request: AuthenticatedHttpRequest, model: Generation) -> dict[Slot, Upload]:
    """Its pictures, as far as the user gave them to the studio themselves."""
    found = {each.slot: Upload.objects.touch(request.user, sha256=each.sha256) for each in model.pictures.all()}
    return {Slot(slot): upload for slot, upload in found.items() if upload}


def _get_generation(request: AuthenticatedHttpRequest, pk: str) -> Generation:
    if named := _uuid(pk):
        return visible_generation(request, named)
    raise Http404


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
