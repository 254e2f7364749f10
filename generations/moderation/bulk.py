"""One decision on many cases: a worker carries it out case by case, so that an interruption loses none."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from generations.models import BulkDecision, Case, DecisionKind
from generations.moderation.decisions import PERMISSION, DecisionError, decide, kinds_for


def begin(cases: list[Case], kind: DecisionKind, by: User, why: str) -> BulkDecision:
    """Raises PermissionDenied."""
    if not by.has_perm(PERMISSION):
        raise PermissionDenied
    keys = [case.pk for case in cases]
    return BulkDecision.objects.create(kind=kind, why=why, by=by, cases=keys, total=len(keys))


def resume() -> int:
    """Decide what is left of all that was begun; how many cases. Any number of workers may do it at once."""
    done = 0
    while count := _decide_next():
        done += count
    return done


@transaction.atomic
def _decide_next() -> int:
    """The next case of the oldest; it leaves the row's list in the transaction in which it is decided."""
    bulk = BulkDecision.objects.exclude(cases=[]).order_by("pk").select_for_update(skip_locked=True).first()
    if bulk is None:
        return 0
    case = Case.objects.filter(pk=bulk.cases.pop(0)).select_related("generation").first()
    is_decided = case is not None and _decide(case, bulk)
    bulk.decided += is_decided
    bulk.skipped += not is_decided
    bulk.save(update_fields=["cases", "decided", "skipped"])
    return 1


def _decide(case: Case, bulk: BulkDecision) -> bool:
    """False for one that somebody has decided meanwhile, or that is one's own, or is not to be decided so any more."""
    kind = DecisionKind(bulk.kind)
    try:
        decide(case, _applicable_kind(kind, case), bulk.by, bulk.why)
    except (DecisionError, PermissionDenied):
        return False
    return True


def _applicable_kind(kind: DecisionKind, case: Case) -> DecisionKind:
    """Removing is called by what the video is: rejected before others have seen it, taken down after."""
    offered = kinds_for(case.generation)
    swapped = {DecisionKind.REJECT: DecisionKind.TAKE_DOWN, DecisionKind.TAKE_DOWN: DecisionKind.REJECT}.get(kind, kind)
    return kind if kind in offered or swapped not in offered else swapped
