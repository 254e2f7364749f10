"""Delete a team: say beforehand what becomes of its videos, then do it.

The row stays for the billing records, closed and without its members. A user who gets the videos stays in it as a
viewer, so that the one door, `visible_to`, needs no second rule.
"""

from dataclasses import dataclass

from django.contrib.postgres.functions import RandomUUID
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import membership
from accounts.models import Team, User
from generations.models import Film, Generation, LibraryPicture, OrderImport, Preset, Shot, Status
from generations.models.generation_queryset import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class TeamDeletionPlan:
    """What deleting the team would do, or what stands in its way."""

    videos: int
    running: list[Generation]  # what has to end first
    private_owners: list[User]  # members who have private work here: they hear of it before they are out

    @property
    def is_possible(self) -> bool:
        return not (self.running or self.private_owners)


def plan_team_deletion(team: Team, by: User) -> TeamDeletionPlan:
    rows = _rows(team, by)
    private = Generation.objects.filter(team=team, deleted_at=None, is_private=True).order_by()
    owners = private.values_list(Coalesce("assigned_to", "user"))
    return TeamDeletionPlan(
        videos=rows.filter(status=Status.DONE).count(),
        running=list(rows.open().order_by("created_at")),
        private_owners=list(team.members.filter(pk__in=owners).exclude(pk=by.pk).order_by("email")),
    )


def _rows(team: Team, by: User) -> GenerationQuerySet:
    """All but what is private to others."""
    own = Q(is_private=False) | Q(user=by, assigned_to=None) | Q(assigned_to=by)
    return Generation.objects.filter(own, team=team, deleted_at=None)


@transaction.atomic
def delete_team(team: Team, by: User, heir: User | None) -> bool:
    """End the team. `heir`, a member, gets what was made in it; without one it is deleted for good.

    What is private to somebody who has left stays theirs (`private_work`). False when something stands in the way.
    Raises what `membership.delete_team` raises.
    """
    Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)  # nobody joins or leaves meanwhile
    is_possible = plan_team_deletion(team, by).is_possible
    membership.delete_team(team, by, heir)
    rows = _rows(team, by)
    if not is_possible or not (heir or _delete_permanently(rows, by)):
        transaction.set_rollback(True)
        return False
    Preset.objects.filter(team=team).delete()
    OrderImport.objects.delete_where(team=team)
    if not heir:
        Film.objects.filter(team=team).delete_with_objects()
        LibraryPicture.objects.filter(team=team).delete_with_objects()
        Shot.objects.filter(project__team=team).delete()
    if heir:
        rows.update(assigned_to=heir, changed_at=timezone.now())
        LibraryPicture.objects.filter(team=team).update(user=heir)
        Film.objects.filter(team=team).update(user=heir, idempotency_key=RandomUUID())
    return True


def _delete_permanently(rows: GenerationQuerySet, by: User) -> bool:
    return all(row.delete_permanently(by) for row in rows.iterator())
