"""Tags and projects (`collections`) of the team: list, make, rename, delete. Videos stay."""

from typing import Annotated, Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Path, Query, Router
from pydantic import BaseModel, ConfigDict, Field

from accounts.rights import rights_of
from accounts.roles import Action
from api.authentication import Caller
from api.text import Text
from api.v1.callers import MANAGE, READ_MANAGED
from api.v1.http import caller_of, lock, require_match, respond
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import ProblemError, invalid, of_body
from api.v1.schemas.common import Input, Moment, Money, Named, NumberId, money
from api.v1.schemas.generation import Name
from generations.models import Collection, Tag
from generations.models.collections import clean_name

tags = Router(tags=["Tags"])
collections = Router(tags=["Collections"])
_BY_ID = Keyset("id", kinds=(int,), is_descending=False)


class NameIn(Input):
    name: Name


class CollectionOut(Named):
    """A project."""

    client: str = Field(description="Who it is billed to; blank: not said.")
    cost_centre: str
    monthly_limit: Money | None = Field(description="Of what is ordered in it.")
    created_at: Moment
    archived_at: Moment | None = Field(description="Nothing new is ordered in it from then on.")


class CollectionEdit(Input):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"client": "Acme", "monthly_limit_cents": 25000}]}
    )

    name: Name | None = None
    client: Annotated[Text, Field(max_length=100)] | None = None
    cost_centre: Annotated[Text, Field(max_length=60)] | None = None
    monthly_limit_cents: Annotated[int, Field(ge=0, le=999_999_999)] | None = Field(None, description="null: no limit.")
    is_archived: bool | None = None


_OF_BUDGET = frozenset({"monthly_limit_cents", "is_archived"})


def _columns(body: CollectionEdit) -> dict[str, Any]:
    """What is to be written, without the name, which may be taken."""
    found = body.model_dump(exclude_unset=True, include={"client", "cost_centre", "monthly_limit_cents"})
    columns = {name: value for name, value in found.items() if value is not None or name == "monthly_limit_cents"}
    if body.is_archived is not None:
        columns["archived_at"] = timezone.now() if body.is_archived else None
    return columns


