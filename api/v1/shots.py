"""Storyboards: the shots of a project (`collection`) in their order; list, add, get, change, move and delete."""

import uuid
from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Path, Query, Router

from api.authentication import Caller
from api.fal.pictures import FIELDS, PLACEHOLDER, has_links, save_pictures, without_pictures
from api.orders import refuse_ended
from api.v1.callers import MANAGE, READ_ANY
from api.v1.http import caller_of, lock, require_match, respond
from api.v1.orders import later_where
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import ProblemError, invalid, of_arguments, of_body
from api.v1.schemas.common import NumberId
from api.v1.schemas.shot import ShotChange, ShotEdit, ShotIn, ShotOut, shot_out
from generations.fal.arguments import Endpoint, InvalidArguments, Source
from generations.films.storyboard import Slide, slides_with_takes, text_problems
from generations.models import MAX_SHOTS, Collection, Generation, Shot, TooManyShotsError

router = Router(tags=["Storyboards"])
of_collection = Router(tags=["Storyboards"])
_BY_PLACE: Final = Keyset("position", "id", kinds=(int, int), is_descending=False)
_TEXTS: Final = ("prompt", "note", "negative_prompt", "aspect_ratio", "quality")


@of_collection.get(
    "/{id}/shots", auth=READ_ANY, response=Page[ShotOut], operation_id="listShots", url_name="v1-collection-shots"
)
def list_shots(request: HttpRequest, id: Path[NumberId], query: Query[PageQuery]) -> HttpResponse:  # noqa: A002
    """Of the storyboard, in their order."""
    refuse_unknown(request, PageQuery)
    caller = caller_of(request)
    page, following = _BY_PLACE.select(Shot.objects.numbered().filter(project=project_of(caller, id)), query)
    numbers: dict[int, Any] = {row.pk: row.number for row in page}  # type: ignore[attr-defined]  # annotated
    slides = _slides(caller, list(numbers))
    return respond_page(request, slides, following, lambda slide: shot_out(slide, numbers[slide.shot.pk]))


@of_collection.post(
    "/{id}/shots", auth=MANAGE, response={201: ShotOut}, operation_id="addShot", url_name="v1-collection-shots"
)
def add_shot(request: HttpRequest, id: Path[NumberId], body: ShotIn) -> HttpResponseBase:  # noqa: A002
    """At the end, or at its `number`. 409 where the storyboard is full."""
    caller = caller_of(request)
    project = project_of(caller, id)

    def add() -> HttpResponse:
        project.refuse(caller.user)
        shot = Shot(changed_by=caller.user, **_columns(caller, body))
        with transaction.atomic():
            refuse_ended(caller)
            _append(project, shot)
            _move(shot, body.number)
        return respond(_out(caller, shot.pk), 201, Location=reverse("v1-shot", args=[shot.pk]))

    return _answer(request, body, add)


