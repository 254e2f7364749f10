"""Films: join videos in an order, watch how it goes, and what was made."""

import uuid
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.names import fold
from accounts.rights import rights_of
from accounts.roles import Action
from config.parameters import whole_number
from generations import tasks
from generations.exceptions import TooManyFilmsError
from generations.films.plan import order_film, plan_join, project_of, retry_film
from generations.films.timeline import timeline_of
from generations.films.worker import DIFFERENT
from generations.models import Collection, Film, FilmPart, FilmStatus, Generation
from generations.models.collections import clean_name
from generations.models.film import MAX_PARTS, NAME_LENGTH
from generations.views.keyset import page_of
from generations.views.media import Deliverable, deliver
from generations.views.media import download_name as video_file_name

PAGE_SIZE: Final = 50


class FilmForm(forms.Form):
    """What it is called, and where it belongs. The key makes two presses one film."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "input", "dir": "auto", "autocomplete": "off"}),
    )
    project = forms.ModelChoiceField(
        Collection.objects.none(),
        label=gettext_lazy("Project"),
        required=False,
        empty_label=gettext_lazy("No project"),
        widget=forms.Select(attrs={"class": "input"}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, user: User, team: uuid.UUID, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["project"]
        field.queryset = Collection.objects.usable_by(user).filter(team=team)

    def clean_name(self) -> str:
        return _visible_name(self.cleaned_data["name"])

    def columns(self) -> dict[str, Any]:
        found = self.cleaned_data
        return {"name": found["name"], "project": found["project"], "idempotency_key": found["key"]}


class NameForm(forms.Form):
    name = FilmForm.base_fields["name"]

    def clean_name(self) -> str:
        return _visible_name(self.cleaned_data["name"])


@require_safe
@login_required
def films(request: AuthenticatedHttpRequest) -> HttpResponse:
    """All that the user may see, or those of `?project=`, the newest first; `?before=` is a cursor."""
    rows = Film.objects.visible_to(request.user).select_related("team", "project", "user")
    project = None
    if "project" in request.GET:
        pk = whole_number(request.GET["project"]) or 0
        teams = rights_of(request.user).teams_where_may(Action.VIEW)
        project = Collection.objects.filter(pk=pk, team__in=teams).first()
        if project is None:
            raise Http404
        rows = rows.filter(project=project)
    before = request.GET.get("before", "")
    page, older = page_of(rows.annotate(part_count=Count("parts")), "created_at", before, PAGE_SIZE)
    context = {"films": page, "project": project, "older": older, "is_first_page": not before}
    return render(request, "films/films.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_film(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The videos named by `ids`, in that order. A POST with a name joins them; another shows the form, or moves one."""
    rows = _chosen(request)
    if not rows:
        messages.info(request, _("Select finished videos of one team to join."))
        return redirect("gallery")
    team = rows[0].team
    if not rights_of(request.user).may(Action.GENERATE, team.pk):
        raise PermissionDenied
    is_sent = "name" in request.POST and "move" not in request.POST
    form = FilmForm(request.user, team.pk, request.POST if is_sent else None, initial=_initial(request, rows))
    if is_sent and (made := _ordered(request.user, rows, form)):
        tasks.wake_films()
        return redirect(made)
    context = {"form": form, "rows": _moved(request, rows), "team": team}
    context |= {"plan": plan_join([row.video for row in rows]), "is_private": any(row.is_private for row in rows)}
    return render(request, "films/new.html", context, status=422 if is_sent else 200)


def _ordered(user: User, rows: list[Generation], form: FilmForm) -> Film | None:
    """None: the form says why not."""
    if form.is_valid():
        try:
            return order_film(user, rows, form.columns())
        except TooManyFilmsError as error:
            form.add_error(None, str(error))
    return None


def _initial(request: AuthenticatedHttpRequest, rows: list[Generation]) -> dict[str, Any]:
    typed = {name: request.POST[name] for name in ("name", "project", "key") if name in request.POST}
    project = project_of(rows)
    return {
        "name": "",
        "project": project if project and not project.archived_at else None,
        "key": uuid.uuid4(),
    } | typed


def _chosen(request: AuthenticatedHttpRequest) -> list[Generation]:
    """In the order given, one as often as it is named; 404 for what the user does not see. Empty: nothing to join.

    Of a selection in the gallery `order` has the ids as they were selected, `ids` as they stand there.
    """
    data = request.POST if request.method == "POST" else request.GET
    named = [one for text in data.getlist("order") or data.getlist("ids") for one in text.split(",") if one]
    try:
        ids = [uuid.UUID(one) for one in named]
    except ValueError:
        raise BadRequest("No such id.") from None
    if len(ids) > MAX_PARTS:
        raise BadRequest(_("Join at most %d videos.") % MAX_PARTS)
    rows = Generation.objects.visible_to(request.user).select_related("video", "team", "collection", "user")
    found = rows.in_bulk(set(ids))
    if len(found) < len(set(ids)):
        raise Http404
    finished = [found[pk] for pk in ids if hasattr(found[pk], "video")]
    return finished if len({row.team_id for row in finished}) == 1 else []


def _moved(request: AuthenticatedHttpRequest, rows: list[Generation]) -> list[Generation]:
    """`move` is the place of a video, from 0, and `up` or `down`, such as 3:up, or `remove`."""
    place, _colon, way = request.POST.get("move", "").partition(":")
    at = whole_number(place)
    if at is None or at >= len(rows):
        return rows
    row = rows.pop(at)
    if way != "remove" or not rows:
        rows.insert(max(0, at - 1) if way == "up" else at + 1 if way == "down" else at, row)
    return rows


