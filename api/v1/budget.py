"""What may still be spent, what was spent, and what a video costs."""

from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import BaseModel, Field

from accounts.models import User
from accounts.rights import rights_of
from accounts.roles import Action
from api.authentication import Caller
from api.budget import MonthlyLimit, limits_of
from api.models import Key
from api.v1.callers import READ, READ_OWN
from api.v1.http import caller_of, respond
from api.v1.pages import refuse_unknown
from api.v1.problems import invalid, of_parameter
from api.v1.schemas.common import NumberId, money, person
from api.v1.schemas.team import (
    BudgetOut,
    DayOut,
    KindOut,
    Limit,
    MemberUsageOut,
    PartOut,
    PriceOut,
    PricesOut,
    SubtotalOut,
    UsageOut,
)
from generations.billing.usage import Month, Subtotal, Usage, usage, usage_of_rows
from generations.fal.arguments import Endpoint
from generations.models import Generation, Price, TeamPause

router = Router(tags=["Budget and usage"])


class UsageQuery(BaseModel):
    month: Annotated[str, Field(description="This one, unless said.", examples=["2026-11"], max_length=7)] = ""
    member: Annotated[NumberId | None, Field(description="Of one member alone.")] = None
    key: Annotated[UUID | None, Field(description="Of one key of the team alone.")] = None


@router.get("/budget", auth=READ_OWN, response=BudgetOut, operation_id="getBudget", url_name="v1-budget")
def get_budget(request: HttpRequest) -> HttpResponse:
    """The limits that an order by this key has to keep, as they are now."""
    return respond(budget_out(caller_of(request)))


@router.get("/prices", auth=READ_OWN, response=PricesOut, operation_id="listPrices", url_name="v1-prices")
def list_prices(request: HttpRequest) -> HttpResponse:
    """Today’s, of one video."""
    prices = [
        PriceOut(**_kind(endpoint), duration=int(seconds), price=money(cents))
        for endpoint, own in sorted(Price.objects.table().items())
        for seconds, cents in sorted(own.items())
    ]
    return respond(PricesOut(data=prices))


@router.get("/usage", auth=READ, response=UsageOut, operation_id="getUsage", url_name="v1-usage")
def get_usage(request: HttpRequest, query: Query[UsageQuery]) -> HttpResponse:
    """A month of the team, of a member, or of a key. Without the right to see everybody’s it is one’s own alone."""
    refuse_unknown(request, UsageQuery)
    caller, month = caller_of(request), _month(query.month)
    sees_all = rights_of(caller.user).may(Action.USAGE, caller.team.pk)
    if query.key:
        return respond(_usage_out(_of_key(caller, query.key, month, sees_all=sees_all), month, "key"))
    if query.member not in {None, caller.user.pk} and not sees_all:
        raise PermissionDenied
    member = _member(caller, query.member) if query.member else (None if sees_all else caller.user)
    return respond(_usage_out(usage(caller.team, month, member), month, "member" if member else "team"))


def budget_out(caller: Caller) -> BudgetOut:
    limits = [_limit_out(limit) for limit in limits_of(caller)]
    pause = TeamPause.objects.of(caller.team)
    return BudgetOut(
        month=str(Month.now()),
        left=min((limit.left for limit in limits), key=lambda one: one.cents, default=None),
        limits=limits,
        paused=pause.refusal if pause else "",
    )


def _limit_out(limit: MonthlyLimit) -> Limit:
    owner: Any = limit.owner
    return Limit(owner=owner, limit=money(limit.limit_cents), left=money(limit.left_cents))


def _month(text: str) -> Month:
    try:
        return Month.parse(text) if text else Month.now()
    except ValueError:
        raise invalid([of_parameter("month", _("Write a month as 2026-11."))]) from None


def _of_key(caller: Caller, pk: UUID, month: Month, *, sees_all: bool) -> Usage:
    """One's own key, or any of the team for who may see everybody's usage."""
    keys = Key.objects.filter(team=caller.team)
    key = get_object_or_404(keys if sees_all else keys.filter(user=caller.user), pk=pk)
    rows = Generation.objects.filter(team=caller.team, api_request__key=key)
    return usage_of_rows(rows, month, key.monthly_limit_cents)


def _member(caller: Caller, pk: int) -> User:
    """Of the team, now or once: what was spent stays in the sums."""
    known = User.objects.filter(pk=pk)
    found = known.filter(memberships__team=caller.team) | known.filter(generations__team=caller.team)
    member = found.distinct().first()
    if member is None:
        raise Http404
    return member


def _usage_out(found: Usage, month: Month, of: Any) -> UsageOut:
    return UsageOut(
        month=str(month),
        of=of,
        total=SubtotalOut(**_columns(found.total)),
        limit=None if found.limit is None else money(found.limit),
        days=[DayOut(day=share.key, **_columns(share)) for share in found.days],
        members=[MemberUsageOut(member=person(share.key), **_columns(share)) for share in found.members],
        **{f"{name}s": [_part_out(share) for share in shares] for name, shares in found.parts.items()},
        kinds=[KindOut(**_kind(share.key[0]), duration=share.key[1], **_columns(share)) for share in found.kinds],
    )


def _part_out(share: Subtotal) -> PartOut:
    return PartOut(key=share.key.key, name=share.key.label, **_columns(share))


def _columns(share: Subtotal) -> dict[str, Any]:
    return {
        "spent": money(share.spent),
        "reserved": money(share.reserved),
        "requests": share.count,
        "free": share.free,
    }


def _kind(endpoint: str) -> dict[str, Any]:
    found = Endpoint(endpoint)
    return {"kind": found.source, "quality": found.quality}
