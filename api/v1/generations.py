"""Generations: list, get, order, cancel, retry, edit, move to the trash, and the bytes of their videos."""

import uuid
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Header, Query, Router

from accounts.models import User
from accounts.roles import Action
from api.orders import Repeat, find_repeated, retry
from api.v1.batches import BatchOut, batch_out
from api.v1.callers import GENERATE, READ_OWN, SAY
from api.v1.http import authenticated, caller_of, lock, require_match, respond
from api.v1.orders import answer_order, place_orders
from api.v1.pages import Keyset, Page, refuse_unknown, respond_page
from api.v1.problems import ProblemError, invalid, of_body, of_parameter
from api.v1.schemas.generation import GenerationEdit, GenerationIn, GenerationOut, GenerationQuery, generation_out
from generations import tasks
from generations.access import allowed_generation, may, may_delete, visible_generation
from generations.filters import GalleryFilters
from generations.models import RETRYABLE, Collection, Favourite, Generation, Status, Tag
from generations.models.collections import clean_name
from generations.models.review_status import REVIEW_RANK
from generations.orders.cancel import request_cancel
from generations.views.media import Deliverable, deliver

router = Router(tags=["Generations"])
_DEFAULTS: Final = (None, "", False, "newest")  # which the gallery’s address leaves out
_KEYSETS: Final = {
    "newest": Keyset("created_at", "id"),
    "oldest": Keyset("created_at", "id", is_descending=False),
    "review": Keyset("review_rank", "created_at", "id", kinds=(int, datetime, uuid.UUID)),
}


@router.get("", auth=READ_OWN, response=Page[GenerationOut], operation_id="listGenerations", url_name="v1-generations")
def list_generations(request: HttpRequest, query: Query[GenerationQuery]) -> HttpResponse:
    """The team’s, as the key’s person sees them, with all of the gallery’s filters."""
    refuse_unknown(request, GenerationQuery)
    caller = caller_of(request)
    filters = GalleryFilters(caller.user, _as_form(query) | {"team": caller.team.slug})
    if filters.errors:
        raise invalid([of_parameter(name, words) for name, found in filters.errors.items() for words in found])
    rows = filters.rows().select_related("user", "video", "collection").prefetch_related("tags")
    rows = rows.annotate(is_favourite=Favourite.objects.exists_for(caller.user))
    if filters.is_by_review:
        rows = rows.annotate(review_rank=REVIEW_RANK)  # the cursor tells it
    page, following = _KEYSETS[query.order].select(rows, query)
    return respond_page(request, page, following, generation_out)


def _as_form(query: GenerationQuery) -> dict[str, str]:
    """As the gallery’s address has it."""
    found = query.model_dump(mode="json", exclude={"limit", "cursor"})
    return {name: "on" if value is True else str(value) for name, value in found.items() if value not in _DEFAULTS}


@router.post(
    "",
    auth=GENERATE,
    response={201: GenerationOut | BatchOut},
    operation_id="createGeneration",
    url_name="v1-generations",
)
def create_generation(request: HttpRequest, body: GenerationIn, idempotency_key: Header[str] = "") -> HttpResponseBase:
    """Ask for a video, as the composer does: budgets, rules, approvals and the fair queue hold here too.

    With `variables` each combination of their values is a generation, and the answer is their batch: all are ordered,
    or none. Sent again with the same Idempotency-Key within 24 hours it gives the generation, or the batch, of before.
    """
    caller = caller_of(request)

    def place() -> HttpResponse:
        repeat = Repeat.of(idempotency_key, "generation", body.model_dump(mode="json"))
        rows = place_orders(caller, [body], repeat)
        if body.variables is None:
            return respond(find(request, rows[0].pk), 201, Location=f"{request.path}/{rows[0].pk}")
        batch = rows[0].batch or rows[0].pk
        return respond(batch_out(caller, batch), 201, Location=f"{reverse('v1-batches')}/{batch}")

    return answer_order(request, [body], place)


@router.get("/{uuid:id}", auth=READ_OWN, response=GenerationOut, operation_id="getGeneration", url_name="v1-generation")
def get_generation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002 - the name in the document
    """As it is now. Its `ETag` goes into `If-Match` of a change."""
    return respond(find(request, id))


@router.patch("/{uuid:id}", auth=SAY, response=GenerationOut, operation_id="editGeneration", url_name="v1-generation")
def edit_generation(request: HttpRequest, id: uuid.UUID, body: GenerationEdit) -> HttpResponse:  # noqa: A002
    """Its tags, its project (`collection`), who sees it, and whether it is a favourite."""
    caller = caller_of(request)
    row = visible_generation(authenticated(request), id)
    given = body.model_fields_set
    if given & {"tags", "collection"} and not may(caller.user, Action.GENERATE, row):
        raise PermissionDenied
    with transaction.atomic():
        lock(Generation, id)
        require_match(request, find(request, id))
        _edit(caller.user, row, body)
    return respond(find(request, id))


