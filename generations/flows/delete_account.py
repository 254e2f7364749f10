"""Delete a user's account: say beforehand what becomes of their videos, then do it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from accounts.anonymize import anonymize_user, teams_without_other_members, teams_without_other_owners
from accounts.models import FormerMembership, Team, User
from generations.models import (
    Collection,
    Draft,
    Favourite,
    Film,
    FilmPart,
    Generation,
    LibraryPicture,
    Notification,
    OrderImport,
    Preset,
    Shot,
    Status,
    StorageDeletion,
    Tag,
    Upload,
    Video,
)
from generations.models.generation_queryset import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class AccountDeletionPlan:
    """What deleting the account would do, or what stands in its way."""

    removed: int  # videos that nobody else can see
    kept: int  # videos in teams with others
    running: list[Generation]  # what has to end first
    ownerless_teams: list[Team]  # teams that need another owner first

    @property
    def is_possible(self) -> bool:
        return not (self.running or self.ownerless_teams)


def plan_account_deletion(user: User) -> AccountDeletionPlan:
    alone = _exclusive_rows(user)
    is_alone = Q(pk__in=alone.values("pk"))
    done = Generation.objects.filter(is_alone | Q(user=user), deleted_at=None, status=Status.DONE)
    return AccountDeletionPlan(
        **done.aggregate(removed=Count("pk", filter=is_alone), kept=Count("pk", filter=~is_alone)),
        running=list(alone.open().order_by("created_at")),
        ownerless_teams=teams_without_other_owners(user),
    )


def _exclusive_rows(user: User) -> GenerationQuerySet:
    return _exclusive_or_deleted_rows(user).filter(deleted_at=None)


def _exclusive_or_deleted_rows(user: User) -> GenerationQuerySet:
    """In teams of one's own, and what is private elsewhere."""
    private = Q(is_private=True) & (Q(user=user, assigned_to=None) | Q(assigned_to=user))
    shown = Q(team__in=teams_without_other_members(user), is_private=False)  # who has left may have private work there
    return Generation.objects.filter(shown | private)


def fal_requests_of(user: User) -> list[str]:
    """The ids that fal gave what nobody else can see: its own record and files of these stay there by fal's rules.

    A take-down asks fal by itself.
    """
    rows = _exclusive_or_deleted_rows(user).filter(taken_down_at=None).exclude(request_id=None)
    return [str(request_id) for request_id in rows.order_by("created_at").values_list("request_id", flat=True)]


_steps: Final[list[Callable[[User], object]]] = []


def add_step(step: Callable[[User], object]) -> None:
    """For an app that knows this one: `step` deletes what it has of a person, while their memberships still stand."""
    _steps.append(step)


@transaction.atomic
def delete_account(user: User) -> bool:
    """Remove the account and what only this person could see; False when something stands in the way."""
    list(Team.objects.of(user).order_by("pk").select_for_update(of=("self",)))  # two last owners shall not both go
    if not plan_account_deletion(user).is_possible:
        return False
    _delete_films(user)
    LibraryPicture.objects.filter(team__in=teams_without_other_members(user)).delete_with_objects()
    for row in _exclusive_rows(user).iterator():
        if not row.delete_permanently(user):  # it began to move again this very moment
            transaction.set_rollback(True)
            return False
    for step in _steps:
        step(user)
    _delete_belongings(user)
    _erase_texts(user)
    anonymize_user(user)
    return True


def _delete_films(user: User) -> None:
    """Those in teams of one's own, and those with a video that nobody else can see."""
    private = FilmPart.objects.filter(generation__in=_exclusive_or_deleted_rows(user).values("pk"))
    own = Q(team__in=teams_without_other_members(user)) | Q(pk__in=private.values("film"))
    Film.objects.filter(own).delete_with_objects()


def _erase_texts(user: User) -> None:
    """Erase the texts of videos that nobody else saw, also of those deleted before. The rows stay for the billing
    records, and what a moderator decides on stays as it is until its evidence is deleted.
    """
    theirs = _exclusive_or_deleted_rows(user).exclude(deleted_at=None).filter(cases=None)
    Video.objects.filter(generation__in=theirs).update(placeholder="")
    Generation.objects.filter(pk__in=theirs.values("pk")).update(
        prompt="", negative_prompt="", provider_message="", logs=[]
    )
    Shot.objects.filter(project__team__in=teams_without_other_members(user)).delete()
    Tag.objects.filter(team__in=teams_without_other_members(user)).delete()
    Collection.objects.erase(teams_without_other_members(user))


def _delete_belongings(user: User) -> None:
    """Pictures of shots stay with the team, as those of its library do."""
    Draft.objects.filter(user=user).delete()
    OrderImport.objects.delete_where(user=user)
    of_teams = Shot.objects.exclude(project__team__in=list(teams_without_other_members(user)))
    uploads = Upload.objects.filter(
        ~Exists(of_teams.filter(start=OuterRef("pk"))), ~Exists(of_teams.filter(tail=OuterRef("pk"))), user=user
    )
    keys = list(uploads.values_list("key", flat=True))
    StorageDeletion.objects.enqueue([*keys, user.avatar_key] if user.avatar_key else keys)
    uploads.delete()
    Favourite.objects.filter(user=user).delete()
    FormerMembership.objects.filter(user=user).delete()
    Preset.objects.filter(Q(user=user, team=None) | Q(team__in=teams_without_other_members(user))).delete()
    Collection.objects.remove_members([user])
    Notification.objects.filter(user=user).delete()
