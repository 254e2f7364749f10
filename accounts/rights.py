"""What a user may do in which team, read once for a request that changes nothing."""

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, QuerySet

from accounts.models import SECOND_FACTORS, Membership, Team, User
from accounts.roles import Action, roles_that_may
from config.prepared_query import SAMPLE_KEY, PreparedQuery

T = TypeVar("T")
_SAMPLE_TEAMS: Final = [uuid.UUID(int=1)]
_SAMPLE_LEFT: Final = [uuid.UUID(int=2)]


def load_memberships(user: User) -> list[Membership]:
    """All of the user's, with their teams: the personal one first, then by name. One query, by the user's key alone.

    On each: `has_second_factor` of the user, and `left`, the ids of `Team.objects.left_by`.
    """
    found = _MEMBERSHIPS.rows(user.pk)
    return sorted(found, key=lambda one: (one.team.personal_of_id != user.pk, one.team.name))


def _memberships(key: int) -> QuerySet[Membership]:
    user = User(pk=key)
    factors = User.objects.filter(pk=key, authenticator__type__in=SECOND_FACTORS)
    left = Team.objects.left_by(user).order_by().values("pk")
    rows = Membership.objects.filter(user=user).select_related("team", "user")
    return rows.annotate(has_second_factor=Exists(factors), left=ArraySubquery(left))


_MEMBERSHIPS: Final = PreparedQuery(_memberships, SAMPLE_KEY)


class Rights:
    """Of a user whose memberships were read with them, or are read by the first who asks.

    A request that may change memberships has none: it asks the database each time.
    """

    def __init__(self, user: User) -> None:
        self._user = user

    @cached_property
    def memberships(self) -> list[Membership]:
        known: list[Membership] | None = self._user.known_memberships
        return load_memberships(self._user) if known is None else known

    @property
    def teams(self) -> list[Team]:
        """All that the user belongs to, as `Team.objects.of` has them."""
        return [one.team for one in self.memberships]

    def memberships_where_may(self, action: Action) -> list[Membership]:
        """A team that needs a second factor opens to nobody without one."""
        roles = roles_that_may(action)
        return [one for one in self.memberships if one.role in roles and _is_open(one)]

    def teams_where_may(self, action: Action) -> list[Team]:
        """As `Team.objects.where_may` has them."""
        return [one.team for one in self.memberships_where_may(action)]

    def may(self, action: Action, team: uuid.UUID) -> bool:
        return any(one.team_id == team for one in self.memberships_where_may(action))

    @cached_property
    def view_ids(self) -> list[uuid.UUID]:
        """The teams whose videos the user sees, by id."""
        return [team.pk for team in self.teams_where_may(Action.VIEW)]

    @cached_property
    def left(self) -> list[uuid.UUID]:
        """The teams of `Team.objects.left_by`, by id."""
        if not self.memberships:
            return list(Team.objects.left_by(self._user).order_by().values_list("pk", flat=True))
        found: list[uuid.UUID] = self.memberships[0].left  # type: ignore[attr-defined]  # annotated above
        return found


def rights_of(user: User) -> Rights:
    """Those of the request, or else as they are now."""
    return user.rights or Rights(User(pk=user.pk))


class UserQuery(Generic[T]):
    """A prepared query of a user's view: `build` takes the user, whose rights it asks for no other action than VIEW.

    Where the request may change rights, Django writes it anew each time.
    """

    def __init__(self, build: Callable[..., "QuerySet[Any, T]"], *samples: object) -> None:
        self._build = build
        self._prepared = PreparedQuery(
            self._build_sample, SAMPLE_KEY, _SAMPLE_TEAMS, _SAMPLE_LEFT, [*_SAMPLE_TEAMS, *_SAMPLE_LEFT], *samples
        )

    def rows(self, user: User, *values: object) -> list[T]:
        if user.rights is None:
            return list(self._build(user, *values))
        teams, left = user.rights.view_ids, user.rights.left
        return self._prepared.rows(user.pk, teams, left, [*teams, *left], *values)

    def _build_sample(
        self, key: int, teams: list[uuid.UUID], left: list[uuid.UUID], _both: list[uuid.UUID], *samples: object
    ) -> "QuerySet[Any, T]":
        user = User(pk=key)
        user.rights = Rights(user)
        user.rights.view_ids, user.rights.left = teams, left
        return self._build(user, *samples)


def _is_open(membership: Membership) -> bool:
    return membership.has_second_factor or not membership.team.needs_second_factor  # type: ignore[attr-defined]  # the same
