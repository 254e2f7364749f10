"""What a team and each of its members may still spend this month."""

from dataclasses import dataclass

from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from generations.billing.usage import Month
from generations.exceptions import OverBudgetError
from generations.models import Generation, dollars
from generations.models.generation_queryset import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a month's limit, in US cents. Never below zero: a limit may be lowered below what was spent."""

    left: int
    limit: int

    @property
    def percent(self) -> int:
        """How much of it is used, of 100."""
        return 100 if not self.limit else (self.limit - self.left) * 100 // self.limit

    @property
    def summary(self) -> str:
        return _("%(left)s is left of this month's %(limit)s") % {
            "left": dollars(self.left),
            "limit": dollars(self.limit),
        }


def budget_of(user: User, team: Team) -> Budget | None:
    """The tighter one of the team's budget and the member's in it; None where neither has a limit."""
    return _tightest_budget(team, Membership.objects.filter(team=team, user=user).first())


def refuse_over_budget(user: User, team: Team, cents: int) -> None:
    """Raise OverBudgetError unless this much may still be spent now; only a hint as long as nothing is locked."""
    _refuse(budget_of(user, team), cents)


def lock_budget(user: User, team: Team, cents: int) -> None:
    """The same under locks: other orders for the team wait until this transaction has ended.

    The locks are taken in this order everywhere: the team, then the member.
    """
    locked = Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)
    if locked.closed_at:
        raise OverBudgetError(_("%s has been deleted meanwhile: nobody pays for this.") % locked)
    members = Membership.objects.select_for_update(no_key=True)
    _refuse(_tightest_budget(locked, members.filter(team=team, user=user).first()), cents)


def _refuse(budget: Budget | None, cents: int) -> None:
    if budget and cents > budget.left:
        raise OverBudgetError(_("This costs %(cost)s; %(left)s.") % {"cost": dollars(cents), "left": budget.summary})


def _tightest_budget(team: Team, member: Membership | None) -> Budget | None:
    rows = Generation.objects.filter(team=team, created_at__gte=Month.now().begin)
    budgets = []
    if team.monthly_limit_cents is not None:
        budgets.append(_budget(team.monthly_limit_cents, rows))
    if member and (limit := member.effective_limit_cents) is not None:
        budgets.append(_budget(limit, rows.filter(user=member.user_id)))
    return min(budgets, key=lambda budget: budget.left, default=None)


def _budget(limit: int, rows: GenerationQuerySet) -> Budget:
    spent: int = rows.order_by().aggregate(cents=Sum("cost_cents", default=0))["cents"]
    return Budget(left=max(limit - spent, 0), limit=limit)
