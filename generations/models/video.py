"""A finished video in the bucket, with its properties as read from the file."""

from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from generations.models.generation import Generation

_EXTENSIONS: Final = {"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov"}


class ContentCredentials(models.TextChoices):
    """C2PA's marks in the file, as they were when it was copied."""

    VALID = "valid", _("Valid")
    INVALID = "invalid", _("Invalid")


class Video(models.Model):
    generation = models.OneToOneField(Generation, on_delete=models.CASCADE, primary_key=True, related_name="video")
    key = models.CharField(_("key in the bucket"), max_length=300, unique=True)
    poster_key = models.CharField(_("key of the poster"), max_length=300, unique=True)
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    content_type = models.CharField(_("media type"), max_length=50)
    width = models.PositiveIntegerField(_("width in px"))
    height = models.PositiveIntegerField(_("height in px"))
    duration = models.FloatField(_("duration in seconds"))
    fps = models.FloatField(_("frames a second"))
    codec = models.CharField(_("codec"), max_length=30)
    preview_key = models.CharField(_("key of the preview"), max_length=300, blank=True)
    placeholder = models.TextField(
        _("placeholder"), blank=True, help_text=_("A blurred picture of a few px as a data: address, for the HTML.")
    )
    content_credentials = models.CharField(
        _("content credentials"), max_length=7, choices=ContentCredentials, blank=True, db_default=""
    )
    credentials_issuer = models.CharField(_("signed by"), max_length=200, blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(size__gt=0, width__gt=0, height__gt=0, duration__gt=0), name="video_is_not_empty"
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def extension(self) -> str:
        """Of a file's name, by what the file is; with the dot."""
        return _EXTENSIONS.get(self.content_type, ".mp4")
