"""The picture library of a team: pictures that it keeps, to begin and end videos with."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Final, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q, Sum, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.names import NameField
from accounts.roles import Action
from generations.models.collections import Tag, clean_name
from generations.models.deletion import StorageDeletion
from generations.models.generation import Generation
from generations.models.generation_queryset import TRASH_RETENTION
from generations.models.picture import StoredPicture
from generations.models.rule import BannedFile

MAX_TAGS: Final = 20  # of one picture
NAME_LENGTH: Final = 100  # characters
_MAX_WORDS: Final = 8  # of a search; the rest narrows nothing


class LibraryPictureQuerySet(models.QuerySet["LibraryPicture"]):
    def visible_to(self, user: User) -> Self:
        """What the user may see, but for the trash."""
        return self.accessible_to(user).filter(trashed_at=None)

    def in_trash_of(self, user: User) -> Self:
        """What is in the trash of the user's teams, until it is restored or deleted for good."""
        return self.accessible_to(user).filter(trashed_at__isnull=False)

    def trash_expired(self) -> Self:
        """What has been in the trash for longer than TRASH_RETENTION, and the oldest beyond what a library takes."""
        window: dict[str, Any] = {"partition_by": "team", "order_by": [F("trashed_at").desc(), "pk"]}
        sums = self.filter(trashed_at__isnull=False).annotate(
            pictures=Window(RowNumber(), **window),
            bytes=Window(Sum("size", output_field=models.BigIntegerField()), **window),
        )
        over = sums.filter(Q(pictures__gt=settings.LIBRARY_MAX_PICTURES) | Q(bytes__gt=settings.LIBRARY_MAX_BYTES))
        old = Q(trashed_at__lt=timezone.now() - TRASH_RETENTION)
        # the moment is asked for itself: of a row that is taken out meanwhile PostgreSQL looks at it once more
        return self.filter(old | Q(pk__in=over.values("pk")), trashed_at__isnull=False)

    def accessible_to(self, user: User) -> Self:
        """Of the user's teams, also in the trash, but for what is banned, and frames of videos that were taken down."""
        teams = (
            user.rights.view_ids if user.rights else Team.objects.where_may(user, Action.VIEW).order_by().values("pk")
        )
        bans = BannedFile.objects.of_picture(OuterRef("sha256"), OuterRef("perceptual_hash"))
        return self.filter(~Exists(bans), frame_of__taken_down_at=None, team__in=teams)

    def deletable_by(self, user: User) -> Self:
        """What the user added, or what is of a team that they manage. For pictures that they may see."""
        return self.filter(
            Q(user=user) | Q(team__in=Team.objects.where_may(user, Action.DELETE).order_by().values("pk"))
        )

    def search(self, text: str) -> Self:
        """Each word is in the name, or in a tag."""
        found = self
        for word in text.split()[:_MAX_WORDS]:
            tagged = Tag.objects.filter(pictures=OuterRef("pk"), name__icontains=word)
            found = found.filter(Q(name__icontains=word) | Exists(tagged))
        return found

    def of_purged_videos(self) -> Self:
        """Frames of a video that was taken down and whose evidence is deleted, so no library keeps them."""
        return self.filter(frame_of__taken_down_at__isnull=False, frame_of__deleted_at__isnull=False)

    @transaction.atomic
    def delete_with_objects(self) -> int:
        rows = list(self.select_for_update(of=("self",)))
        StorageDeletion.objects.enqueue(key for row in rows for key in row.own_keys())
        self.model._default_manager.filter(pk__in=[row.pk for row in rows]).delete()
        return len(rows)


class LibraryPicture(StoredPicture):
    """It has objects of its own, so that it outlives the upload or the video that it came from, and who added it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="library_pictures", verbose_name=_("team"))
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="library_pictures", verbose_name=_("added by")
    )
    name = NameField(_("name"), max_length=NAME_LENGTH)
    tags = models.ManyToManyField(Tag, related_name="pictures", verbose_name=_("tags"), blank=True)
    thumbnail_key = models.CharField(_("key of the thumbnail"), max_length=300)
    perceptual_hash = models.CharField(_("perceptual hash"), max_length=16, blank=True)
    trashed_at = models.DateTimeField(_("in the trash since"), null=True, blank=True)
    frame_of = models.ForeignKey(
        Generation,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("frame of"),
    )

    objects = LibraryPictureQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture of a library")
        verbose_name_plural = _("pictures of libraries")
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "sha256"], name="library_picture_once_a_team")]
        indexes: ClassVar = [
            models.Index(fields=["team", "-created_at", "-id"], name="library_picture_of_team"),
            models.Index(fields=["frame_of"], name="library_picture_frame_of", condition=Q(frame_of__isnull=False)),
            models.Index(fields=["trashed_at"], name="library_picture_trashed", condition=Q(trashed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("library-picture", args=[self.pk])

    @property
    def cursor(self) -> str:
        """Names its place in a list, also when it is gone."""
        return f"{self.created_at.isoformat()}_{self.pk}"

    @property
    def key_prefix(self) -> str:
        return f"teams/{self.team_id}/library/{self.pk}"

    def own_keys(self) -> tuple[str, str]:
        """Of the picture and of its thumbnail."""
        return f"{self.key_prefix}/picture.{self.extension}", f"{self.key_prefix}/thumbnail.webp"

    def move_to_trash(self) -> bool:
        """Whether this call did. Everything of it stays for `orders.library.restore_picture`."""
        now = timezone.now()
        won = LibraryPicture.objects.filter(pk=self.pk, trashed_at=None).update(trashed_at=now)
        self.trashed_at = now if won else self.trashed_at
        return bool(won)

    def set_tags(self, names: Iterable[str]) -> None:
        """Those and no others; a new one is made."""
        self.tags.set([Tag.objects.get_or_create_named(self.team_id, name) for name in names])


def parse_tags(text: str) -> list[str]:
    """The names between the commas, each once, whatever its letters' case."""
    names: dict[str, str] = {}
    for part in text.split(","):
        if name := clean_name(part):
            names.setdefault(name.casefold(), name)
    return list(names.values())
