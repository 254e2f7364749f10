"""A person decides what machines can't find out: which request at fal this is, or that it is given up."""

from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from generations.fal.error_messages import ResponsibleParty
from generations.fal.responses import FalConfig, RequestUrls
from generations.models import AT_FAL, DRIVEN, Generation, Status
from generations.pipeline import schedule, transitions

NEEDS_ATTENTION: Final = Q(needs_attention_since__isnull=False) | Q(status=Status.FAILED, reason="outcome_unknown")

_GIVEN_UP_MESSAGE: Final = "Given up by an admin: no video came of it, and its cost is released."
_CAN_BE_GIVEN_UP: Final = AT_FAL | {Status.QUEUED, Status.SUBMITTING, Status.MIRRORING}


class ResolutionError(ValueError):
    """It can't be resolved like this; the message is for the person who tried."""


def overdue_copies() -> QuerySet[Generation]:
    """Made and paid for, but not in the bucket for over an hour: fal does not keep its file for ever."""
    return Generation.objects.copy_pending(timezone.now() - schedule.COPY_OVERDUE_AFTER)


def needs_attention(generation: Generation) -> bool:
    """Whether there is something to decide; what was given up can still turn up in fal's dashboard."""
    lost = generation.status == Status.FAILED and generation.reason in {"outcome_unknown", "given_up", "never_queued"}
    if lost:
        return can_be_attached(generation) or can_be_given_up(generation)
    return generation.needs_attention_since is not None or overdue_copies().filter(pk=generation.pk).exists()


def can_be_attached(generation: Generation) -> bool:
    return not generation.request_id and generation.status in {Status.SUBMITTING, Status.FAILED}


def can_be_given_up(generation: Generation) -> bool:
    return generation.status in _CAN_BE_GIVEN_UP or _has_unknown_outcome(generation)


def attach(generation: Generation, request_id: str, by: User, config: FalConfig) -> bool:
    """Take up the request that a person has found in fal's dashboard; False when the row has moved meanwhile.

    Raises ResolutionError.
    """
    urls = _urls(config, request_id)
    if not can_be_attached(generation):
        raise ResolutionError("It has a request at fal already, or was never sent.")
    _refuse_taken(generation, urls.request_id)
    try:
        with transaction.atomic():
            return transitions.mark_at_fal(generation, urls, None, by=by, event="An admin found the request at fal.")
    except IntegrityError:
        raise ResolutionError("Another video has taken this request meanwhile.") from None


def can_be_tried_again(generation: Generation) -> bool:
    """Whether the studio itself has something to try: what is lost, and what was given up, it has not."""
    return generation.status in DRIVEN


@transaction.atomic
def try_again(generation: Generation, by: User) -> bool:
    """Have it looked at now, with all its tries anew; False when the row has moved meanwhile.

    Raises ResolutionError.
    """
    if not can_be_tried_again(generation):
        raise ResolutionError("There is nothing to try again: it has ended.")
    still = Generation.objects.filter(pk=generation.pk, status=generation.status)
    now = timezone.now()
    if not still.update(due_at=now, attempts=0, needs_attention_since=None, changed_at=now):
        return False
    generation.events.create(status=generation.status, by=by, message="An admin had it tried again.")
    return True


@transaction.atomic
def give_up(generation: Generation, by: User) -> bool:
    """End it without a video and without a cost; False when the row has moved meanwhile.

    Raises ResolutionError.
    """
    if _has_unknown_outcome(generation):
        return _release_cost(generation, by)
    if generation.status not in _CAN_BE_GIVEN_UP:
        raise ResolutionError("There is nothing to give up: it has ended, or was not sent yet.")
    return generation.move(
        Status.FAILED,
        by=by,
        reason="given_up",
        message=_GIVEN_UP_MESSAGE,
        responsible_party=ResponsibleParty.US,
        cost_cents=0,
    )


def _release_cost(generation: Generation, by: User) -> bool:
    """It has failed already; what is left to decide is who pays."""
    if not generation.update_if_leased(
        reason="given_up", message=_GIVEN_UP_MESSAGE, cost_cents=0, needs_attention_since=None
    ):
        return False
    generation.events.create(status=generation.status, by=by, message=_GIVEN_UP_MESSAGE)
    return True


def _has_unknown_outcome(generation: Generation) -> bool:
    return generation.status == Status.FAILED and generation.reason == "outcome_unknown"


def _urls(config: FalConfig, request_id: str) -> RequestUrls:
    try:
        return RequestUrls.for_id(config, request_id.strip())
    except ValueError:
        raise ResolutionError(
            "This is not a request id of fal; one looks like 764cabcf-b745-4b3e-ae38-1200304cf45b."
        ) from None


def _refuse_taken(generation: Generation, request_id: str) -> None:
    other = Generation.objects.filter(request_id=request_id).exclude(pk=generation.pk).first()
    if other:
        raise ResolutionError(f"This request belongs to another video already: {other.pk}.")
