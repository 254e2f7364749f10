"""Send a mail when a budget passes 50, 80 and 100 % of a team's, a member's or a project's limit, each once a month.

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
from generations.models import THRESHOLDS, BudgetWarning, Collection, Generation, ProjectBudgetWarning


def send_budget_alerts() -> int:
    """Mail those who can do something about it; how many mails. Any number of workers may do it at once."""
    month, mails = Month.now(), 0
    for team in Team.objects.get_queryset().filter(monthly_limit_cents__isnull=False):
        budget = _build_budget(team.monthly_limit_cents or 0, _sum_spent(month, team=team))
        if percent := _claim_threshold(BudgetWarning, month, budget, team=team, user=None):
            mails += _send_alert(_budget_managers(team), team, budget, percent, whole=True)
    limited = Q(monthly_limit_cents__isnull=False) | Q(own_limit_cents__isnull=False)
    for member in Membership.objects.filter(limited).select_related("team", "user"):
        budget = _build_budget(member.effective_limit_cents or 0, _sum_spent(month, team=member.team, user=member.user))
        if percent := _claim_threshold(BudgetWarning, month, budget, team=member.team, user=member.user):
            mails += _send_alert([member.user], member.team, budget, percent, whole=False)
    return mails + _send_project_alerts(month)


def _send_project_alerts(month: Month) -> int:
    mails = 0
    limited = Collection.objects.filter(monthly_limit_cents__isnull=False, archived_at=None)
    for project in limited.select_related("team"):
        budget = _build_budget(project.monthly_limit_cents or 0, _sum_spent(month, billed_project=project))
        if percent := _claim_threshold(ProjectBudgetWarning, month, budget, project=project):
            managers = _budget_managers(project.team)
            mails += _send_alert(managers, project.team, budget, percent, whole=True, project=project)
    return mails


def _sum_spent(month: Month, **of: Any) -> int:
    rows = month.rows(Generation.objects.filter(**of)).order_by()
    cents: int = rows.aggregate(cents=Sum("cost_cents", default=0))["cents"]
    return cents


def _build_budget(limit: int, spent: int) -> Budget:
    return Budget(left=max(limit - spent, 0), limit=limit)


def _claim_threshold(
    warnings: type[BudgetWarning] | type[ProjectBudgetWarning], month: Month, budget: Budget, **of: Any
) -> int | None:
    """The highest threshold that is reached and not yet alerted, now noted with those below it."""
    reached = [percent for percent in THRESHOLDS if budget.limit and budget.percent >= percent]
    manager: Any = warnings.objects
    new = [percent for percent in reached if manager.get_or_create(**of, month=month.first, percent=percent)[1]]
    return max(new) if new and max(new) == max(reached) else None


def _budget_managers(team: Team) -> Iterable[User]:
    return team.members.filter(memberships__team=team, memberships__role__in=roles_that_may(Action.BUDGET)).distinct()


def _send_alert(
    people: Iterable[User], team: Team, budget: Budget, percent: int, *, whole: bool, project: Collection | None = None
) -> int:
    """How many mails are on their way. One that can't be sent is logged: the pages say the same."""
    context = {"team": team, "budget": budget, "percent": percent, "is_whole": whole, "project": project}
    return sum(send_email(person.email, "teams/mail/budget", context) for person in people)
