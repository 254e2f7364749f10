"""What a video costs, and what may still be spent."""

from dataclasses import asdict
from typing import Any

from mcp_types import CallToolResult

from api.budget import MonthlyLimit, limits_of
from api.mcp.calls import Call, answer
from api.mcp.schemas import CostAndBudget, CostArguments, LimitOf, PriceOf
from generations.fal.arguments import Endpoint
from generations.models import Price, TeamPause, dollars


def cost_and_budget(call: Call, _arguments: CostArguments) -> CallToolResult:
    limits, pause = limits_of(call.caller), TeamPause.objects.of(call.caller.team)
    found = CostAndBudget(
        prices=_prices(),
        limits=[LimitOf(**asdict(limit)) for limit in limits],
        left_cents=min((limit.left_cents for limit in limits), default=None),
        paused=pause.refusal if pause else "",
    )
    lines = [
        f"{one.duration} seconds from {one.made_from}, {one.quality}: {dollars(one.cents)}" for one in found.prices
    ]
    lines += [left_in_words(limits), found.paused]
    return answer(found, "\n".join(filter(None, lines)))


def left_in_words(limits: list[MonthlyLimit]) -> str:
    if not limits:
        return "No monthly limit is set."
    least = min(limits, key=lambda limit: limit.left_cents)
    return f"{dollars(least.left_cents)} is left of this month’s {dollars(least.limit_cents)} ({least.owner})."


def _prices() -> list[PriceOf]:
    return [
        PriceOf(**_kind(endpoint), duration=int(seconds), cents=cents)
        for endpoint, own in sorted(Price.objects.table().items())
        for seconds, cents in sorted(own.items(), key=lambda one: int(one[0]))
    ]


def _kind(endpoint: str) -> dict[str, Any]:
    found = Endpoint(endpoint)
    return {"made_from": found.source, "quality": found.quality}
