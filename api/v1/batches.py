"""Batches: several generations by one order, all or none, and what they would cost."""

import uuid

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Header, Router
from pydantic import BaseModel, Field

from api.authentication import Caller
from api.orders import Repeat
from api.v1.budget import budget_out
from api.v1.callers import GENERATE, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.orders import answer_order, place_orders, total_cents
from api.v1.schemas.common import Input, Money, money
from api.v1.schemas.generation import GenerationIn, GenerationOut, generation_out
from generations.forms import MAX_LINES
from generations.models import Favourite, Generation

router = Router(tags=["Batches"])


class BatchIn(Input):
    """All of them are ordered, or none is."""

    requests: list[GenerationIn] = Field(min_length=1, max_length=MAX_LINES)


class BatchOut(BaseModel):
    id: uuid.UUID
    generations: list[GenerationOut]
    cost: Money


class QuoteOut(BaseModel):
    """What a batch would cost at this moment. Nothing was ordered."""

    cost: Money
    each: list[Money]
    left: Money | None = Field(description="The least that any limit leaves now; null: there is no limit.")
    is_affordable: bool


@router.post("/quote", auth=READ_OWN, response=QuoteOut, operation_id="quoteBatch", url_name="v1-batch-quote")
def quote_batch(request: HttpRequest, body: BatchIn) -> HttpResponse:
    """The price first: the same body as for the order, and nothing is made. Pictures are not fetched."""
    each = total_cents(body.requests, "requests")
    left = budget_out(caller_of(request)).left
    quote = QuoteOut(
        cost=money(sum(each)),
        each=[money(cents) for cents in each],
        left=left,
        is_affordable=left is None or sum(each) <= left.cents,
    )
    return respond(quote)


@router.post("", auth=GENERATE, response={201: BatchOut}, operation_id="createBatch", url_name="v1-batches")
def create_batch(request: HttpRequest, body: BatchIn, idempotency_key: Header[str] = "") -> HttpResponseBase:
    """All are ordered in one transaction with one budget for their sum, or none is.

    Sent again with the same Idempotency-Key within 24 hours it gives the batch of before.
    """
    caller = caller_of(request)

    def place() -> HttpResponse:
        repeat = Repeat.of(idempotency_key, "batch", body.model_dump(mode="json"))
        rows = place_orders(caller, body.requests, repeat, "requests")
        batch = rows[0].batch or rows[0].pk
        return respond(batch_out(caller, batch), 201, Location=f"{request.path}/{batch}")

    return answer_order(request, body.requests, place)


@router.get("/{uuid:id}", auth=READ_OWN, response=BatchOut, operation_id="getBatch", url_name="v1-batch")
def get_batch(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002 - the name in the document
    """Those of its generations that the key’s person sees. A batch of one has its generation’s id."""
    return respond(batch_out(caller_of(request), id))


def batch_out(caller: Caller, pk: uuid.UUID) -> BatchOut:
    """Raises Http404 where the key’s person sees none of it."""
    seen = Generation.objects.visible_to(caller.user).select_related("user", "video", "collection")
    seen = seen.annotate(is_favourite=Favourite.objects.exists_for(caller.user)).order_by("batch_index", "id")
    rows = list(seen.filter(batch=pk)[:MAX_LINES]) or list(seen.filter(pk=pk, batch=None))
    if not rows:
        raise Http404
    prefetch_related_objects(rows, "tags")
    cost = money(sum(row.cost_cents for row in rows))
    return BatchOut(id=pk, generations=[generation_out(row) for row in rows], cost=cost)
