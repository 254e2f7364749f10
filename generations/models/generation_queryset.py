"""Questions about generations, and moves of many at once."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from django.contrib.postgres.search import SearchQuery
from django.db import models, transaction
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.utils import timezone

from accounts.models import Team, User
from accounts.roles import Action
from generations.models.lifecycle import MOVES, OPEN, Status
from generations.models.search import PROMPT_WORDS, IsAnyOf, IsOneOf

if TYPE_CHECKING:
    from generations.models.generation import Generation

TRASH_RETENTION: Final = timedelta(days=30)


class IllegalMoveError(ValueError):
    """No such move between states exists."""


class GenerationQuerySet(models.QuerySet["Generation"]):
    def visible_to(self, user: User, team: Team | None = None) -> Self:
        """The only door: what the person may see; of the one `team` alone where it is named."""
        return self.accessible_to(user, team).filter(trashed_at=None)

    def in_trash_of(self, user: User) -> Self:
        """What is in the trash of the user's teams, until it is restored or deleted for good."""
        return self.accessible_to(user).filter(trashed_at__isnull=False)

    def trash_expired(self) -> Self:
        """What has been in the trash for longer than TRASH_RETENTION."""
        return self.filter(deleted_at=None, trashed_at__lt=timezone.now() - TRASH_RETENTION)

    def accessible_to(self, user: User, team: Team | None = None) -> Self:
        """Of the user's teams, in the trash or not, and not taken down.

        What is private, or waits for a moderator, is seen by its creator alone, or by the user it was assigned to. Of a
        team that they have left, users see what is private to them. Both kinds of teams are one set for one index.
        """
        shown = Q(is_private=False, awaits_review=False) | Q(user=user) | Q(assigned_to=user)
        private = Q(is_private=True) & (Q(user=user, assigned_to=None) | Q(assigned_to=user))
        of_either, of_left = _team_filters(user, team)
        return self.filter(shown & ~of_left | private, of_either, deleted_at=None, taken_down_at=None)

    def deletable_by(self, user: User) -> Self:
        """What the user made or was assigned, or what is of a team that they manage. For rows that they may see."""
        return self.filter(
            Q(user=user)
            | Q(assigned_to=user)
            | Q(team__in=Team.objects.where_may(user, Action.DELETE).order_by().values("pk"))
        )

    def search(self, words: str, owned_by: Any) -> Self:
        """Rows whose prompt has these words; as `with_words`, which PostgreSQL plans by itself."""
        found = self.model._default_manager.order_by().with_words(words, owned_by)
        return self.filter(IsOneOf(found.values("pk")))

    def with_words(self, words: str, owned_by: Any) -> Self:
        """Rows whose prompt has these words, in the syntax of web searches: "exact phrase", or, -without.

        `owned_by` bounds the search: an `OwnedBy`, or several joined by & and |. To be filtered no further: see
        `search`.
        """
        asked = SearchQuery(words, config="english", search_type="websearch")
        asked |= SearchQuery(words, config="simple", search_type="websearch")
        return self.annotate(prompt_words=PROMPT_WORDS).filter(prompt_words=asked & owned_by)

    def open(self) -> Self:
        return self.filter(status__in=OPEN)

    def copy_pending(self, since: datetime) -> Self:
        """Made before `since`, and still not in the bucket: fal does not keep a file for ever."""
        return self.filter(status=Status.MIRRORING, events__status=Status.MIRRORING, events__at__lt=since).distinct()

    def due(self, statuses: Iterable[Status], now: datetime) -> Self:
        """Rows whose time has come and that no living worker holds, the longest waiting first."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.filter(free, status__in=list(statuses), due_at__lte=now).order_by("due_at")

    @transaction.atomic
    def claim_due(self, statuses: Iterable[Status], limit: int, lease: timedelta) -> list["Generation"]:
        """Take up to `limit` due rows for `lease`; no other worker gets them before it has run out."""
        due = self.due(statuses, timezone.now()).select_for_update(skip_locked=True, of=("self",))
        return self.claim(list(due[:limit]), lease)

    def claim(self, rows: list["Generation"], lease: timedelta) -> list["Generation"]:
        """Put the rows, locked in this transaction, under one lease from now on."""
        if not rows:
            return rows
        token, until = uuid.uuid4(), timezone.now() + lease
        self.filter(pk__in=[row.pk for row in rows]).update(lease_until=until, lease=token)
        for row in rows:
            row.lease, row.lease_until = token, until
        return rows

    @transaction.atomic
    def move_claimed(self, rows: Sequence["Generation"], to: Status, **changes: Any) -> set[uuid.UUID]:
        """`Generation.move` for rows that one claim took, all in one UPDATE: the ids of those that this call moved.

        A database expression in `changes` keeps each row's own value, also in memory.
        """
        if not rows:
            return set()
        origin, values = _common_status(rows, to), {**rows[0].entry_values(to), **changes}
        still = self.filter(pk__in=[row.pk for row in rows], status=origin, lease=rows[0].lease)
        won = set(still.order_by().select_for_update(of=("self",)).values_list("pk", flat=True))
        self.filter(pk__in=won, status=origin, lease=rows[0].lease).update(**values)
        moved = [row for row in rows if row.pk in won]
        for row in moved:
            row.apply({name: value for name, value in values.items() if not isinstance(value, Combinable)})
        events = rows[0].events.model.objects
        events.bulk_create(events.model(generation=row, status=to) for row in moved)
        return won


def _team_filters(user: User, team: Team | None) -> tuple[Q, Q]:
    """Of the teams that show the user anything, and of those of them that the user has left.

    One of them takes the place of all: PostgreSQL would expect next to no rows of both, and sort all of them.
    """
    if user.rights:
        left = user.rights.left
        shown = [*user.rights.view_ids, *left]
        either = Q(IsAnyOf("team", shown))
        if team:
            either = Q(team=team) if team.pk in shown else either & Q(team=team)
        return either, Q(IsAnyOf("team", left))
    left_ids = Team.objects.left_by(user).order_by().values("pk")
    team_ids = Team.objects.where_may(user, Action.VIEW).order_by().values("pk")
    either = Q(team__in=team_ids.union(left_ids))
    return either & Q(team=team) if team else either, Q(team__in=left_ids)


def _common_status(rows: Sequence["Generation"], to: Status) -> Status:
    """The state that all of them are in and may leave for `to`."""
    (origin,) = {Status(row.status) for row in rows}
    if to not in MOVES[origin]:
        raise IllegalMoveError(f"{origin} → {to}")
    return origin
