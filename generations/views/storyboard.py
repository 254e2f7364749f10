"""The storyboard of a project: its shots in order, which take stands for each, and all of them played as one."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, is_script_request, login_required
from accounts.rights import rights_of
from accounts.roles import Action
from config.parameters import whole_number
from generations.access import allowed_generation, visible_project
from generations.exceptions import ProjectRefusedError
from generations.fal.arguments import MAX_PROMPT_CHARACTERS
from generations.films.add_videos import StoryboardFullError, add_videos
from generations.films.storyboard import slides_of
from generations.forms import numbered_lines
from generations.models import MAX_SHOTS, Collection, Generation, Shot, TooManyShotsError
from generations.models.film import MAX_PARTS
from generations.prompt_fields import PlainTextField
from generations.views.chain import Part


class NewShotsForm(forms.Form):
    """A prompt a line; none makes one shot that has none yet."""

    prompts = PlainTextField(
        label=gettext_lazy("New shots"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=gettext_lazy("One prompt per line. With none, a blank shot is added."),
    )
    newest = forms.CharField(required=False, widget=forms.HiddenInput)  # shot, when the page was made

    def clean_prompts(self) -> list[str]:
        lines = numbered_lines(self.cleaned_data["prompts"])
        if len(lines) > MAX_SHOTS:
            raise forms.ValidationError(_("A storyboard has at most %d shots.") % MAX_SHOTS)
        for number, line in lines:
            if "\0" in line:
                self.add_error("prompts", _("Line %d has characters that can’t be kept, such as null.") % number)
            elif len(line) > MAX_PROMPT_CHARACTERS:
                message = _("Line %(number)d has %(length)d characters; use at most %(most)d.")
                values = {"number": number, "length": len(line), "most": MAX_PROMPT_CHARACTERS}
                self.add_error("prompts", message % values)
        return [line for _number, line in lines] or [""]


class RefusedChangeError(Exception):
    """Nothing has changed; str() says why."""


@require_safe
@login_required
def storyboard(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """`?shots=<id>` are selected, as many as there are."""
    return _page(request, visible_project(request, pk))


def _page(request: AuthenticatedHttpRequest, project: Collection, form: NewShotsForm | None = None) -> HttpResponse:
    slides = slides_of(request.user, project)
    taken = [slide.current for slide in slides if slide.current]
    context = {
        "project": project,
        "slides": slides,
        "missing": sum(slide.is_missing for slide in slides),
        "taken": taken,
        "is_joinable": len(taken) <= MAX_PARTS,
        "max_parts": MAX_PARTS,
        "selected": set(request.GET.getlist("shots")),
        "may_edit": Collection.objects.usable_by(request.user).filter(pk=project.pk).exists(),
        "form": form or NewShotsForm(initial={"newest": max((slide.shot.pk for slide in slides), default=0)}),
        "now": timezone.now(),
    }
    return render(request, "storyboards/storyboard.html", context, status=422 if form else 200)


@require_safe
@login_required
def play(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    project = visible_project(request, pk)
    slides = slides_of(request.user, project)
    clips = [Clip(slide.current, [], slide.number) for slide in slides if slide.current]
    context = {"project": project, "clips": clips, "absent": len(slides) - len(clips)}
    return render(request, "storyboards/play.html", context)


@dataclass(frozen=True, slots=True)
class Clip(Part):
    """A shot's take in `generations/_sequence.html`."""

    number: int

    @property
    def label(self) -> str:
        return _("Shot %(number)d: %(prompt)s") % {"number": self.number, "prompt": self.generation.prompt}


@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """`verb` is `add`, or one of `_VERBS`, a colon and what it is about. To a script 204, or 409 and why not."""
    project = visible_project(request, pk)
    require_editor(request, project)
    name, _colon, argument = request.POST.get("verb", "").partition(":")
    try:
        refuse_unusable(request, project)
        if name == "add":
            return _add(request, project)
        if name not in _VERBS:
            raise BadRequest("No such verb.")
        shot = _VERBS[name](request, project, argument)
    except RefusedChangeError as error:
        return _refuse(request, project, str(error))
    return HttpResponse(status=204) if is_script_request(request) else _back(request, project, shot)


def require_editor(request: AuthenticatedHttpRequest, project: Collection) -> None:
    """Raises PermissionDenied for who may only look."""
    if not rights_of(request.user).may(Action.GENERATE, project.team_id):
        raise PermissionDenied


def refuse_unusable(request: AuthenticatedHttpRequest, project: Collection) -> None:
    """Raises RefusedChangeError where the project is archived or closed to the user."""
    try:
        project.refuse(request.user)
    except ProjectRefusedError as error:
        raise RefusedChangeError(str(error)) from error


def _refuse(request: AuthenticatedHttpRequest, project: Collection, message: str) -> HttpResponse:
    if is_script_request(request):
        return HttpResponse(message, status=409, content_type="text/plain; charset=utf-8")
    messages.error(request, message)
    return redirect("storyboard", project.pk)


