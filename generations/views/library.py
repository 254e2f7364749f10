"""The picture library of a user's teams: pictures are added, found, named, tagged, and taken into the composer."""

import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.models import Team, User
from accounts.rights import Rights, rights_of
from accounts.roles import Action
from config.parameters import whole_number
from config.server.limits import PICTURES_BYTES, body_limit
from generations.access import visible_uploads
from generations.forms import read_file
from generations.models import LibraryPicture, Slot, Tag, Upload
from generations.models.collections import clean_name
from generations.models.library_picture import MAX_TAGS, NAME_LENGTH, LibraryPictureQuerySet, parse_tags
from generations.orders.library import add_picture, add_upload, use_picture
from generations.orders.rate_limits import refuse_too_many_pictures
from generations.views.bulk import wants_json
from generations.views.cancel_delete import add_trashed_message
from generations.views.media import Deliverable, deliver
from generations.views.uploads import REFUSALS, refusal, refusal_of, upload_response

PAGE_SIZE: Final = 48
_MAX_FILES: Final = 50  # of one form; a script sends one at a time
_MAX_TAGS_OFFERED: Final = 200


class PictureForm(forms.Form):
    """What a picture is called, and its tags."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LENGTH)
    tags = forms.CharField(label=gettext_lazy("Tags"), required=False, max_length=2000)

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"], NAME_LENGTH)
        if not name:
            raise forms.ValidationError(_("Nothing of this name can be seen. Choose another one."))
        return name

    def clean_tags(self) -> list[str]:
        names = parse_tags(self.cleaned_data["tags"])
        if len(names) > MAX_TAGS:
            raise forms.ValidationError(_("Use at most %d tags.") % MAX_TAGS)
        return names


@dataclass(frozen=True, slots=True)
class LibraryFilters:
    """What of the library is asked for, as far as it is there."""

    text: str
    team: Team | None
    tag: Tag | None

    def narrow(self, rows: LibraryPictureQuerySet) -> LibraryPictureQuerySet:
        rows = rows.search(self.text)
        rows = rows.filter(team=self.team) if self.team else rows
        return rows.filter(tags=self.tag) if self.tag else rows

    @property
    def is_search(self) -> bool:
        return bool(self.text or self.tag)

    @property
    def query(self) -> str:
        values = {"q": self.text, "team": self.team and self.team.slug, "tag": self.tag and self.tag.pk}
        return urlencode({name: value for name, value in values.items() if value})


@require_safe
@login_required
def library(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A page of it, the newest first, or for a script the items of its `picker`."""
    return _page(request)


