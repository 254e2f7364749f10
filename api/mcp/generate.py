"""Order a video, once its price was agreed to: by a question to the person where the client shows one, or else by a
second call that names the price."""

import uuid
from typing import Any, Final

from django.core import signing
from mcp_types import CallToolResult, ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from api.budget import limits_of
from api.fal.pictures import has_links, own_pictures, save_pictures, without_pictures
from api.mcp.budget import left_in_words
from api.mcp.calls import Call, ToolError, answer
from api.mcp.schemas import GenerateArguments, Generated
from api.mcp.videos import describe, find, in_words
from api.orders import Repeat, find_repeated, place
from generations.exceptions import OrderRefusedError, OverBudgetError
from generations.fal.arguments import Arguments, Endpoint, InvalidArguments, Problem, Source, parse
from generations.models import Generation, Price, dollars
from generations.orders.place import Order, Record

_QUESTION: Final = "cost"
_SALT: Final = "api.mcp.cost"
_STATE_SECONDS: Final = 3600
_CONFIRMATION: Final = {"confirm_cost_cents", "idempotency_key"}
_DECLINED: Final = "The person did not agree to the price. Nothing was made or spent. Do not ask again by yourself."


def generate(call: Call, arguments: GenerateArguments) -> CallToolResult | InputRequiredResult:
    agreed_key = _agreed(call, arguments)
    key = arguments.idempotency_key or agreed_key or call.idempotency_key or ""
    repeat = Repeat.of(key, "mcp", arguments.model_dump(mode="json", exclude=_CONFIRMATION))
    if known := find_repeated(call.caller, repeat):
        return _ordered(call, known[0])
    endpoint, values = endpoint_of(arguments), values_of(arguments)
    parsed = _parse(endpoint, values)
    cents = Price.objects.cents(endpoint, arguments.duration)
    is_agreed = bool(agreed_key) if call.can_ask else arguments.confirm_cost_cents == cents
    if not is_agreed:
        _refuse_unaffordable(call, cents)
        return _question(call, arguments, cents) if call.can_ask else _price(call, arguments, cents)
    placed = place(call.caller, [_order(call, endpoint, parsed, values)], repeat, _refusing_another_price(cents))
    return _ordered(call, placed[0])


def _refusing_another_price(cents: int) -> Record:
    """Pictures from slow hosts take a while, in which an admin may enter another price than was agreed to."""

    def record(rows: list[Generation]) -> None:
        if rows[0].cost_cents != cents:
            raise OrderRefusedError(f"The price is {dollars(rows[0].cost_cents)} now. Nothing was made. Ask again.")

    return record


def fetches(arguments: GenerateArguments) -> bool:
    """Whether a picture is fetched from elsewhere, which may take long."""
    return has_links(endpoint_of(arguments), values_of(arguments))


def endpoint_of(arguments: GenerateArguments) -> Endpoint:
    """The source's default where there is none of that quality, which `_parse` refuses."""
    source = Source.IMAGE if arguments.image_url else Source.TEXT
    return Endpoint.choose(source, arguments.quality) or Endpoint.default(source)


def values_of(arguments: GenerateArguments) -> dict[str, Any]:
    """As the endpoint takes them."""
    return arguments.model_dump(mode="json", exclude=_CONFIRMATION, exclude_none=True)


def _parse(endpoint: Endpoint, values: dict[str, Any]) -> Arguments:
    problems = []
    if endpoint.quality != values["quality"]:
        words = f"There is no {values['quality']} of a video from text. Give a start frame, or leave this out."
        problems.append(Problem("quality", "", words))
    if endpoint.source is Source.IMAGE and "aspect_ratio" in values:
        problems.append(Problem("aspect_ratio", "", "A video from an image follows the image. Leave this out."))
    if endpoint.source is Source.TEXT and "tail_image_url" in values:
        problems.append(Problem("image_url", "", "An end frame needs a start frame."))
    elif not endpoint.has_tail and "tail_image_url" in values:
        problems.append(Problem("tail_image_url", "", "A draft takes no end frame. Leave this out, or ask for pro."))
    if problems:
        raise InvalidArguments(problems)
    return parse(endpoint, without_pictures(values))


def _order(call: Call, endpoint: Endpoint, parsed: Arguments, values: dict[str, Any]) -> Order:
    pictures = save_pictures(call.caller, own_pictures(endpoint, values))
    return Order(call.caller.user, call.caller.team, uuid.uuid4(), endpoint, parsed, pictures)


def _refuse_unaffordable(call: Call, cents: int) -> None:
    """Nobody should be asked for what can't be had."""
    limits = limits_of(call.caller)
    if any(cents > limit.left_cents for limit in limits):
        raise OverBudgetError(f"This costs {dollars(cents)}; {left_in_words(limits)}")


def _ordered(call: Call, row: Generation) -> CallToolResult:
    video = describe(find(call, row.pk), with_file=True)
    words = f"Ordered for {dollars(row.cost_cents)}. wait_for_video with this id waits for it.\n{in_words(video)}"
    return answer(Generated(is_ordered=True, cost_cents=row.cost_cents, video=video), words)


def _price(call: Call, arguments: GenerateArguments, cents: int) -> CallToolResult:
    """Nothing was made."""
    key = arguments.idempotency_key or call.idempotency_key or str(uuid.uuid4())
    words = (
        f"Nothing was made yet. This video costs {dollars(cents)}. {left_in_words(limits_of(call.caller))}\n"
        "Tell the person the price. If they agree, call generate_video again with the same arguments, "
        f"confirm_cost_cents={cents} and idempotency_key={key}."
    )
    if arguments.confirm_cost_cents is not None:
        words = f"The price is not {dollars(arguments.confirm_cost_cents)}. {words}"
    found = Generated(is_ordered=False, cost_cents=cents, confirm_cost_cents=cents, idempotency_key=key)
    return answer(found, words)


def _question(call: Call, arguments: GenerateArguments, cents: int) -> InputRequiredResult:
    """The client shows it, and calls again with the reply and the state. The state's key makes one video of it."""
    words = (
        f"Generate a {arguments.quality} video of {arguments.duration} seconds for {dollars(cents)}?\n"
        f"“{arguments.prompt[:300]}”\n"
        f"{left_in_words(limits_of(call.caller))}"
    )
    asked = ElicitRequestFormParams(message=words, requested_schema={"type": "object", "properties": {}})
    state = signing.dumps([str(uuid.uuid4()), *_subject(call, arguments, cents)], salt=_SALT)
    return InputRequiredResult(input_requests={_QUESTION: ElicitRequest(params=asked)}, request_state=state)


def _agreed(call: Call, arguments: GenerateArguments) -> str | None:
    """The idempotency key of the question that the person has said yes to; None: they were not asked this."""
    reply = (call.answers or {}).get(_QUESTION)
    if not isinstance(reply, ElicitResult) or not call.state:
        return None
    if reply.action != "accept":
        raise ToolError(_DECLINED)
    try:
        key, *subject = signing.loads(call.state, salt=_SALT, max_age=_STATE_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    cents = Price.objects.cents(endpoint_of(arguments), arguments.duration)
    return str(key) if subject == _subject(call, arguments, cents) else None


def _subject(call: Call, arguments: GenerateArguments, cents: int) -> list[str]:
    """Whose yes, to what, at which price."""
    digest = Repeat.of("-", arguments.model_dump(mode="json", exclude=_CONFIRMATION)).digest
    return [str(call.caller.key.pk), digest, arguments.idempotency_key or "", str(cents)]
