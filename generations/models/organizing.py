"""How people keep order among what they have made: collections and tags of a team, favourites of a person."""

from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from generations.models.generation import Generation

NAME_LENGTH: Final = 60  # characters


class Collection(models.Model):
    """A place in a team for what belongs together. A generation lies in at most one, so that a move is a move."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="collections", verbose_name=_("team"))
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("team", Lower("name"), name="collection_name_once_a_team")]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word that a team puts on its generations; as many on each as they like."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tags", verbose_name=_("team"))
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    generations = models.ManyToManyField(Generation, related_name="tags", verbose_name=_("generations"))

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

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "generation"], name="favourite_once")]

    def __str__(self) -> str:
        return f"{self.user} ♥ {self.generation_id}"
