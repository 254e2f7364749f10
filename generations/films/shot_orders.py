"""What it costs to generate shots of a storyboard, and what stands in the way of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from generations.billing.budget import Budget, Payer, payers_of
from generations.films.storyboard import MAX_ORDERED, ShotOrder, Slide, plan_orders
from generations.models import Collection, EndpointSwitch, dollars


@dataclass(frozen=True, slots=True)
class Line:
    """A shot of the order, and what stands in its way."""

    order: ShotOrder
    problems: list[str]

    @property
    def slide(self) -> Slide:
        return self.order.slide


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be ordered. `left_out` are selected or missing shots beyond the most that are ordered at once."""

    lines: list[Line]
    budgets: list[Budget]
    refusal: str
    left_out: int

    @property
    def cents(self) -> int:
        return sum(line.order.cents for line in self.lines)

    @property
    def is_possible(self) -> bool:
        """A budget may have grown meanwhile: `place_batch` asks it again."""
        return bool(self.lines) and not any(line.order.problems for line in self.lines)


def plan(user: User, project: Collection, wanted: Sequence[Slide], defaults: Mapping[str, Any]) -> Plan:
    """Of the first shots, as many as are ordered at once. `defaults` are the parameters of what a shot leaves blank."""
    for slide in wanted:
        slide.shot.project = project
    orders = plan_orders(wanted[:MAX_ORDERED], defaults, EndpointSwitch.objects.offered([project.team]))
    payer = next((each for each in payers_of(user) if each.team == project.team), None)
    budgets, refusal = _budgets(payer, project)
    return Plan([*_lines(orders, budgets)], budgets, refusal, max(0, len(wanted) - MAX_ORDERED))


def _budgets(payer: Payer | None, project: Collection) -> tuple[list[Budget], str]:
    """Those that the order has to keep within, and why nothing can be ordered at all, if so."""
    choice = next((each for each in payer.projects if each.project.pk == project.pk), None) if payer else None
    if payer is None or choice is None:
        return [], _("The project is archived, or you are not a member of it.")
    return [budget for budget in (payer.budget, choice.budget) if budget], payer.refusal


def _lines(orders: list[ShotOrder], budgets: list[Budget]) -> Iterator[Line]:
    """From the shot on that passes a budget, each says so."""
    total = 0
    for order in orders:
        total += order.cents
        passed = next((budget for budget in budgets if total > budget.left), None)
        yield Line(order, [*order.problems, *([_over(passed, total)] if passed else [])])


def _over(budget: Budget, cents: int) -> str:
    return _("Up to here it costs %(cost)s; %(left)s.") % {"cost": dollars(cents), "left": budget.full_summary}
