"""Collections and tags of a team, favourites of a user."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.names import NameField, fold
from generations.fal.arguments import is_visible
from generations.models.generation import Generation

NAME_LENGTH: Final = 60  # characters


M = TypeVar("M", bound=models.Model)


def clean_name(text: str) -> str:
    """As it is kept; empty when nothing of it shows."""
    name = " ".join(text.replace("\0", "").split())[:NAME_LENGTH]
    return name if is_visible(name) else ""


class NamedManager(models.Manager[M]):
    """Of what has a name in a team, whose letters' case does not matter."""

    def get_or_create_named(self, team_id: Any, name: str) -> M:
        """The one of that name, made when there is none yet."""
        name = fold(name)
        alike = self.alias(low=Lower("name")).filter(team_id=team_id, low=Lower(models.Value(name)))
        if (found := alike.first()) is not None:
            return found
        try:
            with transaction.atomic():
                return self.create(team_id=team_id, name=name)
        except IntegrityError:  # somebody else made it at this moment
            return alike.get()

    def rename(self, pk: int, name: str) -> bool:
        """Whether it is called so now: not, when another of its team is."""
        try:
            with transaction.atomic():
                self.filter(pk=pk).update(name=fold(name))
        except IntegrityError:
            return False
        return True


class CollectionManager(NamedManager["Collection"]):
    @transaction.atomic
    def assign(self, rows: Iterable[Generation], name: str) -> None:
        """Lay the rows into the collection of that name, each in its own team; without a name, take them out."""
        for team_id, of_team in _by_team(rows).items():
            collection = self.get_or_create_named(team_id, name) if name else None
            Generation.objects.filter(pk__in=[row.pk for row in of_team]).update(collection=collection)


class TagManager(NamedManager["Tag"]):
    @transaction.atomic
    def add_to(self, rows: Iterable[Generation], name: str) -> dict[int, list[Generation]]:
        """Put the tag of that name on the rows, each team's own. Returns which rows are new to each tag, by its key."""
        added = {}
        for team_id, of_team in _by_team(rows).items():
            tag = self.get_or_create_named(team_id, name)
            had = set(tag.generations.filter(pk__in=[row.pk for row in of_team]).values_list("pk", flat=True))
            added[tag.pk] = [row for row in of_team if row.pk not in had]
            tag.generations.add(*added[tag.pk])
        return added


class FavouriteManager(models.Manager["Favourite"]):
    def exists_for(self, user: User) -> models.Exists:
        """Whether a generation is a favourite of the person, to annotate rows with."""
        return models.Exists(self.filter(user=user, generation=models.OuterRef("pk")))

    def toggle(self, user: User, generation: Generation) -> bool:
        """Whether it is one from now on."""
        if self.filter(user=user, generation=generation).delete()[0]:
            return False
        self.mark(user, [generation])
        return True

    def set(self, user: User, generation: Generation, *, is_one: bool) -> None:
        if is_one:
            self.mark(user, [generation])
        else:
            self.filter(user=user, generation=generation).delete()

    def mark(self, user: User, rows: Iterable[Generation]) -> None:
        self.bulk_create([Favourite(user=user, generation=row) for row in rows], ignore_conflicts=True)


def _by_team(rows: Iterable[Generation]) -> dict[Any, list[Generation]]:
    teams: dict[Any, list[Generation]] = {}
    for row in rows:
        teams.setdefault(row.team_id, []).append(row)
    return teams


class Collection(models.Model):
    """A place in a team for what belongs together. A generation lies in at most one, so that a move is a move."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="collections", verbose_name=_("team"))
    name = NameField(_("name"), max_length=NAME_LENGTH)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[CollectionManager] = CollectionManager()

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("team", Lower("name"), name="collection_name_once_a_team")]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that a team puts on its generations; as many on each as they like."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tags", verbose_name=_("team"))
    name = NameField(_("name"), max_length=NAME_LENGTH)
    generations = models.ManyToManyField(Generation, related_name="tags", verbose_name=_("generations"))

    objects: ClassVar[TagManager] = TagManager()

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("team", Lower("name"), name="tag_name_once_a_team")]

    def __str__(self) -> str:
        return self.name


class Favourite(models.Model):
    """A person's own mark on a generation; nobody else sees it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="favourites")
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="favourites")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[FavouriteManager] = FavouriteManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "generation"], name="favourite_once")]

    def __str__(self) -> str:
        return f"{self.user} ♥ {self.generation_id}"
