"""Pictures that users give: stored in the bucket before anything is sent to fal."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.fal.arguments import PictureFormat
from generations.models.generation import Generation
from generations.models.rule import BannedFile
from generations.picture_decoder.outcome import Change

UPLOAD_RETENTION: Final = timedelta(days=2)
FRAME_COLUMNS: Final = ("last_frame_of", "first_frame_of", "frame_of")
_CHANGE_LABELS: Final = {
    Change.TURNED: _("turned upright"),
    Change.CUT: _("cut where the end of the file is missing"),
    Change.FIRST_FRAME: _("only the first frame of the animation"),
    Change.SCALED: _("scaled down"),
    Change.COLORS: _("colors converted to sRGB"),
    Change.DEPTH: _("reduced to 8 bits per color"),
    Change.FLATTENED: _("transparency replaced with white"),
    Change.METADATA: _("location and other metadata removed"),
}


class Slot(models.TextChoices):
    START = "start", _("Start picture")
    TAIL = "tail", _("End picture")


class StoredPicture(models.Model):
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


class UploadManager(models.Manager["Upload"]):
    def touch(self, user: User, **which: Any) -> "Upload | None":
        """The person's own upload, kept for another while from now on; None when there is none, or no longer."""
        # the update comes first: a row that it has touched is not swept any more
        mine = self.filter(user=user, **which)
        return mine.first() if mine.update(last_used_at=timezone.now()) else None

    def shown(self) -> "models.QuerySet[Upload]":
        """All but what is banned, and frames of videos that were taken down."""
        bans = BannedFile.objects.filter(sha256=models.OuterRef("sha256"))
        frames = {f"{name}__taken_down_at": None for name in FRAME_COLUMNS}
        return self.filter(~models.Exists(bans), **frames)

    def hidden(self, uploads: "Iterable[Upload]") -> set[uuid.UUID]:
        """Those of them that are not `shown`."""
        keys = {upload.pk for upload in uploads}
        return keys - set(self.shown().filter(pk__in=keys).values_list("pk", flat=True)) if keys else keys

    def touch_all(self, user: User, sha256s: Iterable[str]) -> "dict[str, Upload]":
        """The person's own of these SHA-256, by it, each kept for another while."""
        mine = self.filter(user=user, sha256__in=sha256s)
        mine.update(last_used_at=timezone.now())
        return {each.sha256: each for each in mine}

    def unused(self) -> "models.QuerySet[Upload]":
        """In no form for two days, in no draft, import or shot, and in no video of the person's that is still there."""
        used = InputPicture.objects.filter(
            sha256=models.OuterRef("sha256"), generation__user=models.OuterRef("user"), generation__deleted_at=None
        )
        unplanned = self.filter(drafts_from=None, drafts_to=None, import_pictures=None, shots_from=None, shots_to=None)
        return unplanned.filter(~models.Exists(used), last_used_at__lt=timezone.now() - UPLOAD_RETENTION)


class Upload(StoredPicture):
    """A picture on its way into a generation: it outlives a form that came back with errors.

    No two ever share a key, so that removing an old one's object can't hit a new one's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="uploads")
    key = models.CharField(_("key in the bucket"), max_length=300, unique=True)
    changes = models.JSONField(_("what was changed on its way in"), default=list, blank=True)
    last_used_at = models.DateTimeField(_("last in a form at"), default=timezone.now, db_index=True)
    # what it is a frame of makes the next video continue that one; their own indexes leave out what is no frame
    last_frame_of = models.ForeignKey(
        Generation,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("last frame of"),
    )
    first_frame_of = models.ForeignKey(
        Generation,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("first frame of"),
    )
    frame_of = models.ForeignKey(
        Generation,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("frame of"),
        help_text=_("Whichever frame it is."),
    )

    objects: ClassVar[UploadManager] = UploadManager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "sha256"], name="upload_once_a_user")]
        indexes: ClassVar = [
            models.Index(fields=[name], name=f"upload_{name}", condition=models.Q(**{f"{name}__isnull": False}))
            for name in FRAME_COLUMNS
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def video_ids(self) -> list[uuid.UUID]:
        """The generations of which it is a frame."""
        return [pk for name in FRAME_COLUMNS if (pk := getattr(self, f"{name}_id"))]

    @property
    def changes_text(self) -> str:
        """One sentence on how it differs from the file that was given; empty where it doesn't."""
        words = [str(_CHANGE_LABELS[each]) for each in _CHANGE_LABELS if each in self.changes]
        if Change.FORMAT in self.changes:
            words.append(gettext("saved as %(format)s") % {"format": "PNG" if self.extension == "png" else "JPEG"})
        return gettext("What is sent: %(changes)s.") % {"changes": ", ".join(words)} if words else ""


class InputPicture(StoredPicture):
    """A start or end picture of a generation."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="pictures")
    slot = models.CharField(_("slot"), max_length=5, choices=Slot)
    fal_url = models.URLField(_("address at fal"), max_length=1000, blank=True)
    frame_of = models.ForeignKey(
        Generation,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("frame of"),
    )

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["frame_of"], name="picture_frame_of", condition=models.Q(frame_of__isnull=False))
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation", "slot"], name="picture_once_a_slot"),
            models.CheckConstraint(condition=models.Q(slot__in=Slot.values), name="picture_slot_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_slot_display()} of {self.generation_id}"

    @property
    def video_ids(self) -> list[uuid.UUID]:
        """As an upload's: the first one of it."""
        return [self.frame_of_id] if self.frame_of_id else []
