"""Presets: parameters of the composer, saved under a name by a person for themselves, or for a team."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Team
from accounts.roles import Action
from config.parameters import whole_number
from generations.fal.arguments import is_visible
from generations.models import Preset, PresetVersion, TooManyPresetsError
from generations.prompt_fields import VALUES_PREFIX, variable_values
from generations.views import drafts

NAMES = (
    *("kind", "quality", "prompt", "negative_prompt", "cfg_scale", "duration", "aspect_ratio", "lines", "variations"),
)
_LABELS: Final = {
    "kind": gettext_lazy("Start from"),
    "quality": gettext_lazy("Quality"),
    "prompt": gettext_lazy("Prompt"),
    "negative_prompt": gettext_lazy("Negative prompt"),
    "cfg_scale": gettext_lazy("CFG scale"),
    "duration": gettext_lazy("Duration"),
    "aspect_ratio": gettext_lazy("Aspect ratio"),
    "lines": gettext_lazy("Batch: one prompt per line"),
    "variations": gettext_lazy("Variations"),
}
_WORDS: Final = {
    ("kind", "text"): gettext_lazy("Text"),
    ("kind", "image"): gettext_lazy("Image"),
    ("quality", "pro"): gettext_lazy("Pro"),
    ("quality", "draft"): gettext_lazy("Draft"),
    ("lines", "on"): gettext_lazy("Yes"),
    ("duration", "5"): gettext_lazy("5 seconds"),
    ("duration", "10"): gettext_lazy("10 seconds"),
}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a preset, with what it fills in by the labels of the composer."""

    version: Preset | PresetVersion
    values: list[tuple[Any, Any]]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def presets(request: AuthenticatedHttpRequest) -> HttpResponse:
    """All that the person may use; POST saves one."""
    if request.method == "POST":
        return _save(request)
    return render(request, "generations/presets.html", {"presets": Preset.objects.of(request.user)})


def _save(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Keeps the form as it is, right or wrong: it is judged when it is sent. A name that is taken is replaced."""
    name = " ".join(request.POST.get("preset_name", "").split())
    longest = Preset._meta.get_field("name").max_length or 0
    if not is_visible(name) or len(name) > longest:
        return _refuse(request, _("Give the preset a name of at most %d characters.") % longest)
    slug = request.POST.get("preset_team", "")
    team = Team.objects.where_may(request.user, Action.GENERATE).filter(slug=slug).first() if slug else None
    if slug and team is None:
        return _refuse(request, _("There is no such team, or you may not save presets in it."))
    try:
        preset = Preset.objects.save_preset(request.user, name, _values(request), team)
    except TooManyPresetsError as error:
        words = _("%(team)s has %(most)d presets. Delete one first.") if team else None
        words = words or _("You have %(most)d presets. Delete one first.")
        return _refuse(request, words % {"team": team, "most": error.most})
    messages.success(request, _("Saved as “%s”.") % preset)
    return redirect(f"{reverse('new-generation')}?preset={preset.pk}")


def _refuse(request: AuthenticatedHttpRequest, message: str) -> HttpResponse:
    """Back to the form with what was typed in it, which a page without scripts has not kept."""
    messages.error(request, message)
    draft = drafts.keep(request.user, request.POST)
    return redirect(f"{reverse('new-generation')}{f'?draft={draft.key}' if draft else ''}")


def _values(request: AuthenticatedHttpRequest) -> dict[str, str]:
    values = {each: request.POST[each].replace("\r\n", "\n") for each in NAMES if each in request.POST}
    return values | variable_values(request.POST)


@require_safe
@login_required
def preset(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """What it fills in, who made it, and its earlier versions."""
    found = _get(request, pk)
    earlier = [VersionRow(one, _in_words(one.values)) for one in found.versions.select_related("made_by")]
    context = {
        "preset": found,
        "values": _in_words(found.values),
        "earlier": earlier,
        "may_change": found.may_be_changed_by(request.user),
        "may_delete": found.may_be_deleted_by(request.user),
    }
    return render(request, "generations/preset.html", context)


def _in_words(values: dict[str, Any]) -> list[tuple[Any, Any]]:
    """By the labels of the composer; what is blank is left out. Of variables by their names."""
    texts = {name: _WORDS.get((name, text), text) for name, text in values.items() if text}
    known = [(label, texts[name]) for name, label in _LABELS.items() if name in texts]
    return known + [(name.removeprefix(VALUES_PREFIX), text) for name, text in texts.items() if name not in _LABELS]


@require_POST
@login_required
def bring_back(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Make an earlier `version` the newest."""
    found = _get(request, pk)
    if not found.may_be_changed_by(request.user):
        raise PermissionDenied
    number = whole_number(request.POST.get("version", ""))
    if number and found.bring_back(number, request.user):
        messages.success(request, _("Version %d is back, as the newest one.") % number)
    else:
        messages.error(request, _("There is no such version."))
    return redirect("preset", pk)


@require_POST
@login_required
def delete(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    found = _get(request, pk)
    if not found.may_be_deleted_by(request.user):
        raise PermissionDenied
    found.delete()
    messages.success(request, _("The preset “%s” is deleted.") % found)
    return redirect("presets" if request.POST.get("back") == "list" else "new-generation")


def _get(request: AuthenticatedHttpRequest, pk: int) -> Preset:
    return get_object_or_404(Preset.objects.visible_to(request.user), pk=pk)
