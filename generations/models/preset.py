"""Parameters that a user has saved under a name, to fill the next form with."""

from typing import Any, ClassVar, Final

from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import NameField, fold
from config.prepared_query import SAMPLE_KEY, PreparedQuery

MAX_PRESETS: Final = 50  # of a person


class TooManyPresetsError(Exception):
    """The person has as many as there may be."""


class PresetManager(models.Manager["Preset"]):
    def of(self, user: User) -> list["Preset"]:
        """By name."""
        return _PRESETS.rows(user.pk)

    @transaction.atomic
    def save_preset(self, user: User, name: str, values: dict[str, Any]) -> "Preset":
        """The person's preset of that name, whatever its case, new or replaced. Raises TooManyPresetsError."""
        name = fold(name)
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two at once would both find none
        known = self.annotate(plain=Lower("name")).filter(user=user, plain=Lower(models.Value(name))).first()
        if known is None and self.filter(user=user).count() >= MAX_PRESETS:
            raise TooManyPresetsError
        preset = known or Preset(user=user)
        preset.name, preset.values = name, values
        preset.save()
        return preset


class Preset(models.Model):
    """`values` has the composer's field names, such as kind, quality, prompt and duration."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="presets")
    name = NameField(_("name"), max_length=60)
    values = models.JSONField(_("values"), default=dict)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[PresetManager] = PresetManager()

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("user", Lower("name"), name="preset_name_once_a_user")]

    def __str__(self) -> str:
        return self.name


_PRESETS: Final = PreparedQuery(lambda user: Preset.objects.filter(user=user), SAMPLE_KEY)
