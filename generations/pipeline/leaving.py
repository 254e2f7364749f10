"""A person deletes their account: what becomes of their videos, said beforehand and then done."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from accounts.leaving import forget, teams_left_without_an_owner, teams_of_nobody_else
from accounts.models import FormerMembership, Team, User
from generations.models import (
    Collection,
    Draft,
    Favourite,
    Generation,
    Preset,
    Status,
    StorageDeletion,
    Tag,
    Upload,
    Video,
)
from generations.models.generation import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class Leaving:
    """What deleting the account would do, or what stands in its way."""

    removed: int  # videos that nobody else can see
    kept: int  # videos in teams with others
    running: list[Generation]  # what has to end first
    unowned: list[Team]  # teams that need another owner first

    @property
    def is_possible(self) -> bool:
        return not (self.running or self.unowned)


def leaving(user: User) -> Leaving:
    alone = _seen_by_nobody_else(user)
    made = Generation.objects.filter(deleted_at=None, user=user, status=Status.DONE)
    return Leaving(
        removed=alone.filter(status=Status.DONE).count(),
        kept=made.exclude(pk__in=alone.values("pk")).count(),
        running=list(alone.open().order_by("created_at")),
        unowned=teams_left_without_an_owner(user),
    )


def _seen_by_nobody_else(user: User) -> GenerationQuerySet:
    return _of_nobody_else(user).filter(deleted_at=None)


def _of_nobody_else(user: User) -> GenerationQuerySet:
    """In teams of one's own, and what is private elsewhere."""
    private = Q(is_private=True) & (Q(user=user, keeper=None) | Q(keeper=user))
    shown = Q(team__in=teams_of_nobody_else(user), is_private=False)  # who has left may have private work there
    return Generation.objects.filter(shown | private)


@transaction.atomic
def leave(user: User) -> bool:
    """Remove the account and what only this person could see; False when something stands in the way."""
    list(Team.objects.of(user).order_by("pk").select_for_update(of=("self",)))  # two last owners shall not both go
    if not leaving(user).is_possible:
        return False
    for row in _seen_by_nobody_else(user).iterator():
        if not row.discard(user):  # it began to move again this very moment
            transaction.set_rollback(True)
            return False
    _forget_belongings(user)
    _forget_words(user)
    forget(user)
    return True


def _forget_words(user: User) -> None:
    """What was typed for videos that nobody else saw, also those deleted before. The rows stay for the books, and
    what a moderator decides on stays as it is until its evidence is deleted.
    """
    theirs = _of_nobody_else(user).exclude(deleted_at=None).filter(cases=None)
    Video.objects.filter(generation__in=theirs).update(placeholder="")
    Generation.objects.filter(pk__in=theirs.values("pk")).update(prompt="", negative_prompt="", fal_words="", logs=[])
    for names in (Tag, Collection):
        names.objects.filter(team__in=teams_of_nobody_else(user)).delete()


def _forget_belongings(user: User) -> None:
    Draft.objects.filter(user=user).delete()
    uploads = Upload.objects.filter(user=user)
    keys = list(uploads.values_list("key", flat=True))
    StorageDeletion.objects.ask([*keys, user.avatar_key] if user.avatar_key else keys)
    uploads.delete()
    Favourite.objects.filter(user=user).delete()
    FormerMembership.objects.filter(user=user).delete()
    Preset.objects.filter(user=user).delete()
