"""The picture library of the team: list, add, get, name and tag, delete, and the bytes of its pictures."""

import uuid
from typing import Annotated, Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import BaseModel, ConfigDict, Field

from accounts.names import fold
from api.authentication import Caller
from api.fal.pictures import FIELDS, has_links, library_file_url, save_pictures
from api.orders import refuse_ended
from api.text import Text
from api.v1.callers import MANAGE, READ_ANY
from api.v1.http import caller_of, lock, require_match, respond
from api.v1.orders import later_where
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import invalid, of_body
from api.v1.schemas.common import Input, Moment, Named, NumberId, Person, person
from api.v1.schemas.generation import Name
from generations.fal.arguments import Endpoint, Source
from generations.models import LibraryPicture, Slot
from generations.models.collections import clean_name
from generations.models.library_picture import MAX_TAGS, NAME_LENGTH
from generations.orders.library import add_upload
from generations.views.library import deliver_picture, deliver_thumbnail, may_delete

router = Router(tags=["Library"])
_BY_TIME: Final = Keyset("created_at", "id")
_ADDRESS: Final = FIELDS[Slot.START]
PictureName = Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH)]
Tags = Annotated[list[Name], Field(max_length=MAX_TAGS)]


class PictureIn(Input):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Red fox", "image_url": "https://example.com/fox.jpg", "tags": ["snow"]}]
        },
    )

    name: PictureName
    image_url: str = Field(description="An https address or a data: URI.")
    tags: Tags = Field(default_factory=list, description="By name, made where there is none.")


class PictureEdit(Input):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"tags": ["snow", "fox"]}]})

    name: PictureName | None = None
    tags: Tags | None = Field(None, description="All of its tags, by name.")


class PictureQuery(PageQuery):
    q: Annotated[Text, Field(max_length=200, description="Each word is in the name, or in a tag.")] = ""
    tag: Annotated[NumberId | None, Field(description="By the tag’s id.")] = None


class LibraryPictureOut(BaseModel):
    """A picture that the team keeps. Its addresses take the same key; `url` is an `image_url` of orders and shots."""

    id: uuid.UUID
    name: str
    tags: list[Named]
    url: str
    thumbnail_url: str
    media_type: str = Field(examples=["image/jpeg"])
    width: int
    height: int
    size: int = Field(description="In bytes.")
    sha256: str
    added_by: Person
    created_at: Moment


def _out(row: LibraryPicture) -> LibraryPictureOut:
    """Of a row with `user` and `tags`."""
    url = library_file_url(row.pk)
    return LibraryPictureOut(
        tags=[Named(id=tag.pk, name=tag.name) for tag in row.tags.all()],
        url=url,
        thumbnail_url=f"{url.removesuffix('file')}thumbnail",
        added_by=person(row.user),
        **{name: getattr(row, name) for name in _SAME},
    )


_SAME: Final = ("id", "name", "media_type", "width", "height", "size", "sha256", "created_at")


@router.get("", auth=READ_ANY, response=Page[LibraryPictureOut], operation_id="listPictures", url_name="v1-library")
def list_pictures(request: HttpRequest, query: Query[PictureQuery]) -> HttpResponse:
    """Of the team, the newest first."""
    refuse_unknown(request, PictureQuery)
    rows = _pictures(caller_of(request)).search(query.q)
    page, following = _BY_TIME.select(rows.filter(tags=query.tag) if query.tag else rows, query)
    return respond_page(request, page, following, _out)


