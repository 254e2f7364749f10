"""What a program may still spend this month: the limits that an order by its key has to keep."""

from dataclasses import dataclass

from api.authentication import Caller
from api.models import ApiRequest, Key
from generations.billing.budget import budget_of


@dataclass(frozen=True, slots=True)
class MonthlyLimit:
    """`owner`: team, member (the team's for the person), own (the person's), or key."""

    owner: str
    limit_cents: int
    left_cents: int


def limits_of(caller: Caller) -> list[MonthlyLimit]:
    """The tightest of the team's and the person's, and the key's."""
    tightest, own = budget_of(caller.user, caller.team), limit_of_key(caller.key)
    limits = [MonthlyLimit(tightest.owner.value, tightest.limit, tightest.left)] if tightest else []
    return [*limits, own] if own else limits


def limit_of_key(key: Key) -> MonthlyLimit | None:
    """None when it has no limit of its own."""
    limit = key.monthly_limit_cents
    if limit is None:
        return None
    return MonthlyLimit("key", limit, max(limit - ApiRequest.objects.spent_cents(key), 0))
