"""The page of a shot: what it shows, its pictures and parameters, and all of its takes."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from config.server.limits import PICTURES_BYTES, body_limit
from generations.access import visible_shot
from generations.fal.arguments import AspectRatio, Duration
from generations.films.storyboard import slides_with_takes, text_problems
from generations.forms import QUALITY_CHOICES, PictureForm, initial_values
from generations.models import Collection, Shot, Slot, Upload
from generations.models.shot import NOTE_LENGTH
from generations.prompt_fields import PlainTextField
from generations.views.composer import LIMITS
from generations.views.prefill import named_uploads
from generations.views.storyboard import RefusedChangeError, refuse_unusable, require_editor

_MAX_TAKES: Final = 60  # the newest
_SECONDS: Final = {Duration.FIVE.value: gettext_lazy("5 seconds"), Duration.TEN.value: gettext_lazy("10 seconds")}
_SHAPES: Final = {
    AspectRatio.LANDSCAPE.value: gettext_lazy("Wide, 16:9"),
    AspectRatio.PORTRAIT.value: gettext_lazy("Tall, 9:16"),
    AspectRatio.SQUARE.value: gettext_lazy("Square, 1:1"),
}
_TEXTS: Final = ("prompt", "note", "negative_prompt", "duration", "aspect_ratio", "quality")


class ShotForm(PictureForm):
    """A shot as somebody types it. `version` is the one that they had before them."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    prompt = PlainTextField(
        label=gettext_lazy("Prompt"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
    )
    note = PlainTextField(
        label=gettext_lazy("Note (optional)"),
        required=False,
        strip=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=gettext_lazy("For the team. It is not sent to Kling."),
    )
    duration = forms.ChoiceField(label=gettext_lazy("Duration"), required=False, widget=forms.RadioSelect)
    aspect_ratio = forms.ChoiceField(label=gettext_lazy("Aspect ratio"), required=False, widget=forms.RadioSelect)
    quality = forms.ChoiceField(
        label=gettext_lazy("Quality"), required=False, widget=forms.RadioSelect, choices=QUALITY_CHOICES
    )
    negative_prompt = PlainTextField(
        label=gettext_lazy("Negative prompt (optional)"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )

    def __init__(self, user: User, shot: Shot, defaults: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """`defaults` are the parameters of what is left blank."""
        values = {name: getattr(shot, name) for name in (*_TEXTS, "version")}
        super().__init__(user, *args, initial=values | {"duration": str(shot.duration or "")}, **kwargs)
        self._current = shot.uploads
        self._own = {upload.pk: upload for upload in self._current.values()}
        self.kept = {} if self.is_bound else shot.uploads
        usual = _("The project’s: %s")
        self._offer("duration", usual % _SECONDS.get(str(defaults["duration"]), ""), _SECONDS)
        self._offer("aspect_ratio", usual % _SHAPES.get(str(defaults["aspect_ratio"]), ""), _SHAPES)
        self._offer("quality", _("The usual one: %s") % QUALITY_CHOICES[0][1], dict(QUALITY_CHOICES))
        self.fields["negative_prompt"].help_text = _("Blank: “%s”.") % defaults["negative_prompt"]

    def _offer(self, name: str, usual: str, choices: dict[str, Any]) -> None:
        field: Any = self.fields[name]
        field.choices = [("", usual), *choices.items()]

    def clean(self) -> dict[str, Any]:
        for slot in Slot:
            self._save_picture(Slot(slot))
        given = (self.cleaned_data.get(name) or "" for name in ("prompt", "negative_prompt"))
        self._add_problems(text_problems(*given))
        if "\0" in (self.cleaned_data.get("note") or ""):
            self.add_error("note", _("The text has characters that can’t be kept, such as null. Take them out."))
        return self.cleaned_data

    def _use_upload(self, slot: Slot) -> None:
        """A picture of the shot may be another member's. Where it has been replaced meanwhile, the new one stands."""
        named = self.cleaned_data.get(f"{slot}_upload")
        if named in self._own:
            self.kept[slot] = self._own[named]
            return
        super()._use_upload(slot)
        if named and slot not in self.kept and slot in self._current:
            self.kept[slot] = self._current[slot]

    def columns(self) -> dict[str, Any]:
        values = {name: self.cleaned_data[name] for name in _TEXTS}
        values["duration"] = int(values["duration"]) if values["duration"] else None
        return values | {slot.value: self.kept.get(Slot(slot)) for slot in Slot}


def parameters_of(user: User, project: Collection) -> dict[str, Any]:
    """What a shot of the project is ordered with where it says nothing: as in the composer."""
    return {**initial_values(user, [project.team]), **project.defaults}


@body_limit(PICTURES_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def shot(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    found = visible_shot(request, pk)
    defaults = parameters_of(request.user, found.project)
    if request.method != "POST":
        return _first_page(request, found, defaults)
    require_editor(request, found.project)
    form = ShotForm(request.user, found, defaults, request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    try:
        refuse_unusable(request, found.project)
    except RefusedChangeError as error:
        form.add_error(None, str(error))
        return _page(request, found, form, status=422)
    if not found.edit(request.user, form.cleaned_data["version"], form.columns()):
        return _conflict(request, pk, form)
    messages.success(request, _("Saved."), extra_tags="accepted")
    return redirect(f"{reverse('storyboard', args=[found.project_id])}#shot-{pk}")


def _first_page(request: AuthenticatedHttpRequest, found: Shot, defaults: dict[str, Any]) -> HttpResponse:
    """`?start=` and `?tail=` are uploads of the user's that were chosen here, but not saved yet."""
    form = ShotForm(request.user, found, defaults)
    form.kept |= named_uploads(request)
    return _page(request, found, form)


def _conflict(request: AuthenticatedHttpRequest, pk: int, form: ShotForm) -> HttpResponse:
    """What was typed stays in the form; what somebody else saved meanwhile stands above it."""
    return _page(request, visible_shot(request, pk), form, status=409)


def _page(request: AuthenticatedHttpRequest, found: Shot, form: ShotForm, status: int = 200) -> HttpResponse:
    context = _takes(request, found) | {
        "hidden_uploads": Upload.objects.hidden(form.kept.values()),
        "shot": found,
        "number": found.number,  # type: ignore[attr-defined]  # annotated
        "form": form,
        "is_conflict": status == 409,
        "version": form["version"].value() if status == 422 else found.version,
        "limits": LIMITS,
        "slots": [(slot.value, slot.label, form.kept.get(Slot(slot))) for slot in Slot],
        "now": timezone.now(),
    }
    return render(request, "storyboards/shot.html", context, status=status)


@require_safe
@login_required
def takes(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The part that moves while a take is made: on the storyboard, or with `?all` all of its own page."""
    found = visible_shot(request, pk)
    context = _takes(request, found, is_whole="all" in request.GET)
    return render(request, "storyboards/_takes.html", context | {"project": found.project})


def _takes(request: AuthenticatedHttpRequest, found: Shot, *, is_whole: bool = True) -> dict[str, Any]:
    rows = Shot.objects.filter(pk=found.pk)
    [slide] = slides_with_takes(request.user, rows, _MAX_TAKES) if is_whole else slides_with_takes(request.user, rows)
    may_edit = Collection.objects.usable_by(request.user).filter(pk=found.project_id).exists()
    return {"slide": slide, "project": found.project, "may_edit": may_edit, "is_whole": is_whole}
