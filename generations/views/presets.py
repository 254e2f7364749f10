"""Presets: parameters of the composer, saved under a name. Each user has their own."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.fal.arguments import is_visible
from generations.models import MAX_PRESETS, Preset, TooManyPresetsError
from generations.prompt_fields import variable_values

NAMES = (
    *("kind", "quality", "prompt", "negative_prompt", "cfg_scale", "duration", "aspect_ratio", "lines", "variations"),
)


@require_POST
@login_required
def save(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Keeps the form as it is, right or wrong: it is judged when it is sent. A name that is taken is replaced."""
    name = " ".join(request.POST.get("preset_name", "").split())
    values = {each: request.POST[each].replace("\r\n", "\n") for each in NAMES if each in request.POST}
    values |= variable_values(request.POST)
    longest = Preset._meta.get_field("name").max_length or 0
    if not is_visible(name) or len(name) > longest:
        messages.error(request, _("Give the preset a name of at most %d characters.") % longest)
        return redirect("new-generation")
    try:
        preset = Preset.objects.save_preset(request.user, name, values)
    except TooManyPresetsError:
        messages.error(request, _("You have %d presets. Delete one first.") % MAX_PRESETS)
        return redirect("new-generation")
    messages.success(request, _("Saved as “%s”.") % preset)
    return redirect(f"{reverse('new-generation')}?preset={preset.pk}")


@require_POST
@login_required
def delete(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    preset = get_object_or_404(Preset, pk=pk, user=request.user)
    preset.delete()
    messages.success(request, _("The preset “%s” is deleted.") % preset)
    return redirect("new-generation")
