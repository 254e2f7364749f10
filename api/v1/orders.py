"""Orders of the API: from a body to what the form orders."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from api.authentication import Caller
from api.fal.pictures import has_links, save_pictures, without_pictures
from api.orders import Repeat, find_repeated, place
from api.v1.matrix import Filled, fill_in
from api.v1.problems import ProblemDetail, answer, invalid, of_body
from api.v1.schemas.generation import GenerationIn
from api.views.downloads import later
from generations.fal.arguments import Arguments, Endpoint, InvalidArguments, Source, parse
from generations.models import Generation, Price, Slot, Upload
from generations.orders.place import Order

_MODEL: tuple[str, ...] = (
    *("prompt", "duration", "negative_prompt", "cfg_scale"),
    *("aspect_ratio", "image_url", "tail_image_url"),
)


def place_orders(caller: Caller, bodies: Sequence[GenerationIn], repeat: Repeat, at: str = "") -> list[Generation]:
    """All of them, or none. `at` is where the list of them stands in the body; blank: it is the one body."""
    if known := find_repeated(caller, repeat):
        return known
    filled = fill_in(bodies, at)
    arguments = _parse(filled)
    parents = _parents(caller, filled)
    key = uuid.uuid4()
    saved = {place_: _save_pictures(caller, one) for place_, one in {one.place: one for one in filled}.items()}
    orders = [
        _order(caller, key, one.body, parsed, parents, saved[one.place])
        for one, parsed in zip(filled, arguments, strict=True)
    ]
    return place(caller, orders, repeat)


def total_cents(bodies: Sequence[GenerationIn], at: str) -> list[int]:
    """What each costs today. Raises a 422 for what can't be ordered."""
    filled = fill_in(bodies, at)
    _parse(filled)
    return [Price.objects.cents(endpoint_of(one.body), one.body.duration) for one in filled]


def endpoint_of(body: GenerationIn) -> Endpoint:
    """The source's default where there is none of that quality, which `_conflicts` refuses."""
    source = Source.IMAGE if body.image_url else Source.TEXT
    return Endpoint.choose(source, body.quality) or Endpoint.default(source)


def answer_order(
    request: HttpRequest, bodies: Sequence[GenerationIn], work: Callable[[], HttpResponse]
) -> HttpResponseBase:
    """A picture at an address elsewhere is fetched in a thread that no page needs."""
    return later_where(request, work, is_later=any(has_links(endpoint_of(body), _values(body)) for body in bodies))


def later_where(request: HttpRequest, work: Callable[[], HttpResponse], *, is_later: bool) -> HttpResponseBase:
    """What `work` answers, in a thread of its own where that may take long; what it raises is a problem there too."""
    if not is_later:
        return work()

    def answered() -> HttpResponse:
        try:
            return work()
        except Exception as error:
            return answer(request, error)

    return later(answered)


def _values(body: GenerationIn) -> dict[str, Any]:
    return body.model_dump(mode="json", include=set(_MODEL), exclude_none=True)


def _parse(filled: Sequence[Filled]) -> list[Arguments]:
    """What is wrong with any of them is told at once, of the combinations of one body once."""
    wrong: list[ProblemDetail] = []
    found = []
    for one in filled:
        wrong += [of_body(one.place + name, words) for name, words in _conflicts(one.body)]
        try:
            found.append(parse(endpoint_of(one.body), without_pictures(_values(one.body))))
        except InvalidArguments as error:
            wrong += [of_body(one.place + problem.field, problem.message) for problem in error.problems]
    if wrong:
        raise invalid(list({problem.pointer: problem for problem in reversed(wrong)}.values())[::-1])
    return found


def _conflicts(body: GenerationIn) -> list[tuple[str, str]]:
    found, endpoint = [], endpoint_of(body)
    if endpoint.quality != body.quality:
        found.append(("quality", _("There is no %s of a video from text. Give a start frame.") % body.quality))
    if body.image_url and body.aspect_ratio:
        found.append(("aspect_ratio", _("A video from a picture follows the picture. Leave this out.")))
    if body.tail_image_url and not body.image_url:
        found.append(("image_url", _("An end frame needs a start frame.")))
    elif body.tail_image_url and not endpoint.has_tail:
        found.append(("tail_image_url", _("A draft takes no end frame. Leave this out, or choose pro.")))
    return found


def _parents(caller: Caller, filled: Sequence[Filled]) -> dict[uuid.UUID, Generation]:
    wanted = {one.body.remix_of for one in filled if one.body.remix_of}
    found = {row.pk: row for row in Generation.objects.visible_to(caller.user).filter(pk__in=wanted)} if wanted else {}
    missing = dict.fromkeys(one.place for one in filled if one.body.remix_of not in {None, *found})
    if missing:
        raise invalid([of_body(f"{place_}remix_of", _("There is no such generation.")) for place_ in missing])
    return found


def _save_pictures(caller: Caller, filled: Filled) -> dict[Slot, Upload]:
    try:
        return save_pictures(caller, _values(filled.body)) if filled.body.image_url else {}
    except InvalidArguments as error:
        raise invalid([of_body(filled.place + one.field, one.message) for one in error.problems]) from error


def _order(
    caller: Caller,
    key: uuid.UUID,
    body: GenerationIn,
    arguments: Arguments,
    parents: dict[uuid.UUID, Generation],
    pictures: dict[Slot, Upload],
) -> Order:
    return Order(
        user=caller.user,
        team=caller.team,
        idempotency_key=key,
        endpoint=endpoint_of(body),
        arguments=arguments,
        pictures=pictures,
        remix_of=parents[body.remix_of] if body.remix_of else None,
        is_private=body.is_private,
    )
