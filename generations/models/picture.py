"""Pictures that people give: kept in the bucket before anything is sent to fal."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.fal.arguments import PictureFormat
from generations.models.generation import Generation


class Slot(models.TextChoices):
    START = "start", _("Start picture")
    TAIL = "tail", _("End picture")


class _Picture(models.Model):
    """A picture that Kling takes, in the bucket."""

    key = models.CharField(_("key in the bucket"), max_length=300)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    media_type = models.CharField(_("media type"), max_length=20)
    width = models.PositiveIntegerField(_("width in px"))
    height = models.PositiveIntegerField(_("height in px"))
    size = models.PositiveIntegerField(_("bytes"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        abstract = True

    @property
    def extension(self) -> str:
        return PictureFormat(self.media_type).extension


class Upload(_Picture):
    """A picture on its way into a generation: it outlives a form that came back with errors."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="uploads")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "sha256"], name="upload_once_a_user")]

    def __str__(self) -> str:
        return self.key


class InputPicture(_Picture):
    """A start or end picture of a generation."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="pictures")
    slot = models.CharField(_("slot"), max_length=5, choices=Slot)
    fal_url = models.URLField(_("address at fal"), max_length=1000, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation", "slot"], name="picture_once_a_slot"),
            models.CheckConstraint(condition=models.Q(slot__in=Slot.values), name="picture_slot_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_slot_display()} of {self.generation_id}"
