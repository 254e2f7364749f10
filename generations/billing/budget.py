"""What a team and each of its members may still spend this month."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership, Team, User
from generations.billing.usage import Month
from generations.exceptions import OverBudgetError
from generations.models import Generation, dollars


class LimitOwner(StrEnum):
    """Whose limit it is: the team's, the team's for the member, or the member's own cap."""

    TEAM = "team"
    MEMBER = "member"
    OWN = "own"


_OWNER_LABELS: Final = {
    LimitOwner.TEAM: gettext_lazy("the team’s limit"),
    LimitOwner.MEMBER: gettext_lazy("your limit in the team"),
    LimitOwner.OWN: gettext_lazy("your own cap"),
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of a month's limit, in US cents. Never below zero: a limit may be lowered below what was spent."""

    left: int
    limit: int
    owner: LimitOwner = LimitOwner.TEAM

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

    @property
    def full_summary(self) -> str:
        """The same with whose limit it is, for the member."""
        return f"{self.summary} ({_OWNER_LABELS[self.owner]})"


def budget_of(user: User, team: Team) -> Budget | None:
    """The tightest of the team's budget and the member's in it; None where neither has a limit."""
    return budgets_of(user, [team]).get(team.pk)


def budgets_of(user: User, teams: Sequence[Team]) -> dict[uuid.UUID, Budget]:
    """The same for several teams, by team: two queries for however many."""
    members = {member.team_id: member for member in Membership.objects.filter(user=user, team__in=teams)}
    limits = {team.pk: found for team in teams if (found := _limits(team, members.get(team.pk)))}
    spent = _spent_by_team(user, list(limits))
    return {pk: _tightest(found, *spent.get(pk, (0, 0))) for pk, found in limits.items()}


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
    list(Membership.objects.select_for_update(no_key=True).filter(team=team, user=user))
    _refuse(budget_of(user, locked), cents)


def _refuse(budget: Budget | None, cents: int) -> None:
    if budget and cents > budget.left:
        message = _("This costs %(cost)s; %(left)s.")
        raise OverBudgetError(message % {"cost": dollars(cents), "left": budget.full_summary})


def _limits(team: Team, member: Membership | None) -> dict[LimitOwner, int]:
    limits = {LimitOwner.TEAM: team.monthly_limit_cents}
    if member:
        limits |= {LimitOwner.MEMBER: member.monthly_limit_cents, LimitOwner.OWN: member.own_limit_cents}
    return {owner: limit for owner, limit in limits.items() if limit is not None}


def _spent_by_team(user: User, teams: list[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """What was spent this month by everybody, and by the user."""
    if not teams:
        return {}
    rows = Generation.objects.filter(team__in=teams, created_at__gte=Month.now().begin).order_by().values_list("team")
    sums = rows.annotate(everybodys=Sum("cost_cents", default=0), own=Sum("cost_cents", filter=Q(user=user), default=0))
    return {team: (everybodys, own) for team, everybodys, own in sums}


def _tightest(limits: dict[LimitOwner, int], everybodys: int, own: int) -> Budget:
    spent = {owner: everybodys if owner is LimitOwner.TEAM else own for owner in limits}
    budgets = [Budget(max(limit - spent[owner], 0), limit, owner) for owner, limit in limits.items()]
    return min(budgets, key=lambda budget: budget.left)