@router.get("/{id}", auth=READ_ANY, response=ShotOut, operation_id="getShot", url_name="v1-shot")
def get_shot(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002 - the name in the document
    """As it is now. Its `ETag` goes into `If-Match` of a change."""
    return respond(_out(caller_of(request), id))


@router.patch("/{id}", auth=MANAGE, response=ShotOut, operation_id="editShot", url_name="v1-shot")
def edit_shot(request: HttpRequest, id: Path[NumberId], body: ShotChange) -> HttpResponseBase:  # noqa: A002
    """What it shows, its place (`number`), and the take that stands for it (`chosen`)."""
    caller = caller_of(request)
    found = _find(caller, id)

    def edit() -> HttpResponse:
        found.project.refuse(caller.user)
        columns = _columns(caller, body)
        with transaction.atomic():
            refuse_ended(caller)
            lock(Collection, found.project_id)  # first, as moves do
            require_match(request, _out(caller, id))
            _edit(caller, _find(caller, id), body, columns)
        return respond(_out(caller, id))

    return _answer(request, body, edit)


@router.delete("/{id}", auth=MANAGE, response={204: None}, operation_id="deleteShot", url_name="v1-shot")
def delete_shot(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002
    """Its takes stay in the project."""
    caller = caller_of(request)
    found = _find(caller, id)
    found.project.refuse(caller.user)
    with transaction.atomic():
        lock(Collection, found.project_id)
        require_match(request, _out(caller, id))
        Shot.objects.remove([id])
    return HttpResponse(status=204)


def project_of(caller: Caller, pk: int) -> Collection:
    return get_object_or_404(Collection.objects.select_related("team"), pk=pk, team=caller.team)


def _find(caller: Caller, pk: int) -> Shot:
    rows = Shot.objects.numbered().select_related("project__team")
    found: Shot = get_object_or_404(rows, pk=pk, project__team=caller.team)
    return found


def _slides(caller: Caller, keys: list[int]) -> list[Slide]:
    rows = Shot.objects.filter(pk__in=keys).select_related("start", "tail", "changed_by")
    return slides_with_takes(caller.user, rows)


def _out(caller: Caller, pk: int) -> ShotOut:
    shot = _find(caller, pk)
    [slide] = _slides(caller, [pk])
    return shot_out(slide, shot.number)  # type: ignore[attr-defined]  # annotated


def _answer(request: HttpRequest, body: ShotEdit, work: Callable[[], HttpResponse]) -> HttpResponseBase:
    """A picture at an address elsewhere is fetched in a thread that no page needs."""
    return later_where(request, work, is_later=has_links(Endpoint.default(Source.IMAGE), _pictures(body)))


def _pictures(body: ShotEdit) -> dict[str, Any]:
    return body.model_dump(include=set(FIELDS.values()), exclude_none=True)


def _columns(caller: Caller, body: ShotEdit) -> dict[str, Any]:
    """What the body says of what the shot shows. Its pictures are in the bucket then."""
    given = body.model_fields_set
    columns: dict[str, Any] = {name: getattr(body, name) or "" for name in _TEXTS if name in given}
    if "duration" in given:
        columns["duration"] = body.duration
    wrong = text_problems(columns.get("prompt", ""), columns.get("negative_prompt", ""))
    if wrong:
        raise of_arguments(InvalidArguments(wrong))
    return columns | _uploads(caller, body)


def _uploads(caller: Caller, body: ShotEdit) -> dict[str, Any]:
    pictures = _pictures(body)
    words = _("Give an https address or a data: URI.")
    unknown = [name for name, value in without_pictures(pictures).items() if value != PLACEHOLDER]
    if unknown:
        raise invalid([of_body(name, words) for name in unknown])
    saved = save_pictures(caller, pictures)
    return {slot.value: saved.get(slot) for slot, name in FIELDS.items() if name in body.model_fields_set}


def _append(project: Collection, shot: Shot) -> None:
    try:
        Shot.objects.append(project, [shot])
    except TooManyShotsError:
        words = _("A storyboard has at most %d shots.") % MAX_SHOTS
        raise ProblemError(409, words, kind="too-many-shots") from None


def _move(shot: Shot, number: int | None) -> None:
    if number is not None:
        Shot.objects.move(shot, number - 1)


def _edit(caller: Caller, shot: Shot, body: ShotChange, columns: dict[str, Any]) -> None:
    if "chosen" in body.model_fields_set:
        Shot.objects.filter(pk=shot.pk).update(chosen=_take(caller, shot, body.chosen) if body.chosen else None)
    if columns and not shot.edit(caller.user, shot.version, columns):
        raise ProblemError(412, _("It was changed meanwhile. Get it anew, and decide again."), kind="changed")
    _move(shot, body.number)


def _take(caller: Caller, shot: Shot, pk: uuid.UUID) -> Generation:
    takes = Generation.objects.visible_to(caller.user).filter(pk=pk, shot=shot, video__isnull=False)
    found: Generation | None = takes.first()
    if found is None:
        raise invalid([of_body("chosen", _("The shot has no such finished take."))])
    return found