def _page(request: AuthenticatedHttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    """`only` is the one picture that is shown, with its `form`; `errors` are those of the files."""
    rights = rights_of(request.user)
    teams = rights.teams_where_may(Action.VIEW)
    tags = _offered_tags(teams)
    filters = _filters(request, teams, tags)
    rows = filters.narrow(LibraryPicture.objects.visible_to(request.user)) if not more.get("only") else more["only"]
    found = list(_before(request, rows).select_related("user").prefetch_related("tags")[: PAGE_SIZE + 1])
    pictures = found[:PAGE_SIZE]
    context = _item_context(request, rights) | {
        "filters": filters,
        "pictures": pictures,
        "older": pictures[-1].cursor if len(found) > PAGE_SIZE else "",
        "is_first_page": "before" not in request.GET,
        "tags": tags,
        "next": request.get_full_path() if request.method in {"GET", "HEAD"} else reverse("library"),
    }
    template = "library/_picker_items.html" if request.GET.get("part") == "picker" else "library/library.html"
    return render(request, template, context | more, status=status)


def _item_context(request: AuthenticatedHttpRequest, rights: Rights) -> dict[str, Any]:
    teams = rights.teams_where_may(Action.VIEW)
    may_add_to = rights.teams_where_may(Action.GENERATE)
    return {
        "teams": teams,
        "team_names": {team.pk: team.name for team in teams} if len(teams) > 1 else {},
        "may_add_to": may_add_to,
        "editable": {team.pk for team in may_add_to},
        "managed": {team.pk for team in rights.teams_where_may(Action.DELETE)},
    }


def _offered_tags(teams: list[Team]) -> list[Tag]:
    """Those that pictures have; of others there is nothing to find."""
    there = LibraryPicture.tags.through.objects.filter(librarypicture__trashed_at=None)
    used = there.filter(librarypicture__team__in=teams).values("tag")
    return list(Tag.objects.filter(pk__in=used)[:_MAX_TAGS_OFFERED])


def _filters(request: AuthenticatedHttpRequest, teams: list[Team], tags: list[Tag]) -> LibraryFilters:
    key = whole_number(request.GET.get("tag", ""))
    chosen = next((tag for tag in tags if tag.pk == key), None)
    if key and chosen is None and len(tags) == _MAX_TAGS_OFFERED and (chosen := _tag(teams, key)):
        tags.append(chosen)
    return LibraryFilters(
        unicodedata.normalize("NFC", request.GET.get("q", "").replace("\0", "").strip()[:200]),
        next((team for team in teams if team.slug == request.GET.get("team")), None),
        chosen,
    )


def _tag(teams: list[Team], key: int) -> Tag | None:
    return Tag.objects.filter(team__in=teams, pk=key).first()


def _before(request: AuthenticatedHttpRequest, rows: LibraryPictureQuerySet) -> LibraryPictureQuerySet:
    """What follows the row of `?before=`. Raises Http404 for what names none."""
    if not (before := request.GET.get("before")):
        return rows
    moment, _underscore, pk = before.partition("_")
    try:
        place = datetime.fromisoformat(moment), uuid.UUID(pk)
    except ValueError:
        raise Http404 from None
    if place[0].tzinfo is None:
        raise Http404
    return rows.filter(TupleLessThan(Tuple(F("created_at"), F("id")), place))


@body_limit(PICTURES_BYTES)
@require_POST
@login_required
def add(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The files `pictures` into the library of `team`: for a script one, which is answered with its item's HTML."""
    team = _team_to_add_to(request, request.POST.get("team", ""))
    files = request.FILES.getlist("pictures")[:_MAX_FILES]
    if not files:
        errors = [_("Choose a picture.")]
        return refusal(errors, 422) if wants_json(request) else _page(request, 422, errors=errors)
    if wants_json(request):
        return _add_one(request, team, files[0])
    errors = [f"{file.name}: {error}" for file in files for error in _add_quietly(request, team, file)]
    if added := len(files) - len(errors):
        messages.success(request, ngettext("%d picture added.", "%d pictures added.", added) % added)
    return _page(request, 422, errors=errors) if errors else redirect(f"{reverse('library')}?team={team.slug}")


def _team_to_add_to(request: AuthenticatedHttpRequest, slug: str) -> Team:
    """That, or the first one in which the user may. Raises PermissionDenied, and Http404 for no team of theirs."""
    rights = rights_of(request.user)
    teams = rights.teams_where_may(Action.GENERATE)
    if team := next((team for team in teams if slug in {"", team.slug}), None):
        return team
    if not slug or any(team.slug == slug for team in rights.teams_where_may(Action.VIEW)):
        raise PermissionDenied
    raise Http404


def _add_one(request: AuthenticatedHttpRequest, team: Team, file: "UploadedFile[bytes]") -> HttpResponse:
    try:
        picture = _add(request, team, file)
    except REFUSALS as error:
        return refusal(*refusal_of(error))
    context = {"picture": picture, "next": f"{reverse('library')}?team={team.slug}"}
    item = render(request, "library/_item.html", _item_context(request, rights_of(request.user)) | context)
    return JsonResponse({"id": str(picture.pk), "html": item.content.decode()}, status=201)


def _add_quietly(request: AuthenticatedHttpRequest, team: Team, file: "UploadedFile[bytes]") -> Iterator[str]:
    """What is wrong with it, where anything is."""
    try:
        _add(request, team, file)
    except REFUSALS as error:
        yield " ".join(refusal_of(error)[0])


def _add(request: AuthenticatedHttpRequest, team: Team, file: "UploadedFile[bytes]") -> LibraryPicture:
    refuse_too_many_pictures(request.user)
    name = (file.name or "").rpartition(".")[0] or file.name or ""
    return add_picture(request.user, team, read_file("pictures", file), name)


@require_POST
@login_required
def keep(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The picture `upload` of the composer or a shot into the library of `team` → `{message}`, or `{errors: […]}`."""
    team = _team_to_add_to(request, request.POST.get("team", ""))
    try:
        pk = uuid.UUID(request.POST.get("upload", ""))
    except ValueError:
        pk = uuid.UUID(int=0)
    upload = Upload.objects.touch(request.user, pk=pk) or visible_uploads(request.user).filter(pk=pk).first()
    if upload is None:
        return refusal([_("This picture is not there any more. Upload it once more.")], 422)
    try:
        add_upload(request.user, team, upload, request.POST.get("name", ""))
    except REFUSALS as error:
        return refusal(*refusal_of(error))
    return JsonResponse({"message": kept_message(team)}, status=201)


def kept_message(team: Team) -> str:
    return _("Kept in the picture library of %s.") % team


@require_POST
@login_required
def use(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A copy of it for the composer: for a script as `uploads.new_upload` answers, else the composer with it in `slot`.

    Users who see it and may make a video in any team may do so.
    """
    picture = _visible(request, pk)
    rights = rights_of(request.user)
    if not (teams := rights.teams_where_may(Action.GENERATE)):
        raise PermissionDenied
    try:
        upload = use_picture(request.user, picture)
    except REFUSALS as error:
        errors, status = refusal_of(error)
        if wants_json(request):
            return refusal(errors, status)
        messages.error(request, " ".join(errors))
        return redirect_back(request, reverse("library"))
    if wants_json(request):
        return upload_response(upload)
    slot = Slot.TAIL if request.POST.get("slot") == Slot.TAIL else Slot.START
    query = {"kind": "image", slot.value: str(upload.pk)}
    if picture.team in teams:
        query["team"] = picture.team.slug
    return redirect(f"{reverse('new-generation')}?{urlencode(query)}")


@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Its name and all of its tags, separated by commas."""
    picture = _visible(request, pk)
    if not rights_of(request.user).may(Action.GENERATE, picture.team_id):
        raise PermissionDenied
    form = PictureForm(request.POST)
    if not form.is_valid():
        only = LibraryPicture.objects.filter(pk=pk)
        return _page(request, 422, only=only, form=form)
    _write(picture, form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect_back(request, reverse("library"))


@transaction.atomic
def _write(picture: LibraryPicture, values: dict[str, Any]) -> None:
    """Raises Http404 where it was deleted meanwhile. Under a lock, since its tags can't be put on one that is gone."""
    locked = LibraryPicture.objects.select_for_update(no_key=True, of=("self",))
    row = get_object_or_404(locked, pk=picture.pk)
    row.name = values["name"]
    row.save(update_fields=["name"])
    row.set_tags(values["tags"])


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask first; then it is out of everybody's sight, in the trash. Videos that were made with it keep it."""
    picture = _visible(request, pk)
    if not may_delete(request.user, picture):
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "library/delete.html", {"picture": picture})
    if picture.move_to_trash():
        add_trashed_message(request, picture.trashed_at, 1)
    return redirect("library")


def may_delete(user: User, picture: LibraryPicture) -> bool:
    """Who added it, and the team's admins."""
    return picture.user_id == user.pk or rights_of(user).may(Action.DELETE, picture.team_id)


@require_safe
@login_required
def file(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    return deliver_picture(request, _visible(request, pk))


@require_safe
@login_required
def thumbnail(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    return deliver_thumbnail(request, _visible(request, pk))


def deliver_picture(request: HttpRequest, picture: LibraryPicture) -> HttpResponseBase:
    return deliver(request, Deliverable(picture.key, picture.media_type, picture.sha256))


def deliver_thumbnail(request: HttpRequest, picture: LibraryPicture) -> HttpResponseBase:
    return deliver(request, Deliverable(picture.thumbnail_key, "image/webp", f"{picture.sha256}-thumbnail"))


def _visible(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> LibraryPicture:
    """404 for users who may not know that it is there."""
    return get_object_or_404(LibraryPicture.objects.visible_to(request.user).select_related("team"), pk=pk)