def _edit(user: User, row: Generation, body: GenerationEdit) -> None:
    given = body.model_fields_set
    if "tags" in given:
        _set_tags(row, [_name(f"tags/{place}", one) for place, one in enumerate(body.tags or [])])
    if "collection" in given:
        Collection.objects.assign([row], _name("collection", body.collection) if body.collection else "", user)
    if body.is_favourite is not None:
        Favourite.objects.set(user, row, is_one=body.is_favourite)
    if body.is_private is not None and body.is_private != row.is_private:
        if user.pk not in {row.user_id, row.assigned_to_id}:
            raise ProblemError(403, _("Only its owner decides who sees it."))
        Generation.objects.filter(pk=row.pk).update(is_private=body.is_private, changed_at=timezone.now())


def _name(field: str, text: str) -> str:
    name = clean_name(text)
    if not name:
        raise invalid([of_body(field, _("Nothing of this name can be seen. Choose another one."))])
    return name


def _set_tags(row: Generation, names: list[str]) -> None:
    row.tags.set([Tag.objects.get_or_create_named(row.team_id, name) for name in names])


@router.delete(
    "/{uuid:id}", auth=GENERATE, response={204: None}, operation_id="deleteGeneration", url_name="v1-generation"
)
def delete_generation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """Move it to the trash, where it stays for 30 days. One that is open has to end first: cancel it."""
    caller, row = caller_of(request), visible_generation(authenticated(request), id)
    if not may_delete(caller.user, row):
        raise PermissionDenied
    require_match(request, find(request, id))
    if row.is_open or not row.move_to_trash(caller.user):
        raise ProblemError(409, _("It is still open. Cancel it, or wait for its end."), kind="open")
    return HttpResponse(status=204)


@router.post(
    "/{uuid:id}/cancel",
    auth=GENERATE,
    response=GenerationOut,
    operation_id="cancelGeneration",
    url_name="v1-generation-cancel",
)
def cancel_generation(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """End it without a video. What fal has is ended by fal: ask again for what became of it."""
    caller, row = caller_of(request), allowed_generation(authenticated(request), id, Action.GENERATE)
    is_taken = request_cancel(row, caller.user) or bool(row.cancel_requested_at)
    tasks.wake()
    if not is_taken and row.status != Status.CANCELED:
        raise ProblemError(409, _("It is too late to cancel it."), kind="too-late")
    return respond(find(request, id))


@router.post(
    "/{uuid:id}/retry",
    auth=GENERATE,
    response={201: GenerationOut},
    operation_id="retryGeneration",
    url_name="v1-generation-retry",
)
def retry_generation(
    request: HttpRequest,
    id: uuid.UUID,  # noqa: A002
    idempotency_key: Header[str] = "",
) -> HttpResponse:
    """Ask for the same again, at today’s price: of one that failed, or was canceled or rejected."""
    caller, repeat = caller_of(request), Repeat.of(idempotency_key, "retry", str(id))
    if known := find_repeated(caller, repeat):
        again = known[0]
    else:
        row = allowed_generation(authenticated(request), id, Action.GENERATE)
        if row.status not in RETRYABLE:
            raise ProblemError(409, _("Nothing to retry: it did not fail."), kind="not-failed")
        again = retry(caller, row, repeat)
    return respond(find(request, again.pk), 201, Location=request.path.replace(f"{id}/retry", str(again.pk)))


@router.get(
    "/{uuid:id}/video", auth=READ_OWN, response={200: None}, operation_id="getVideo", url_name="v1-generation-video"
)
def get_video(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
    """The file, in ranges too. Where the bucket is public to clients, a redirect to it."""
    video = _video(request, id)
    return deliver(request, Deliverable(video.key, video.content_type, video.sha256, name=f"video{video.extension}"))


@router.get(
    "/{uuid:id}/poster", auth=READ_OWN, response={200: None}, operation_id="getPoster", url_name="v1-generation-poster"
)
def get_poster(request: HttpRequest, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
    """A still of the video, as WebP."""
    video = _video(request, id)
    return deliver(request, Deliverable(video.poster_key, "image/webp", f"{video.sha256}-poster"))


def _video(request: HttpRequest, pk: uuid.UUID) -> Any:
    video = getattr(visible_generation(authenticated(request), pk), "video", None)
    if video is None:
        raise Http404
    return video


def find(request: HttpRequest, pk: uuid.UUID) -> GenerationOut:
    """Raises Http404 for one that the key’s person may not know of."""
    row = visible_generation(authenticated(request), pk)
    prefetch_related_objects([row], "tags")
    return generation_out(row)
