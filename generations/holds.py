"""Put requests on hold until somebody approves them, and carry out the decision. Their cost is reserved meanwhile."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from accounts.roles import Action, roles_that_may
from generations.models import Generation, Hold, Status, dollars


def build_approval_holds(rows: list[Generation]) -> list[Hold]:
    """The holds of an order that is above the team's amount, by a user who may not approve it themselves.

    The team is locked: a change of the amount waits until the order is committed.
    """
    first, cents = rows[0], sum(row.cost_cents for row in rows)
    above = Team.objects.values_list("approval_above_cents", flat=True).get(pk=first.team_id)
    if above is None or cents <= above or _may_approve(first.user, first.team):
        return []
    message = _("This costs %(cost)s. Above %(above)s an admin of the team says yes first; nothing is sent until then.")
    reason = message % {"cost": dollars(cents), "above": dollars(above)}
    return [Hold(generation=row, kind=Hold.Kind.APPROVAL, reason=reason) for row in rows]


def put_on_hold(holds: Iterable[Hold]) -> None:
    """Rows that are not in the database yet begin as held."""
    for hold in holds:
        row = hold.generation
        row.status, row.due_at = Status.HELD, None
        row.message = " ".join(filter(None, [row.message, hold.reason]))


@transaction.atomic
def release(hold: Hold, by: User, note: str = "") -> bool:
    """Say yes. It is sent as soon as nothing else holds it; whether this call decided it."""
    if not _decide(hold, Hold.Verdict.RELEASED, by, note):
        return False
    row = Generation.objects.get(pk=hold.generation_id)
    if Hold.objects.open().filter(generation=row).exists():
        row.events.create(status=row.status, by=by, message=note or _("One of two said yes."))
        return True
    return row.move(Status.QUEUED, by=by, event=note)


@transaction.atomic
def refuse(hold: Hold, by: User, note: str, reason: str) -> bool:
    """Say no: nothing was sent and nothing is spent; whether this call decided it. `reason` is a short code."""
    if not _decide(hold, Hold.Verdict.REFUSED, by, note):
        return False
    row = Generation.objects.get(pk=hold.generation_id)
    return row.move(Status.REJECTED, by=by, cost_cents=0, reason=reason, message=note)


def _decide(hold: Hold, verdict: str, by: User, note: str) -> bool:
    """Under a lock of the row, so that two holds of one row are decided one after the other."""
    if not Generation.objects.select_for_update(of=("self",)).filter(pk=hold.generation_id, status=Status.HELD):
        return False
    changes = {"verdict": verdict, "decided_at": timezone.now(), "decided_by": by, "note": note}
    return Hold.objects.filter(pk=hold.pk, verdict="").update(**changes) == 1


def _may_approve(user: User, team: Team) -> bool:
    return Membership.objects.filter(team=team, user=user, role__in=roles_that_may(Action.APPROVE)).exists()
