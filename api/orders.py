"""Orders of programs: what the form orders, with the key's own limit and with what makes a repeated order harmless."""

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from accounts.roles import Action
from api.authentication import Caller
from api.budget import limit_of_key
from api.models import ApiRequest, Key
from api.models.request import MAX_IDEMPOTENCY_KEY
from api.projects import project_of
from generations import tasks
from generations.exceptions import OrderRefusedError, OverBudgetError, RightsEndedError
from generations.models import Generation, dollars
from generations.orders.place import Order, Record, place_batch, place_retry


class IdempotencyError(OrderRefusedError):
    """The Idempotency-Key stands for something else already, or is none."""


class KeyEndedError(OrderRefusedError):
    """The key, or what its person may do in the team, has ended while the order was prepared."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """What tells an order that is sent again from a new one. A blank key: nothing does, each is a new one."""

    key: str = ""
    digest: str = ""

    @classmethod
    def of(cls, key: str, *asked: Any) -> "Repeat":
        """`asked` is all that the order says. Raises IdempotencyError for a key that can't be kept."""
        if len(key) > MAX_IDEMPOTENCY_KEY or not key.isprintable():
            raise IdempotencyError(_("An Idempotency-Key has at most %d visible characters.") % MAX_IDEMPOTENCY_KEY)
        text = json.dumps(asked, sort_keys=True)
        return cls(key, hashlib.sha256(text.encode()).hexdigest() if key else "")


def find_repeated(caller: Caller, repeat: Repeat) -> list[Generation]:
    """What the same order has made before, if anything. Raises IdempotencyError when it was another order."""
    known = ApiRequest.objects.repeated(caller.key, repeat.key)
    if known is None:
        return []
    if known.body_digest != _digest(caller, repeat):
        raise IdempotencyError(_("This Idempotency-Key was used for another request within the last 24 hours."))
    first: Generation = known.generation
    if first.batch is None:
        return [first]
    return list(Generation.objects.filter(batch=first.batch, user=first.user_id).order_by("batch_index"))


def _digest(caller: Caller, repeat: Repeat) -> str:
    """Of all that was asked: the same body for another project is another order."""
    if caller.project is None or not repeat.digest:
        return repeat.digest
    return hashlib.sha256(f"{repeat.digest} {caller.project}".encode()).hexdigest()


def place(
    caller: Caller, orders: Sequence[Order], repeat: Repeat | None = None, record: Record | None = None
) -> list[Generation]:
    """All of them, or none; those of before when the same order comes again.

    One without a project is in the request's, or the key's. In a paused team they wait. `record` is called with new
    ones, in their transaction. Raises OrderRefusedError and BucketDownError; then nothing was made.
    """
    repeat = repeat or Repeat()

    def make() -> list[Generation]:
        project = project_of(caller) if any(order.project is None for order in orders) else None
        own = [replace(order, project=order.project or project) for order in orders]
        return place_batch(own, waits=True, record=record_all)

    def record_all(rows: list[Generation]) -> None:
        _record(caller, rows, repeat)
        if record:
            record(rows)

    return _once(caller, repeat, make)


def retry(caller: Caller, generation: Generation, repeat: Repeat) -> Generation:
    """Another try of one that ended without a video, as `place`."""

    def record(rows: list[Generation]) -> None:
        _record(caller, rows, repeat)

    def place_again() -> list[Generation]:
        return [place_retry(generation, caller.user, uuid.uuid4(), waits=True, record=record)]

    return _once(caller, repeat, place_again)[0]


def _once(caller: Caller, repeat: Repeat, make: Callable[[], list[Generation]]) -> list[Generation]:
    if known := find_repeated(caller, repeat):
        return known
    try:
        rows = make()
    except (IntegrityError, OrderRefusedError) as error:
        # the same order was sent twice at once, and the other one was first, maybe with the last money
        if known := find_repeated(caller, repeat):
            return known
        if isinstance(error, RightsEndedError):
            raise _ended() from error
        raise
    tasks.wake()
    return rows


def _record(caller: Caller, rows: list[Generation], repeat: Repeat) -> None:
    """In the transaction of the rows: another order by this key waits until it has ended."""
    key = caller.key
    locked = Key.objects.select_for_update(no_key=True).get(pk=key.pk)
    _refuse_ended(locked, rows[0])
    _refuse_over_limit(locked, sum(row.cost_cents for row in rows))
    if repeat.key:
        ApiRequest.objects.forget_expired(key, repeat.key)
    first = rows[0]
    ApiRequest.objects.bulk_create(
        ApiRequest(
            generation=row,
            key=key,
            idempotency_key=repeat.key if row is first else "",
            body_digest=_digest(caller, repeat) if row is first else "",
        )
        for row in rows
    )


def refuse_ended(caller: Caller) -> None:
    """Behind what takes long. Raises KeyEndedError."""
    key = Key.objects.filter(pk=caller.key.pk).first()
    if key is None or _is_ended(key, caller.user, caller.team):
        raise KeyEndedError(_("This key may not do this any more. Nothing was changed."))


def _refuse_ended(key: Key, row: Generation) -> None:
    """Pictures from slow hosts take a while, in which a key may be revoked and a person suspended."""
    if _is_ended(key, row.user, row.team):
        raise _ended()


def _ended() -> KeyEndedError:
    return KeyEndedError(_("This key may not order any more. Nothing was made."))


def _is_ended(key: Key, user: User, team: Team) -> bool:
    return not key.is_alive or not Membership.objects.may(user, Action.GENERATE, team)


def _refuse_over_limit(key: Key, cents: int) -> None:
    own = limit_of_key(key)
    if own and cents > own.left_cents:
        message = _("This costs %(cost)s; %(left)s is left of this month’s %(limit)s of the key %(key)s.")
        numbers = {"cost": dollars(cents), "left": dollars(own.left_cents), "limit": dollars(own.limit_cents)}
        raise OverBudgetError(message % {**numbers, "key": key.prefix})
