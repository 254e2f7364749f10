"""A team is deleted: what becomes of its videos, said beforehand and then done.

The row stays for the books, closed and without its people. Whoever gets the videos is left in it as a viewer, so that
the one door, `visible_to`, needs no second rule.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import membership
from accounts.models import Team, User
from generations.models import Generation, Status
from generations.models.generation import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class Closing:
    """What deleting the team would do, or what stands in its way."""

    videos: int
    running: list[Generation]  # what has to end first
    hidden: list[User]  # members who have private work here: they hear of it before they are out

    @property
    def is_possible(self) -> bool:
        return not (self.running or self.hidden)


def closing(team: Team, by: User) -> Closing:
    rows = _rows(team, by)
    private = Generation.objects.filter(team=team, deleted_at=None, is_private=True)
    members = set(team.members.all())
    return Closing(
        videos=rows.filter(status=Status.DONE).count(),
        running=list(rows.open().order_by("created_at")),
        hidden=[one for one in _owners_of(private, by) if one in members],
    )


def _rows(team: Team, by: User) -> GenerationQuerySet:
    """All but what is private to others."""
    own = Q(is_private=False) | Q(user=by, keeper=None) | Q(keeper=by)
    return Generation.objects.filter(own, team=team, deleted_at=None)


def _owners_of(rows: GenerationQuerySet, by: User) -> list[User]:
    pairs = rows.order_by().values_list("user", "keeper").distinct()
    return list(User.objects.filter(pk__in={keeper or user for user, keeper in pairs} - {by.pk}).order_by("email"))


@transaction.atomic
def close(team: Team, by: User, heir: User | None) -> bool:
    """End the team. `heir`, a member, gets what was made in it; without one it is deleted for good.

    What is private to somebody who has left stays theirs (`private_work`). False when something stands in the way.
    Raises what `membership.close` raises.
    """
    Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)  # nobody joins or leaves meanwhile
    is_possible = closing(team, by).is_possible
    membership.close(team, by, heir)
    rows = _rows(team, by)
    if not is_possible or not (heir or _discard(rows, by)):
        transaction.set_rollback(True)
        return False
    if heir:
        rows.update(keeper=heir, changed_at=timezone.now())
    return True


def _discard(rows: GenerationQuerySet, by: User) -> bool:
    return all(row.discard(by) for row in rows.iterator())
