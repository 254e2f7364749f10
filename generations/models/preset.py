"""Parameters that a person has saved under a name, to begin the next form with."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class Preset(models.Model):
    """`values` has the composer's field names (prompt, negative_prompt, duration, aspect_ratio, cfg_scale, kind)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="presets")
    name = models.CharField(_("name"), max_length=60)
    values = models.JSONField(_("values"), default=dict)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering: ClassVar = [Lower("name")]
        constraints: ClassVar = [models.UniqueConstraint("user", Lower("name"), name="preset_name_once_a_user")]

    def __str__(self) -> str:
        return self.name