@router.post(
    "",
    auth=MANAGE,
    response={200: LibraryPictureOut, 201: LibraryPictureOut},
    operation_id="addPicture",
    url_name="v1-library",
)
def add_picture(request: HttpRequest, body: PictureIn) -> HttpResponseBase:
    """200 with the one that is there where the team keeps this picture already, in the trash too; it stays as it is.

    409 where the library is full.
    """
    caller = caller_of(request)
    values = {_ADDRESS: body.image_url}
    name, tags = _visible_name("name", body.name, NAME_LENGTH), _tags(body.tags)

    def add() -> HttpResponse:
        uploads = save_pictures(caller, values)
        if not uploads:
            raise invalid([of_body(_ADDRESS, _("Give an https address or a data: URI."))])
        refuse_ended(caller)
        same = LibraryPicture.objects.filter(team=caller.team, sha256=uploads[Slot.START].sha256)
        known = set(same.values_list("pk", flat=True))
        row = add_upload(caller.user, caller.team, uploads[Slot.START], name)
        if row.pk not in known:
            row.set_tags(tags)
        status = 200 if row.pk in known else 201
        return respond(_out(_find(caller, row.pk)), status, Location=f"{request.path}/{row.pk}")

    return later_where(request, add, is_later=has_links(Endpoint.default(Source.IMAGE), values))


@router.get(
    "/{uuid:id}", auth=READ_ANY, response=LibraryPictureOut, operation_id="getPicture", url_name="v1-library-picture"
)
def get_picture(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002 - the name in the document
    """Its `ETag` goes into `If-Match` of a change."""
    return respond(_out(_find(caller_of(request), id)))


@router.patch(
    "/{uuid:id}", auth=MANAGE, response=LibraryPictureOut, operation_id="editPicture", url_name="v1-library-picture"
)
def edit_picture(request: HttpRequest, id: uuid.UUID, body: PictureEdit) -> HttpResponse:  # noqa: A002
    """Its name and its tags."""
    caller = caller_of(request)
    name = None if body.name is None else _visible_name("name", body.name, NAME_LENGTH)
    tags = None if body.tags is None else _tags(body.tags)
    with transaction.atomic():
        lock(LibraryPicture, id)
        row = _find(caller, id)
        require_match(request, _out(row))
        if name is not None:
            LibraryPicture.objects.filter(pk=id).update(name=name)
        if tags is not None:
            row.set_tags(tags)
    return respond(_out(_find(caller, id)))


@router.delete(
    "/{uuid:id}", auth=MANAGE, response={204: None}, operation_id="deletePicture", url_name="v1-library-picture"
)
def delete_picture(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """Move it to the trash, where it stays for 30 days. For who added it, and who may delete what is the team’s."""
    caller = caller_of(request)
    with transaction.atomic():
        lock(LibraryPicture, id)
        row = _find(caller, id)
        if not may_delete(caller.user, row):
            raise PermissionDenied
        require_match(request, _out(row))
        row.move_to_trash()
    return HttpResponse(status=204)


@router.get(
    "/{uuid:id}/file",
    auth=READ_ANY,
    response={200: None},
    operation_id="getPictureFile",
    url_name="v1-library-picture-file",
)
def get_picture_file(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
    """The picture. Where the bucket is public to clients, a redirect to it."""
    return deliver_picture(request, _find(caller_of(request), id))


@router.get(
    "/{uuid:id}/thumbnail",
    auth=READ_ANY,
    response={200: None},
    operation_id="getPictureThumbnail",
    url_name="v1-library-picture-thumbnail",
)
def get_picture_thumbnail(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
    """A small one, as WebP."""
    return deliver_thumbnail(request, _find(caller_of(request), id))


def _pictures(caller: Caller) -> Any:
    rows = LibraryPicture.objects.visible_to(caller.user).filter(team=caller.team)
    return rows.select_related("user").prefetch_related("tags")


def _find(caller: Caller, pk: uuid.UUID) -> LibraryPicture:
    found: LibraryPicture = get_object_or_404(_pictures(caller), pk=pk)
    return found


def _tags(names: list[str]) -> list[str]:
    return [_visible_name(f"tags/{place}", name) for place, name in enumerate(names)]


def _visible_name(field: str, text: str, *length: int) -> str:
    name = clean_name(fold(text), *length)
    if not name:
        raise invalid([of_body(field, _("Nothing of this name can be seen. Choose another one."))])
    return name
