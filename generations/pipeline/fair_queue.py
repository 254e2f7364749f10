"""Decide whose request is sent next, as long as fal takes only so many at a time.

Teams take turns, and within a team its members: first come those with the least at fal, then those served the longest
ago. So a batch of 50 delays nobody else. Everything is read from the rows; only ties are broken by memory.
"""

import heapq
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from generations.models import AT_FAL, Generation, QueueTurn, Status, TeamPause
from generations.pipeline import schedule

Pair = tuple[uuid.UUID, int]  # a team and one of its members

_LOCK: Final = 0x6B6C696E67  # of claims: two that count at once would both see the same free slots
_LOOK_AHEAD: Final = 2000  # positions; those behind get no number
_ORDER: Final = ("due_at", "batch_index", "pk")


@dataclass(slots=True)
class MemberLoad:
    """How many requests of one member in one team wait and are at fal; `last` in seconds since 1970, 0 for never."""

    waiting: int
    running: int
    last: float = 0


@dataclass(slots=True)
class _TeamLoad:
    """A team in the round, with its members' loads as a heap."""

    running: int = 0
    last: float = 0
    members: list[tuple[int, float, int]] = field(default_factory=list)


def fair_order(loads: dict[Pair, MemberLoad]) -> Iterator[Pair]:
    """Everything that waits in fair order, as if nothing at fal ended meanwhile."""
    waiting = {pair: load.waiting for pair, load in loads.items() if load.waiting}
    teams = _team_loads(loads, waiting)
    heap = [(team_load.running, team_load.last, team) for team, team_load in teams.items() if team_load.members]
    heapq.heapify(heap)
    now = timezone.now().timestamp()
    while heap:
        now += 1  # later than any turn before
        running, _, team = heapq.heappop(heap)
        members = teams[team].members
        of_member, _, user = heapq.heappop(members)
        yield team, user
        waiting[team, user] -= 1
        if waiting[team, user]:
            heapq.heappush(members, (of_member + 1, now, user))
        if members:
            heapq.heappush(heap, (running + 1, now, team))


def _team_loads(loads: dict[Pair, MemberLoad], waiting: dict[Pair, int]) -> dict[uuid.UUID, _TeamLoad]:
    teams: dict[uuid.UUID, _TeamLoad] = defaultdict(_TeamLoad)
    for (team, user), load in loads.items():
        team_load = teams[team]
        team_load.running += load.running
        team_load.last = max(team_load.last, load.last)
        if (team, user) in waiting:
            heapq.heappush(team_load.members, (load.running, load.last, user))
    return teams


@transaction.atomic
def claim_next(limit: int) -> list[Generation]:
    """Take up to `limit` queued rows for a lease, in fair order and never more than may be at fal together."""
    if not _queued().exists():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    loads = _member_loads()
    limit = min(limit, settings.FAL_MAX_RUNNING - sum(load.running for load in loads.values()))
    chosen = Counter(islice(fair_order(loads), max(limit, 0)))
    rows = [
        row for pair, count in chosen.items() for row in _queued_rows_of(pair).select_for_update(of=("self",))[:count]
    ]
    QueueTurn.objects.record(chosen)
    return Generation.objects.claim(rows, schedule.CLAIM_LEASE)


def _queued_rows_of(pair: Pair) -> QuerySet[Generation]:
    """One member's queued rows in one team, the next one first."""
    return _queued().filter(team_id=pair[0], user_id=pair[1]).order_by(*_ORDER)


def queue_positions(rows: Iterable[Generation]) -> dict[uuid.UUID, int]:
    """How many requests will be sent before each of these, as far as they wait here and stand near enough."""
    wanted = {row.pk for row in rows if row.status == Status.QUEUED}
    if not wanted:
        return {}
    loads = _member_loads()
    own = _queued().filter(pk__in=wanted).values_list("team_id", "user_id")
    ids = {pair: _queued_ids_of(pair) for pair in set(own)}
    found: dict[uuid.UUID, int] = {}
    for place, pair in enumerate(islice(fair_order(loads), _LOOK_AHEAD)):
        if (pk := next(ids.get(pair, iter(())), None)) in wanted:
            found[pk] = place
    return found


def _queued_ids_of(pair: Pair) -> Iterator[Any]:
    return iter(_queued_rows_of(pair).values_list("pk", flat=True)[:_LOOK_AHEAD])


def _queued() -> QuerySet[Generation]:
    """What could be sent now if there were room: due, not on its way, of no paused team."""
    now = timezone.now()
    paused = TeamPause.objects.active().values("team")
    return Generation.objects.due([Status.QUEUED], now).exclude(team__in=paused).order_by()


def _member_loads() -> dict[Pair, MemberLoad]:
    """How many wait and how many are at fal, by team and member."""
    waiting = _counts(_queued())
    running = _counts(Generation.objects.filter(_running()).order_by())
    pairs = waiting.keys() | running.keys()
    teams = {team for team, _ in waiting}
    turns_of = QueueTurn.objects.filter(team__in=teams).values_list("team_id", "user_id", "at")
    last = {(team, user): at.timestamp() for team, user, at in turns_of}
    return {pair: MemberLoad(waiting.get(pair, 0), running.get(pair, 0), last.get(pair, 0)) for pair in pairs}


def _counts(rows: QuerySet[Generation]) -> dict[Pair, int]:
    counted = rows.values_list("team_id", "user_id").annotate(count=Count("pk"))
    return {(team, user): count for team, user, count in counted}


def _running() -> Q:
    """At fal, or on the way there. What needs a person may stay for long, and is not what fal counts."""
    now = timezone.now()
    return (
        Q(status__in=AT_FAL, needs_attention_since=None)
        | Q(status=Status.SUBMITTING, submitted_at__gt=now - schedule.LOST_SLOT_TIMEOUT)
        | Q(status=Status.QUEUED, lease_until__gt=now)
    )
