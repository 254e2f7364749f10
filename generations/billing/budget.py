"""What a team and each of its members may still spend this month."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, CharField, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, JSONObject, Lower, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership, Team, User
from accounts.roles import Action
from config.prepared_query import SAMPLE_KEY, SAMPLE_MOMENT, PreparedQuery
from generations.billing.usage import Month
from generations.exceptions import OverBudgetError, ProjectRefusedError
from generations.models import Collection, Generation, dollars
from generations.models.pause import refusal


class LimitOwner(StrEnum):
    """Whose limit it is: the team's, the team's for the member, the member's own cap, or the project's."""

    TEAM = "team"
    MEMBER = "member"
    OWN = "own"
    PROJECT = "project"


_OWNER_LABELS: Final = {
    LimitOwner.TEAM: gettext_lazy("the team’s limit"),
    LimitOwner.MEMBER: gettext_lazy("your limit in the team"),
    LimitOwner.OWN: gettext_lazy("your own cap"),
    LimitOwner.PROJECT: gettext_lazy("the project’s limit"),
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


@dataclass(frozen=True, slots=True)
class ProjectChoice:
    """A project in which a user may order."""

    project: Collection
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class Payer:
    """A team in which a user may ask for videos. `refusal` says why its queue takes none, if it is paused."""

    team: Team
    budget: Budget | None
    refusal: str
    projects: list[ProjectChoice]


def budget_of(user: User, team: Team) -> Budget | None:
    """The tightest of the team's budget and the member's in it; None where neither has a limit."""
    member = Membership.objects.filter(team=team, user=user).first()
    own = (member.monthly_limit_cents, member.own_limit_cents) if member else (None, None)
    limits = _limits(team.monthly_limit_cents, *own)
    return _tightest(limits, *_spent(user, team)) if limits else None


def payers_of(user: User) -> list[Payer]:
    """The user's, their personal team first: one query for however many."""
    return [_payer(team) for team in _PAYING_TEAMS.rows(user.pk, Month.now().begin)]


def _paying_teams(user_key: int, month_begin: datetime) -> QuerySet[Team]:
    """With what `_payer` needs of each."""
    user, who = User(pk=user_key), "active_pause__began_by"
    month = Generation.objects.filter(created_at__gte=month_begin).order_by()
    spent = month.filter(team=OuterRef("pk")).values("team").annotate(cents=Sum("cost_cents")).values("cents")
    return (
        Team.objects.where_may(user, Action.GENERATE)
        .annotate(active_pause=FilteredRelation("pauses", condition=Q(pauses__ended_at=None)))
        .annotate(
            paused_by=Coalesce(NullIf(f"{who}__name", Value("")), f"{who}__email", output_field=CharField()),
            pause_note=F("active_pause__note"),
            member_limit=F("memberships__monthly_limit_cents"),
            own_limit=F("memberships__own_limit_cents"),
            spent=Case(When(monthly_limit_cents__isnull=False, then=Subquery(spent))),
            own_spent=Case(
                When(Q(member_limit__isnull=False) | Q(own_limit__isnull=False), then=Subquery(spent.filter(user=user)))
            ),
            projects=ArraySubquery(_project_values(user, month)),
        )
    )


def _project_values(user: User, month: QuerySet[Generation]) -> QuerySet[Collection, Any]:
    """Those of a team that the user may order in, with what `_project_choice` needs of each."""
    in_it = month.filter(billed_project=OuterRef("pk")).values("billed_project")
    spent = Subquery(in_it.annotate(cents=Sum("cost_cents")).values("cents"))
    limited = Case(When(monthly_limit_cents__isnull=False, then=spent))
    rows = Collection.objects.usable_by(user).filter(team=OuterRef("pk")).order_by(Lower("name"))
    return rows.values(values=JSONObject(pk="pk", name="name", limit="monthly_limit_cents", spent=limited))


def _project_choice(team: Team, values: dict[str, Any]) -> ProjectChoice:
    project = Collection(pk=values["pk"], name=values["name"], team=team, monthly_limit_cents=values["limit"])
    return ProjectChoice(project, project_budget(project, values["spent"] or 0))


_PAYING_TEAMS: Final = PreparedQuery(_paying_teams, SAMPLE_KEY, SAMPLE_MOMENT)


def _payer(team: Any) -> Payer:
    limits = _limits(team.monthly_limit_cents, team.member_limit, team.own_limit)
    budget = _tightest(limits, team.spent or 0, team.own_spent or 0) if limits else None
    why = refusal(team.paused_by, team, team.pause_note) if team.paused_by else ""
    return Payer(team, budget, why, [_project_choice(team, values) for values in team.projects])


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


def budget_of_project(project: Collection) -> Budget | None:
    """Of what was ordered in it this month, wherever that has been moved since; None where it has no limit."""
    if project.monthly_limit_cents is None:
        return None
    rows = Generation.objects.filter(billed_project=project, created_at__gte=Month.now().begin).order_by()
    spent: int = rows.aggregate(cents=Sum("cost_cents", default=0))["cents"]
    return project_budget(project, spent)


def project_budget(project: Collection, spent: int) -> Budget | None:
    """Where this much was spent in it this month; None where it has no limit."""
    limit = project.monthly_limit_cents
    return None if limit is None else Budget(max(limit - spent, 0), limit, LimitOwner.PROJECT)


def lock_projects(user: User, rows: Sequence[Generation]) -> None:
    """Raise OverBudgetError or ProjectRefusedError unless the rows may be ordered in their projects.

    After `lock_budget`, and by id: other orders in these projects wait until this transaction has ended.
    """
    cents: Counter[int] = Counter()
    for row in rows:
        if row.billed_project_id:
            cents[row.billed_project_id] += row.cost_cents
    locked = Collection.objects.filter(pk__in=cents).order_by("pk").select_for_update(no_key=True, of=("self",))
    projects = list(locked)
    if len(projects) < len(cents):
        raise ProjectRefusedError(_("The project has been deleted meanwhile. Choose another one."))
    team_ids = {row.billed_project_id: row.team_id for row in rows}
    for project in projects:
        if project.team_id != team_ids[project.pk]:
            raise ProjectRefusedError(_("The project %s is of another team.") % project)
        project.refuse(user)
        _refuse(budget_of_project(project), cents[project.pk])


def _refuse(budget: Budget | None, cents: int) -> None:
    if budget and cents > budget.left:
        message = _("This costs %(cost)s; %(left)s.")
        raise OverBudgetError(message % {"cost": dollars(cents), "left": budget.full_summary})


def _limits(of_team: int | None, of_member: int | None, own: int | None) -> dict[LimitOwner, int]:
    limits = {LimitOwner.TEAM: of_team, LimitOwner.MEMBER: of_member, LimitOwner.OWN: own}
    return {owner: limit for owner, limit in limits.items() if limit is not None}


def _spent(user: User, team: Team) -> tuple[int, int]:
    """What was spent this month by everybody, and by the user."""
    rows = Generation.objects.filter(team=team, created_at__gte=Month.now().begin).order_by()
    sums = {"everybodys": Sum("cost_cents", default=0), "own": Sum("cost_cents", filter=Q(user=user), default=0)}
    found = rows.aggregate(**sums)
    return found["everybodys"], found["own"]


def _tightest(limits: dict[LimitOwner, int], everybodys: int, own: int) -> Budget:
    spent = {owner: everybodys if owner is LimitOwner.TEAM else own for owner in limits}
    budgets = [Budget(max(limit - spent[owner], 0), limit, owner) for owner, limit in limits.items()]
    return min(budgets, key=lambda budget: budget.left)
