"""Orders of a storyboard's shots: those that are named, or all that are missing; the price first."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Header, Path, Router

from api.authentication import Caller
from api.budget import limit_of_key
from api.orders import Repeat, find_repeated, place
from api.v1.batches import BatchOut, batch_out
from api.v1.callers import GENERATE, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.problems import ProblemError, invalid, of_body
from api.v1.schemas.common import NumberId, money
from api.v1.schemas.shot import ShotOrderIn, ShotQuote, ShotQuoteLine
from api.v1.shots import project_of
from generations.exceptions import OrderRefusedError
from generations.films.shot_orders import Plan, plan
from generations.films.storyboard import Slide, refuse_changed, slides_of
from generations.models import Collection, Generation, dollars
from generations.views.shots import parameters_of

router = Router(tags=["Storyboards"])


@router.post(
    "/{id}/shots/quote",
    auth=READ_OWN,
    response=ShotQuote,
    operation_id="quoteShots",
    url_name="v1-collection-shots-quote",
)
def quote_shots(request: HttpRequest, id: Path[NumberId], body: ShotOrderIn) -> HttpResponse:  # noqa: A002
    """The price first: the same body as for the order, and nothing is made."""
    caller = caller_of(request)
    planned = _plan(caller, project_of(caller, id), body)
    own = limit_of_key(caller.key)
    limits = [budget.left for budget in planned.budgets] + ([own.left_cents] if own else [])
    left = min(limits, default=None)
    is_possible = not any(line.problems for line in planned.lines)
    quote = ShotQuote(
        cost=money(planned.cents),
        shots=[
            ShotQuoteLine(
                shot=line.slide.shot.pk,
                number=line.slide.number,
                cost=money(line.order.cents),
                problems=line.problems,
            )
            for line in planned.lines
        ],
        left=None if left is None else money(left),
        is_affordable=is_possible and (left is None or planned.cents <= left),
        left_out=planned.left_out,
    )
    return respond(quote)


@router.post(
    "/{id}/shots/order",
    auth=GENERATE,
    response={201: BatchOut},
    operation_id="orderShots",
    url_name="v1-collection-shots-order",
)
def order_shots(
    request: HttpRequest,
    id: Path[NumberId],  # noqa: A002
    body: ShotOrderIn,
    idempotency_key: Header[str] = "",
) -> HttpResponse:
    """A take of each, paid by the project: all are ordered, or none is. 409 where they cost more than `max_cents`.

    Sent again with the same Idempotency-Key within 24 hours it gives the batch of before.
    """
    caller = caller_of(request)
    project = project_of(caller, id)
    repeat = Repeat.of(idempotency_key, "shots", project.pk, body.model_dump(mode="json"))
    rows = find_repeated(caller, repeat) or _order_once(caller, project, body, repeat)
    batch = rows[0].batch or rows[0].pk
    return respond(batch_out(caller, batch), 201, Location=f"/api/v1/batches/{batch}")


def _order_once(caller: Caller, project: Collection, body: ShotOrderIn, repeat: Repeat) -> list[Generation]:
    try:
        return _order(caller, project, body, repeat)
    except (OrderRefusedError, ProblemError):
        # the same request came twice at once, and the other one was first
        if rows := find_repeated(caller, repeat):
            return rows
        raise


def _order(caller: Caller, project: Collection, body: ShotOrderIn, repeat: Repeat) -> list[Generation]:
    project.refuse(caller.user)
    planned = _plan(caller, project, body)
    if not planned.lines:
        raise invalid([of_body("missing", _("Every shot has a video, or one is being made."))])
    if wrong := list(_problems(planned, body)):
        raise invalid(wrong)
    if body.max_cents is not None and planned.cents > body.max_cents:
        raise ProblemError(409, _("Nothing was ordered: it costs %s.") % dollars(planned.cents), kind="price-changed")
    shots, key = [line.order for line in planned.lines], uuid.uuid4()
    record = refuse_changed(shots, is_missing=body.missing)
    return place(caller, [shot.order(caller.user, key) for shot in shots], repeat, record)


def _plan(caller: Caller, project: Collection, body: ShotOrderIn) -> Plan:
    slides = slides_of(caller.user, project, has_takes=False)
    return plan(caller.user, project, _wanted(slides, body), parameters_of(caller.user, project))


def _wanted(slides: list[Slide], body: ShotOrderIn) -> list[Slide]:
    if bool(body.shots) == body.missing:
        raise invalid([of_body("shots", _("Name shots, or ask for those that are missing: one of the two."))])
    if body.missing:
        return [slide for slide in slides if slide.is_missing]
    by_key = {slide.shot.pk: slide for slide in slides}
    unknown = [place_ for place_, pk in enumerate(body.shots) if pk not in by_key]
    if unknown:
        raise invalid(
            [of_body(f"shots/{place_}", _("There is no such shot in this storyboard.")) for place_ in unknown]
        )
    return [slide for slide in slides if slide.shot.pk in {*body.shots}]


def _problems(planned: Plan, body: ShotOrderIn) -> Any:
    """Of each shot by where it is named; a budget is asked by the order itself."""
    for line in planned.lines:
        pk = line.slide.shot.pk
        pointer = f"shots/{body.shots.index(pk)}" if body.shots else "missing"
        words = _("Shot %(number)d: %(problem)s")
        for problem in line.order.problems:
            yield of_body(pointer, words % {"number": line.slide.number, "problem": problem})
