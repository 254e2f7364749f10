"""What a program may still spend this month: the limits that an order by its key has to keep."""

from dataclasses import dataclass

from api.authentication import Caller
from api.models import ApiRequest, Key
from api.projects import project_of
from generations.billing.budget import budget_of, budget_of_project
from generations.models import Collection


@dataclass(frozen=True, slots=True)
class MonthlyLimit:
    """`owner`: team, member (the team's for the person), own (the person's), project, or key."""

    owner: str
    limit_cents: int
    left_cents: int


def limits_of(caller: Caller) -> list[MonthlyLimit]:
    """The tightest of the team's and the person's, that of the project that is ordered in, and the key's."""
    tightest, project = budget_of(caller.user, caller.team), project_of(caller)
    found = [
        tightest and MonthlyLimit(tightest.owner.value, tightest.limit, tightest.left),
        _limit_of_project(project) if project else None,
        limit_of_key(caller.key),
    ]
    return [limit for limit in found if limit]


def _limit_of_project(project: Collection) -> MonthlyLimit | None:
    budget = budget_of_project(project)
    return MonthlyLimit("project", budget.limit, budget.left) if budget else None


def limit_of_key(key: Key) -> MonthlyLimit | None:
    """None when it has no limit of its own."""
    limit = key.monthly_limit_cents
    if limit is None:
        return None
    return MonthlyLimit("key", limit, max(limit - ApiRequest.objects.spent_cents(key), 0))
