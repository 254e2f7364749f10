"""What machines can't find out, a person decides: which request at fal this is, or that it is given up."""

from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from generations.fal.advice import Fixer
from generations.fal.answers import FalConfig, RequestUrls
from generations.models import AT_FAL, DRIVEN, Generation, Status
from generations.pipeline import outcomes, schedule

NEEDS_A_PERSON: Final = Q(needs_person_since__isnull=False) | Q(status=Status.FAILED, reason="outcome_unknown")

_GIVEN_UP: Final = "Given up by an admin: no video came of it, and its cost is released."
_CAN_BE_GIVEN_UP: Final = AT_FAL | {Status.QUEUED, Status.SUBMITTING, Status.MIRRORING}


class NotSettledError(ValueError):
    """It can't be settled so; the message is for the person who tried."""


def not_copied_for_long() -> QuerySet[Generation]:
    """Made and paid for, but not in the bucket for over an hour: fal does not keep its file for ever."""
    return Generation.objects.not_home(timezone.now() - schedule.COPY_SHOULD_TAKE)


def is_for_a_person(generation: Generation) -> bool:
    """Whether there is something to decide; what was given up can still turn up in fal's dashboard."""
    lost = generation.status == Status.FAILED and generation.reason in {"outcome_unknown", "given_up", "never_queued"}
    if lost:
        return can_be_attached(generation) or can_be_given_up(generation)
    return generation.needs_person_since is not None or not_copied_for_long().filter(pk=generation.pk).exists()


def can_be_attached(generation: Generation) -> bool:
    return not generation.request_id and generation.status in {Status.SUBMITTING, Status.FAILED}


def can_be_given_up(generation: Generation) -> bool:
    return generation.status in _CAN_BE_GIVEN_UP or _is_unknown(generation)


def attach(generation: Generation, request_id: str, by: User, config: FalConfig) -> bool:
    """Take up the request that a person has found in fal's dashboard; False when the row has moved meanwhile.

    Raises NotSettledError with words.
    """
    urls = _urls(config, request_id)
    if not can_be_attached(generation):
        raise NotSettledError("It has a request at fal already, or was never sent.")
    _refuse_taken(generation, urls.request_id)
    try:
        with transaction.atomic():
            return outcomes.at_fal(generation, urls, None, by=by, event="An admin found the request at fal.")
    except IntegrityError:
        raise NotSettledError("Another video has taken this request meanwhile.") from None


def can_be_tried_again(generation: Generation) -> bool:
    """Whether the studio itself has something to try: what is lost, and what was given up, it has not."""
    return generation.status in DRIVEN


@transaction.atomic
def try_again(generation: Generation, by: User) -> bool:
    """Have it looked at now, with all its tries anew; False when the row has moved meanwhile.

    Raises NotSettledError with words.
    """
    if not can_be_tried_again(generation):
        raise NotSettledError("There is nothing to try again: it has ended.")
    still = Generation.objects.filter(pk=generation.pk, status=generation.status)
    now = timezone.now()
    if not still.update(due_at=now, attempts=0, needs_person_since=None, changed_at=now):
        return False
    generation.events.create(status=generation.status, by=by, message="An admin had it tried again.")
    return True


@transaction.atomic
def give_up(generation: Generation, by: User) -> bool:
    """End it without a video and without a cost; False when the row has moved meanwhile.

    Raises NotSettledError with words.
    """
    if _is_unknown(generation):
        return _release(generation, by)
    if generation.status not in _CAN_BE_GIVEN_UP:
        raise NotSettledError("There is nothing to give up: it has ended, or was not sent yet.")
    return generation.move(
        Status.FAILED,
        by=by,
        reason="given_up",
        message=_GIVEN_UP,
        fixer=Fixer.US,
        cost_cents=0,
        needs_person_since=None,
    )


def _release(generation: Generation, by: User) -> bool:
    """It has failed already; what is left to decide is who pays."""
    if not generation.note(reason="given_up", message=_GIVEN_UP, cost_cents=0, needs_person_since=None):
        return False
    generation.events.create(status=generation.status, by=by, message=_GIVEN_UP)
    return True


def _is_unknown(generation: Generation) -> bool:
    return generation.status == Status.FAILED and generation.reason == "outcome_unknown"


def _urls(config: FalConfig, request_id: str) -> RequestUrls:
    try:
        return RequestUrls.for_id(config, request_id.strip())
    except ValueError:
        raise NotSettledError(
            "This is not a request id of fal; one looks like 764cabcf-b745-4b3e-ae38-1200304cf45b."
        ) from None


def _refuse_taken(generation: Generation, request_id: str) -> None:
    other = Generation.objects.filter(request_id=request_id).exclude(pk=generation.pk).first()
    if other:
        raise NotSettledError(f"This request belongs to another video already: {other.pk}.")