@require_safe
@login_required
def film(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    return _page(request, _visible(request, pk))


@require_safe
@login_required
def panel(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What changes while it is joined."""
    return render(request, "films/_panel.html", _context(request, _visible(request, pk)))


def _page(request: AuthenticatedHttpRequest, found: Film, form: NameForm | None = None) -> HttpResponse:
    parts = list(found.parts.select_related("generation__video", "generation__user"))
    shown = _shown_parts(request, found)
    context = _context(request, found) | {
        "parts": [(part, part.generation_id in shown) for part in parts],
        "form": form or NameForm(initial={"name": found.name}),
    }
    return render(request, "films/film.html", context, status=422 if form else 200)


def _context(request: AuthenticatedHttpRequest, found: Film) -> dict[str, Any]:
    may_edit = rights_of(request.user).may(Action.GENERATE, found.team_id)
    context = {"film": found, "may_edit": may_edit, "may_delete": _may_delete(request, found)}
    return context | {"is_different": found.reason == DIFFERENT, "percent": _percent(found)}


def _percent(found: Film) -> int | None:
    return min(100, 100 * found.done_units // found.total_units) if found.total_units else None


@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`verb` is `rename`, `cancel`, `retry`, or `encode`: once more, with every picture encoded again."""
    found, verb = _visible(request, pk), request.POST.get("verb", "")
    if not rights_of(request.user).may(Action.GENERATE, found.team_id):
        raise PermissionDenied
    if verb == "rename":
        return _rename(request, found)
    if verb == "cancel":
        if found.cancel():
            tasks.wake_cleaner()
            messages.success(request, _("Canceled."))
        else:
            messages.info(request, _("It has already ended."))
    elif verb in {"retry", "encode"}:
        _retry(request, found, is_encoded=found.is_encoded or verb == "encode")
    else:
        raise BadRequest("No such verb.")
    return redirect(found)


def _retry(request: AuthenticatedHttpRequest, found: Film, *, is_encoded: bool) -> None:
    try:
        if retry_film(found, is_encoded=is_encoded):
            tasks.wake_films()
            return
    except TooManyFilmsError as error:
        messages.error(request, str(error))
        return
    found.refresh_from_db(fields=["status"])
    is_done = found.status == FilmStatus.DONE
    messages.info(request, _("It has been joined already.") if is_done else _("It is being joined already."))


def _rename(request: AuthenticatedHttpRequest, found: Film) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    Film.objects.filter(pk=found.pk).update(name=form.cleaned_data["name"])
    messages.success(request, _("Saved."))
    return redirect(found)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask first; then it is gone for good. Its parts stay."""
    found = _visible(request, pk)
    if not _may_delete(request, found):
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "films/delete.html", {"film": found})
    Film.objects.filter(pk=found.pk).delete_with_objects()
    tasks.wake_cleaner()
    messages.success(request, _("Film deleted."))
    return redirect("films")


@require_safe
@login_required
def video(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    found = _finished(request, pk)
    return deliver(request, Deliverable(found.key, "video/mp4", found.sha256))


@require_safe
@login_required
def download(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    found = _finished(request, pk)
    return deliver(request, Deliverable(found.key, "video/mp4", found.sha256, download_as=download_name(found)))


@require_safe
@login_required
def poster(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    found = _finished(request, pk)
    return deliver(request, Deliverable(found.poster_key, "image/webp", f"{found.sha256}-poster"))


@require_safe
@login_required
def timeline(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The sequence as OpenTimelineIO. Its links are the studio's addresses, or with `?links=files` names of files."""
    found = _visible(request, pk)
    rows = found.parts.select_related("generation__video", "generation__team", "film")
    shown = _shown_parts(request, found)
    parts = [(part, *_link(request, part, is_shown=part.generation_id in shown)) for part in rows]
    name = f"{download_name(found).removesuffix('.mp4')}.otio"
    headers = {"Content-Disposition": content_disposition_header(True, name) or ""}
    return JsonResponse(timeline_of(found, parts), headers=headers, json_dumps_params={"indent": 2})


def _link(request: AuthenticatedHttpRequest, part: FilmPart, *, is_shown: bool) -> tuple[str, str]:
    """The file's name, as the studio's downloads have it, and its address."""
    if not is_shown:
        return _("Deleted video"), ""
    name = video_file_name(part.generation.video)
    if request.GET.get("links") == "files":
        return name, name
    return name, f"{settings.SITE_URL}{reverse('generation-download', args=[part.generation_id])}"


def _shown_parts(request: AuthenticatedHttpRequest, found: Film) -> set[uuid.UUID]:
    rows = Generation.objects.visible_to(request.user).filter(film_parts__film=found, video__isnull=False)
    return set(rows.values_list("pk", flat=True))


def download_name(found: Film) -> str:
    return f"{slugify(found.name)[:60].strip('-') or 'film'}.mp4"


def _finished(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Film:
    found = _visible(request, pk)
    if found.status != FilmStatus.DONE:
        raise Http404("There is no film yet.")
    return found


def _visible(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Film:
    """The film, or 404 for users who may not know that it exists."""
    found = Film.objects.visible_to(request.user).select_related("team", "project", "user").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _may_delete(request: AuthenticatedHttpRequest, found: Film) -> bool:
    return Film.objects.deletable_by(request.user).filter(pk=found.pk).exists()


def _visible_name(text: str) -> str:
    name = clean_name(fold(text), NAME_LENGTH)
    if not name:
        raise forms.ValidationError(_("Nothing of this name can be seen. Choose another one."))
    return name
