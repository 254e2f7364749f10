"""Films: videos of the team that are joined into one file, in an order; list, get, order, and the file."""

import uuid
from typing import Annotated, Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Header, Query, Router
from pydantic import BaseModel, ConfigDict, Field

from accounts.names import fold
from api.authentication import Caller
from api.orders import IdempotencyError, Repeat
from api.text import Text
from api.v1.callers import GENERATE, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import invalid, of_body
from api.v1.schemas.common import Input, Moment, Named, NumberId, Person, person
from generations import tasks
from generations.films.plan import order_film
from generations.models import Collection, Film, FilmStatus, Generation
from generations.models.collections import clean_name
from generations.models.film import MAX_PARTS, NAME_LENGTH
from generations.views.media import Deliverable, deliver

router = Router(tags=["Films"])
_BY_TIME: Final = Keyset("created_at", "id")


class FilmIn(Input):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"generations": ["2b1f6c1e-0c6d-4c35-9a4b-4f6d3f2a9d10"], "name": "Spot"}]},
    )

    generations: Annotated[list[uuid.UUID], Field(min_length=1, max_length=MAX_PARTS)] = Field(
        description="Finished videos, in the order of the film; one as often as it is named."
    )
    name: Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH)]
    collection: NumberId | None = Field(None, description="The project in which it lies.")
    encode: bool = Field(False, description="Also where the videos could be copied without loss.")


class FilmOut(BaseModel):
    id: uuid.UUID
    name: str
    status: str = Field(description="queued, joining, done, failed or canceled.")
    message: str = Field(description="What went wrong and what to do, for a person.")
    generations: list[uuid.UUID] = Field(description="Its videos, in their order; one may be in the trash since.")
    made_by: Person
    collection: Named | None
    is_encoded: bool = Field(description="Every picture is encoded again: its videos differ, or it was asked for.")
    seconds: float | None = Field(description="null until it is done.")
    width: int | None
    height: int | None
    size: int | None = Field(description="Bytes.")
    sha256: str
    created_at: Moment


def _out(row: Film) -> FilmOut:
    project = row.project
    return FilmOut(
        id=row.pk,
        name=row.name,
        status=row.status,
        message=row.message,
        generations=[part.generation_id for part in row.parts.all()],
        made_by=person(row.user),
        collection=Named(id=project.pk, name=project.name) if project else None,
        is_encoded=row.is_encoded,
        seconds=row.seconds or None,
        width=row.width or None,
        height=row.height or None,
        size=row.size or None,
        sha256=row.sha256,
        created_at=row.created_at,
    )


@router.get("", auth=READ_OWN, response=Page[FilmOut], operation_id="listFilms", url_name="v1-films")
def list_films(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """Those whose videos the key’s person sees, the newest first."""
    refuse_unknown(request, PageQuery)
    page, following = _BY_TIME.select(_films(caller_of(request)), query)
    return respond_page(request, page, following, _out)


@router.post("", auth=GENERATE, response={201: FilmOut}, operation_id="createFilm", url_name="v1-films")
def create_film(request: HttpRequest, body: FilmIn, idempotency_key: Header[str] = "") -> HttpResponse:
    """Join finished videos into one file, free of charge. 409 where too many films wait for the person already.

    Sent again with the same Idempotency-Key it gives the film of before.
    """
    caller = caller_of(request)
    repeat = Repeat.of(idempotency_key, "film", body.model_dump(mode="json"))
    columns: dict[str, Any] = {"name": _name(body.name), "project": _project(caller, body.collection)}
    columns |= {"idempotency_key": _form_key(caller, repeat), "body_digest": repeat.digest}
    film = order_film(caller.user, _videos(caller, body.generations), columns, is_encoded=body.encode)
    if film.body_digest not in {"", repeat.digest}:  # "": of a film from before the column
        raise IdempotencyError(_("This Idempotency-Key was used for another film."))
    tasks.wake_films()
    return respond(_out(_find(caller, film.pk)), 201, Location=f"{request.path}/{film.pk}")


@router.get("/{uuid:id}", auth=READ_OWN, response=FilmOut, operation_id="getFilm", url_name="v1-film")
def get_film(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002 - the name in the document
    """As it is now."""
    return respond(_out(_find(caller_of(request), id)))


@router.get(
    "/{uuid:id}/video", auth=READ_OWN, response={200: None}, operation_id="getFilmVideo", url_name="v1-film-video"
)
def get_film_video(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
    """The file, in ranges too. Where the bucket is public to clients, a redirect to it."""
    film = _find(caller_of(request), id)
    if film.status != FilmStatus.DONE:
        raise Http404
    return deliver(request, Deliverable(film.key, "video/mp4", film.sha256, name="film.mp4"))


def _films(caller: Caller) -> Any:
    rows = Film.objects.visible_to(caller.user).filter(team=caller.team)
    return rows.select_related("user", "project").prefetch_related("parts")


def _find(caller: Caller, pk: uuid.UUID) -> Any:
    return get_object_or_404(_films(caller), pk=pk)


def _name(text: str) -> str:
    name = clean_name(fold(text), NAME_LENGTH)
    if not name:
        raise invalid([of_body("name", _("Nothing of this name can be seen. Choose another one."))])
    return name


def _project(caller: Caller, pk: int | None) -> Collection | None:
    if pk is None:
        return None
    found = Collection.objects.usable_by(caller.user).filter(team=caller.team, pk=pk).first()
    if found is None:
        raise invalid([of_body("collection", _("There is no such collection."))])
    return found


def _videos(caller: Caller, ids: list[uuid.UUID]) -> list[Generation]:
    """The finished videos, in the order in which they are named."""
    seen = Generation.objects.visible_to(caller.user).filter(team=caller.team, video__isnull=False)
    rows = seen.select_related("video", "team").in_bulk(ids)
    words = _("There is no such finished video.")
    missing = [of_body(f"generations/{place}", words) for place, pk in enumerate(ids) if pk not in rows]
    if missing:
        raise invalid(missing)
    return [rows[pk] for pk in ids]


def _form_key(caller: Caller, repeat: Repeat) -> uuid.UUID:
    """In the place of the page's: one for each that the key has sent."""
    return uuid.uuid5(caller.key.pk, repeat.key) if repeat.key else uuid.uuid4()
