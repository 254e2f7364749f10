"""Send a mail when a budget passes 50, 80 and 100 % of a team's or a member's limit, each once a month.

The row is written before its mail is sent, so that no two workers send one. A worker killed in between loses the mail;
the pages say the same.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, Sum

from accounts.emails import send_email
from accounts.models import Membership, Team, User
from accounts.roles import Action, roles_that_may
from generations.billing.budget import Budget
from generations.billing.usage import Month
from generations.models import THRESHOLDS, BudgetWarning, Generation


def send_budget_alerts() -> int:
    """Mail those who can do something about it; how many mails. Any number of workers may do it at once."""
    month, mails = Month.now(), 0
    for team in Team.objects.get_queryset().filter(monthly_limit_cents__isnull=False):
        budget = _build_budget(team.monthly_limit_cents or 0, _sum_spent(month, team=team))
        if percent := _claim_threshold(team, None, month, budget):
            mails += _send_alert(_budget_managers(team), team, budget, percent, whole=True)
    limited = Q(monthly_limit_cents__isnull=False) | Q(own_limit_cents__isnull=False)
    for member in Membership.objects.filter(limited).select_related("team", "user"):
        budget = _build_budget(member.effective_limit_cents or 0, _sum_spent(month, team=member.team, user=member.user))
        if percent := _claim_threshold(member.team, member.user, month, budget):
            mails += _send_alert([member.user], member.team, budget, percent, whole=False)
    return mails


def _sum_spent(month: Month, **of: Any) -> int:
    rows = month.rows(Generation.objects.filter(**of)).order_by()
    cents: int = rows.aggregate(cents=Sum("cost_cents", default=0))["cents"]
    return cents


def _build_budget(limit: int, spent: int) -> Budget:
    return Budget(left=max(limit - spent, 0), limit=limit)


def _claim_threshold(team: Team, user: User | None, month: Month, budget: Budget) -> int | None:
    """The highest threshold that is reached and not yet alerted, now noted with those below it."""
    reached = [percent for percent in THRESHOLDS if budget.limit and budget.percent >= percent]
    known: dict[str, Any] = {"team": team, "user": user, "month": month.first}
    new = [percent for percent in reached if BudgetWarning.objects.get_or_create(**known, percent=percent)[1]]
    return max(new) if new and max(new) == max(reached) else None


def _budget_managers(team: Team) -> Iterable[User]:
    return team.members.filter(memberships__team=team, memberships__role__in=roles_that_may(Action.BUDGET)).distinct()


def _send_alert(people: Iterable[User], team: Team, budget: Budget, percent: int, *, whole: bool) -> int:
    """How many mails are on their way. One that can't be sent is logged: the pages say the same."""
    context = {"team": team, "budget": budget, "percent": percent, "is_whole": whole}
    return sum(send_email(person.email, "teams/mail/budget", context) for person in people)