@tags.get("", auth=READ_MANAGED, response=Page[Named], operation_id="listTags", url_name="v1-tags")
def list_tags(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """Of the team, used or not, the oldest first."""
    return _list(request, Tag, query)


@tags.post("", auth=MANAGE, response={200: Named, 201: Named}, operation_id="createTag", url_name="v1-tags")
def create_tag(request: HttpRequest, body: NameIn) -> HttpResponse:
    """200 with the one that is there where one has the name already, whatever its case."""
    return _create(request, Tag, body)


@tags.get("/{id}", auth=READ_MANAGED, response=Named, operation_id="getTag", url_name="v1-tag")
def get_tag(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002 - the name in the document
    """By its id, as `tags` of a generation has it."""
    return respond(_out(_get(caller_of(request), Tag, id)))


@tags.patch("/{id}", auth=MANAGE, response=Named, operation_id="renameTag", url_name="v1-tag")
def rename_tag(request: HttpRequest, id: Path[NumberId], body: NameIn) -> HttpResponse:  # noqa: A002
    """On all that has it. 409 where another one has the name."""
    return _rename(request, Tag, id, body)


@tags.delete("/{id}", auth=MANAGE, response={204: None}, operation_id="deleteTag", url_name="v1-tag")
def delete_tag(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002
    """It is taken off all that has it; the videos stay."""
    return _delete(request, Tag, id)


@collections.get(
    "", auth=READ_MANAGED, response=Page[CollectionOut], operation_id="listCollections", url_name="v1-collections"
)
def list_collections(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """Of the team, empty or not, the oldest first."""
    return _list(request, Collection, query)


@collections.post(
    "",
    auth=MANAGE,
    response={200: CollectionOut, 201: CollectionOut},
    operation_id="createCollection",
    url_name="v1-collections",
)
def create_collection(request: HttpRequest, body: NameIn) -> HttpResponse:
    """200 with the one that is there where one has the name already, whatever its case."""
    return _create(request, Collection, body)


@collections.get(
    "/{id}", auth=READ_MANAGED, response=CollectionOut, operation_id="getCollection", url_name="v1-collection"
)
def get_collection(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002
    """By its id, as `collection` of a generation has it."""
    return respond(_out(_get(caller_of(request), Collection, id)))


@collections.patch(
    "/{id}", auth=MANAGE, response=CollectionOut, operation_id="editCollection", url_name="v1-collection"
)
def edit_collection(request: HttpRequest, id: Path[NumberId], body: CollectionEdit) -> HttpResponse:  # noqa: A002
    """What is left out stays as it is. 409 where another one has the name.

    The limit and the archive are for who may set the team's limits.
    """
    caller = caller_of(request)
    with transaction.atomic():
        lock(Collection, id)
        row = _get(caller, Collection, id)
        require_match(request, _out(row))
        if body.model_fields_set & _OF_BUDGET and not rights_of(caller.user).may(Action.BUDGET, caller.team.pk):
            raise PermissionDenied
        if body.name is not None and not Collection.objects.rename(id, _name(NameIn(name=body.name))):
            raise ProblemError(409, _("There is one of that name already."), kind="name-taken")
        if columns := _columns(body):
            Collection.objects.filter(pk=id).update(**columns)
    row.refresh_from_db()
    return respond(_out(row))


@collections.delete(
    "/{id}", auth=MANAGE, response={204: None}, operation_id="deleteCollection", url_name="v1-collection"
)
def delete_collection(request: HttpRequest, id: Path[NumberId]) -> HttpResponse:  # noqa: A002
    """What lies in it lies in none then; the videos stay. 409 where something was ordered in it, or a key orders in it
    by default: archive it instead. One with a limit or members, or archived, is for who may set the team's limits.
    """
    return _delete(request, Collection, id)


def _list(request: HttpRequest, model: Any, query: PageQuery) -> HttpResponse:
    refuse_unknown(request, PageQuery)
    page, following = _BY_ID.select(model.objects.filter(team=caller_of(request).team), query)
    return respond_page(request, page, following, _out)


def _get(caller: Caller, model: Any, pk: int) -> Any:
    return get_object_or_404(model, pk=pk, team=caller.team)


def _out(row: Tag | Collection) -> BaseModel:
    if isinstance(row, Collection):
        limit = row.monthly_limit_cents
        return CollectionOut(
            id=row.pk,
            name=row.name,
            client=row.client,
            cost_centre=row.cost_centre,
            monthly_limit=None if limit is None else money(limit),
            created_at=row.created_at,
            archived_at=row.archived_at,
        )
    return Named(id=row.pk, name=row.name)


def _name(body: NameIn) -> str:
    name = clean_name(body.name)
    if not name:
        raise invalid([of_body("name", _("Nothing of this name can be seen. Choose another one."))])
    return name


def _create(request: HttpRequest, model: Any, body: NameIn) -> HttpResponse:
    team, name = caller_of(request).team, _name(body)
    is_known = model.objects.filter(team=team, name__iexact=name).exists()
    row = model.objects.get_or_create_named(team.pk, name)
    return respond(_out(row), 200 if is_known else 201, Location=f"{request.path}/{row.pk}")


def _rename(request: HttpRequest, model: Any, pk: int, body: NameIn) -> HttpResponse:
    with transaction.atomic():
        lock(model, pk)
        row = _get(caller_of(request), model, pk)
        require_match(request, _out(row))
        if not model.objects.rename(pk, _name(body)):
            raise ProblemError(409, _("There is one of that name already."), kind="name-taken")
    row.refresh_from_db()
    return respond(_out(row))


def _delete(request: HttpRequest, model: Any, pk: int) -> HttpResponse:
    caller = caller_of(request)
    with transaction.atomic():
        lock(model, pk)
        row = _get(caller, model, pk)
        require_match(request, _out(row))
        if model is Tag:
            row.delete()
        elif row.needs_budget_right and not rights_of(caller.user).may(Action.BUDGET, caller.team.pk):
            raise PermissionDenied
        elif why := Collection.objects.delete_unused(row):
            raise ProblemError(409, why, kind="billed")
    return HttpResponse(status=204)
