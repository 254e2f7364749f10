"""A user's defaults for a fresh composer form."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from generations.fal.arguments import (
    AspectRatio,
    Duration,
    Endpoint,
    InvalidArguments,
    Source,
    TextToVideo,
    parse,
    to_json,
)
from generations.forms import initial_values
from generations.prompt_fields import PlainTextField

_NAMES = ("duration", "aspect_ratio", "negative_prompt", "cfg_scale")
_SECONDS = [(Duration.FIVE.value, gettext_lazy("5 seconds")), (Duration.TEN.value, gettext_lazy("10 seconds"))]
_SHAPES = [
    (AspectRatio.LANDSCAPE.value, gettext_lazy("Wide, 16:9")),
    (AspectRatio.PORTRAIT.value, gettext_lazy("Tall, 9:16")),
    (AspectRatio.SQUARE.value, gettext_lazy("Square, 1:1")),
]


class DefaultsForm(forms.Form):
    """Judged by fal's rules, as the composer's form is."""

    duration = forms.CharField(
        label=gettext_lazy("Duration"), required=False, widget=forms.RadioSelect(choices=_SECONDS)
    )
    aspect_ratio = forms.CharField(
        label=gettext_lazy("Aspect ratio"), required=False, widget=forms.RadioSelect(choices=_SHAPES)
    )
    negative_prompt = PlainTextField(
        label=gettext_lazy("Negative prompt"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=gettext_lazy("What should not be seen."),
    )
    cfg_scale = forms.CharField(
        label=gettext_lazy("CFG scale"),
        required=False,
        widget=forms.NumberInput(attrs={"min": 0, "max": 1, "step": 0.05, "inputmode": "decimal"}),
        help_text=gettext_lazy("From 0 to 1: how closely the video keeps to the prompt."),
    )

    def clean(self) -> dict[str, Any]:
        """The values as fal's arguments, or what is wrong beside each."""
        try:
            arguments = parse(Endpoint.default(Source.TEXT), {**self.cleaned_data, "prompt": "any"})
        except InvalidArguments as error:
            for problem in error.problems:
                self.add_error(problem.field, problem.message)
            return self.cleaned_data
        assert isinstance(arguments, TextToVideo)
        return {name: to_json(arguments)[name] for name in _NAMES}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def defaults(request: AuthenticatedHttpRequest) -> HttpResponse:
    if "reset" in request.POST:
        return _save(request, {})
    form = DefaultsForm(request.POST if request.method == "POST" else None, initial=initial_values(request.user))
    if not form.is_valid():
        return render(request, "generations/defaults.html", {"form": form}, status=422 if form.is_bound else 200)
    return _save(request, form.cleaned_data)


def _save(request: AuthenticatedHttpRequest, values: dict[str, Any]) -> HttpResponse:
    User.objects.filter(pk=request.user.pk).update(defaults=values)
    messages.success(request, _("Saved."))
    return redirect("default-parameters")
