"""What a user has typed into the composer and not ordered yet. It is kept until it is ordered or discarded."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.models.picture import Slot, Upload

MAX_DRAFTS: Final = 20  # of a person; the oldest go


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """A draft as a page has loaded it."""

    key: uuid.UUID
    version: int


class DraftQuerySet(models.QuerySet["Draft"]):
    def at(self, version: DraftVersion) -> "DraftQuerySet":
        return self.filter(key=version.key, version=version.version)


class DraftManager(models.Manager["Draft"]):
    def get_queryset(self) -> DraftQuerySet:
        return DraftQuerySet(self.model, using=self._db)

    @transaction.atomic
    def save_draft(
        self,
        user: User,
        key: uuid.UUID,
        values: dict[str, Any],
        uploads: Mapping[Slot, Upload],
        *,
        loaded: DraftVersion | None = None,
    ) -> "Draft":
        """The draft of the page with that key, new or replaced.

        A page has a key of its own and goes on with the draft that it has `loaded`, unless another page has changed
        that one meanwhile: then both drafts stay.
        """
        User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two pages at once would both take the one loaded
        draft = self.get_queryset().filter(user=user, key=key).first()
        if draft is None and loaded is not None:
            draft = self.get_queryset().filter(user=user).at(loaded).first()
        draft = draft or Draft(user=user)
        draft.key, draft.values, draft.version, draft.last_used_at = key, values, draft.version + 1, timezone.now()
        draft.start, draft.tail = uploads.get(Slot.START), uploads.get(Slot.TAIL)
        draft.save()
        newest = self.filter(user=user).order_by("-last_used_at").values("pk")[:MAX_DRAFTS]
        self.filter(user=user).exclude(pk__in=list(newest.values_list("pk", flat=True))).delete()
        return draft


class Draft(models.Model):
    """`values` has the composer's field names and what stood in the fields, right or wrong."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="drafts")
    key = models.UUIDField(_("key of the page"), help_text=_("Drawn by the page that has it open."))
    version = models.PositiveIntegerField(_("version"), default=0)
    values = models.JSONField(_("values"), default=dict)
    start = models.ForeignKey(
        Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="drafts_from", verbose_name=_("start")
    )
    tail = models.ForeignKey(
        Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="drafts_to", verbose_name=_("end")
    )
    last_used_at = models.DateTimeField(_("kept at"), default=timezone.now)

    objects: ClassVar[DraftManager] = DraftManager()

    class Meta:
        ordering: ClassVar = ["-last_used_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="draft_key_once_a_user")]

    def __str__(self) -> str:
        return str(self.values.get("prompt", ""))[:60]

    @property
    def uploads(self) -> dict[Slot, Upload]:
        found = {Slot.START: self.start, Slot.TAIL: self.tail}
        return {slot: upload for slot, upload in found.items() if upload}
