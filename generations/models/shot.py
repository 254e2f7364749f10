"""Shots of a project in order: its storyboard. Each order of a shot is a take of it (`Generation.shot`)."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.db import models, transaction
from django.db.models import Count, F, Max, OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.fal.arguments import MAX_PROMPT_CHARACTERS, AspectRatio, Quality
from generations.models.collections import Collection
from generations.models.generation import Generation
from generations.models.picture import Slot, Upload
from generations.models.price import DURATION_CHOICES

MAX_SHOTS: Final = 500  # of a project
NOTE_LENGTH: Final = 2000  # characters


class TooManyShotsError(Exception):
    """A project would have more than MAX_SHOTS."""


class ShotManager(models.Manager["Shot"]):
    def numbered(self) -> "models.QuerySet[Shot]":
        """`number` is its place in the storyboard, from 1."""
        upto = self.filter(project=OuterRef("project"), position__lte=OuterRef("position")).order_by()
        count = upto.values("project").annotate(count=Count("pk")).values("count")
        return self.annotate(number=Subquery(count))

    @transaction.atomic
    def append(self, project: Collection, shots: Iterable["Shot"], newest: int | None = None) -> list["Shot"]:
        """Put new shots behind the project's last one. Raises TooManyShotsError; then none is there.

        `newest` is the last that had been made when they were typed: the same ones of the same person since then are
        these, from a button that was pressed twice.
        """
        new = list(shots)
        _lock(project.pk)
        rows = self.filter(project=project)
        if newest is not None:
            since = list(rows.filter(pk__gt=newest, changed_by=new[0].changed_by).order_by("pk"))
            if [shot.prompt for shot in since] == [shot.prompt for shot in new]:
                return since
        if rows.count() + len(new) > MAX_SHOTS:
            raise TooManyShotsError
        last = rows.aggregate(last=Max("position", default=0))["last"]
        for position, shot in enumerate(new, last + 1):
            shot.project, shot.position = project, position
        return self.bulk_create(new)

    @transaction.atomic
    def move(self, shot: "Shot", place: int) -> None:
        """Put the shot at the place, counted from 0, or at the end where there are fewer."""
        _lock(shot.project_id)
        rows = list(self.filter(project=shot.project_id).only("pk", "position", "project"))
        others = [row for row in rows if row.pk != shot.pk]
        others[max(0, place) : max(0, place)] = [row for row in rows if row.pk == shot.pk]
        self._renumber(others)

    @transaction.atomic
    def shift(self, shot: "Shot", by: int) -> None:
        """Put the shot that many places further on, or back."""
        _lock(shot.project_id)
        before = self.filter(project=shot.project_id, position__lt=shot.position_now()).count()
        self.move(shot, before + by)

    @transaction.atomic
    def remove(self, shots: Iterable[int]) -> None:
        """By their keys. Their takes stay, also one that is being ordered at this moment."""
        rows = self.order_by("pk").filter(pk__in=list(shots))
        list(rows.select_for_update(of=("self",)).values_list("pk"))
        rows.delete()

    def _renumber(self, rows: list["Shot"]) -> None:
        moved = []
        for position, row in enumerate(rows, 1):
            if row.position != position:
                row.position = position
                moved.append(row)
        self.bulk_update(moved, ["position"])


def _lock(project: int) -> None:
    """Whoever adds or moves shots of the project waits until this transaction has ended."""
    list(Collection.objects.filter(pk=project).select_for_update(no_key=True, of=("self",)))


class Shot(models.Model):
    """A place in the storyboard. What is blank follows the project's default parameters.

    `version` grows with each change of what people type, so that two at once don't overwrite each other unseen.
    """

    project = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="shots", verbose_name=_("project"))
    position = models.PositiveIntegerField(_("position"))
    prompt = models.TextField(_("prompt"), max_length=MAX_PROMPT_CHARACTERS, blank=True)
    note = models.TextField(_("note"), max_length=NOTE_LENGTH, blank=True)
    negative_prompt = models.TextField(_("negative prompt"), max_length=MAX_PROMPT_CHARACTERS, blank=True)
    duration = models.PositiveSmallIntegerField(_("seconds"), choices=DURATION_CHOICES, null=True, blank=True)
    aspect_ratio = models.CharField(
        _("aspect ratio"), max_length=4, blank=True, choices=[(ratio.value, ratio.value) for ratio in AspectRatio]
    )
    quality = models.CharField(
        _("quality"), max_length=10, blank=True, choices=[(one.value, one.value) for one in Quality]
    )
    start = models.ForeignKey(
        Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="shots_from", verbose_name=_("start")
    )
    tail = models.ForeignKey(
        Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="shots_to", verbose_name=_("end")
    )
    chosen = models.ForeignKey(
        Generation,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("chosen take"),
        help_text=_("Without one, the newest finished take."),
    )
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("changed by")
    )
    version = models.PositiveIntegerField(_("version"), default=1)

    objects: ClassVar[ShotManager] = ShotManager()

    class Meta:
        verbose_name = _("shot")
        verbose_name_plural = _("shots")
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "position"], name="shot_once_a_position", deferrable=models.Deferrable.DEFERRED
            )
        ]

    def __str__(self) -> str:
        return f"{self.project_id}: {self.position}"

    def get_absolute_url(self) -> str:
        return reverse("shot", args=[self.pk])

    @property
    def uploads(self) -> dict[Slot, Upload]:
        found = {Slot.START: self.start, Slot.TAIL: self.tail}
        return {slot: upload for slot, upload in found.items() if upload}

    def position_now(self) -> int:
        """Where it stands, whatever was read before; past the last one where it is gone."""
        found: int | None = Shot.objects.filter(pk=self.pk).values_list("position", flat=True).first()
        return MAX_SHOTS if found is None else found

    def edit(self, by: User, version: int, columns: dict[str, Any]) -> bool:
        """Write what somebody typed who had `version` before them; False, and nothing is written, for an older one."""
        rows = Shot.objects.filter(pk=self.pk, version=version)
        return bool(rows.update(version=F("version") + 1, changed_by=by, **columns))
