"""One decision on many cases: carried out by a worker a few at a time, so that an interruption loses none of it."""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from generations.models import BulkDecision, Case, Verb
from generations.moderation.deciding import PERMISSION, NotDecidedError, decide, verbs_for

_SOME: Final = 20  # cases between two looks whether somebody else is at it


def begin(cases: list[Case], verb: Verb, by: User, why: str) -> BulkDecision:
    """Raises PermissionDenied."""
    if not by.has_perm(PERMISSION):
        raise PermissionDenied
    keys = [case.pk for case in cases]
    return BulkDecision.objects.create(verb=verb, why=why, by=by, cases=keys, total=len(keys))


def go_on() -> int:
    """Decide what is left of all that was begun; how many cases. Any number of workers may do it at once."""
    done = 0
    while some := _go_on():
        done += some
    return done


@transaction.atomic
def _go_on() -> int:
    """A few cases of the oldest; the row is locked meanwhile, and what is decided is no longer among its cases."""
    left = BulkDecision.objects.exclude(cases=[]).order_by("pk").select_for_update(skip_locked=True)
    bulk = left.first()
    if bulk is None:
        return 0
    some, bulk.cases = bulk.cases[:_SOME], bulk.cases[_SOME:]
    decided = sum(_decide(case, bulk) for case in Case.objects.filter(pk__in=some).select_related("generation"))
    bulk.decided += decided
    bulk.skipped += len(some) - decided
    bulk.save(update_fields=["cases", "decided", "skipped"])
    return len(some)


def _decide(case: Case, bulk: BulkDecision) -> bool:
    """False for one that somebody has decided meanwhile, or that is one's own, or is not to be decided so any more."""
    verb = Verb(bulk.verb)
    try:
        decide(case, _alike(verb, case), bulk.by, bulk.why)
    except (NotDecidedError, PermissionDenied):
        return False
    return True


def _alike(verb: Verb, case: Case) -> Verb:
    """Removing is called by what the video is: rejected before others have seen it, taken down after."""
    offered = verbs_for(case.generation)
    swapped = {Verb.REJECT: Verb.TAKE_DOWN, Verb.TAKE_DOWN: Verb.REJECT}.get(verb, verb)
    return verb if verb in offered or swapped not in offered else swapped