def _back(request: AuthenticatedHttpRequest, project: Collection, shot: Shot) -> HttpResponse:
    """To the shot, with the selection as it was."""
    selected = urlencode({"shots": request.POST.getlist("shots")}, doseq=True)
    return redirect(f"{reverse('storyboard', args=[project.pk])}{f'?{selected}' if selected else ''}#shot-{shot.pk}")


def _add(request: AuthenticatedHttpRequest, project: Collection) -> HttpResponse:
    form = NewShotsForm(request.POST)
    if form.is_valid():
        new = [Shot(prompt=prompt, changed_by=request.user) for prompt in form.cleaned_data["prompts"]]
        try:
            added = Shot.objects.append(project, new, whole_number(form.cleaned_data["newest"]))
        except TooManyShotsError:
            form.add_error("prompts", _("A storyboard has at most %d shots.") % MAX_SHOTS)
        else:
            words = ngettext("%d shot is added.", "%d shots are added.", len(added)) % len(added)
            is_repeated = added[0] not in new
            messages.success(request, _("Added already.") if is_repeated else words, extra_tags="accepted")
            return _back(request, project, added[0])
    return _page(request, project, form)


def _up(_request: AuthenticatedHttpRequest, project: Collection, argument: str) -> Shot:
    return _shift(project, argument, -1)


def _down(_request: AuthenticatedHttpRequest, project: Collection, argument: str) -> Shot:
    return _shift(project, argument, 1)


def _shift(project: Collection, argument: str, by: int) -> Shot:
    shot = _shot(project, argument)
    Shot.objects.shift(shot, by)
    return shot


def _move(_request: AuthenticatedHttpRequest, project: Collection, argument: str) -> Shot:
    """`move:<shot>:<place>`, counted from 0."""
    key, _colon, place = argument.partition(":")
    shot, to = _shot(project, key), whole_number(place)
    if to is None:
        raise BadRequest("No such place.")
    Shot.objects.move(shot, to)
    return shot


def _choose(request: AuthenticatedHttpRequest, project: Collection, argument: str) -> Shot:
    """`choose:<shot>:<generation>`; without a generation the newest finished take stands for the shot again."""
    key, _colon, take = argument.partition(":")
    shot = _shot(project, key)
    Shot.objects.filter(pk=shot.pk).update(chosen=_take(request, shot, take) if take else None)
    return shot


def _take(request: AuthenticatedHttpRequest, shot: Shot, text: str) -> Generation:
    try:
        pk = uuid.UUID(text)
    except ValueError:
        raise BadRequest("No such id.") from None
    found = Generation.objects.visible_to(request.user).filter(pk=pk, shot=shot, video__isnull=False).first()
    if found is None:
        raise RefusedChangeError(_("This take has no video, or it was deleted."))
    return found


def _delete(request: AuthenticatedHttpRequest, project: Collection, argument: str) -> Shot:
    """Its takes stay in the project."""
    shot = _shot(project, argument)
    Shot.objects.remove([shot.pk])
    messages.success(request, _("The shot is deleted. Its videos stay in the project."))
    return shot


def _shot(project: Collection, key: str) -> Shot:
    shot = Shot.objects.filter(project=project, pk=whole_number(key) or 0).first()
    if shot is None:
        raise RefusedChangeError(_("This shot has been deleted meanwhile."))
    return shot


_VERBS: Final[dict[str, Callable[[AuthenticatedHttpRequest, Collection, str], Shot]]] = {
    "up": _up,
    "down": _down,
    "move": _move,
    "choose": _choose,
    "delete": _delete,
}


@require_POST
@login_required
def add_video(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A new shot at the end of its project's storyboard, with the video as its take."""
    row = allowed_generation(request, pk, Action.GENERATE)
    try:
        shot = _shot_of(request, row)
    except RefusedChangeError as error:
        messages.error(request, str(error))
        return redirect(row)
    return redirect(f"{reverse('storyboard', args=[shot.project_id])}#shot-{shot.pk}")


def _shot_of(request: AuthenticatedHttpRequest, row: Generation) -> Shot:
    try:
        added = add_videos(request.user, [row])
    except (ProjectRefusedError, StoryboardFullError) as error:
        raise RefusedChangeError(str(error)) from error
    if added.without_project:
        raise RefusedChangeError(_("It is in no project yet. Move it to one: then it can be a shot there."))
    if added.unfinished:
        raise RefusedChangeError(_("It has no video, so it can’t be a shot."))
    if added.unpublished:
        words = _("It is private or waits for a review, and a shot shows its prompt to the team. Publish it first.")
        raise RefusedChangeError(words)
    if added.known:
        messages.info(request, _("It is a take of this storyboard already."))
    if added.without_pictures:
        messages.warning(request, _("Its pictures aren’t yours. Add them to the shot before you generate it again."))
    [found] = [*added.shots, *(row.shot for row in added.known if row.shot)]
    return found
