"""An outbox of objects to remove from the bucket: written with the deletion, emptied by `storage.cleanup`."""

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Final

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

_MAX_DELAY: Final = timedelta(hours=1)


class StorageDeletionManager(models.Manager["StorageDeletion"]):
    def enqueue(self, keys: Iterable[str]) -> None:
        """Have these objects removed, also when that takes many tries."""
        self.bulk_create([StorageDeletion(key=key) for key in keys], ignore_conflicts=True)

    @transaction.atomic
    def claim_due(self, limit: int, lease: timedelta) -> list["StorageDeletion"]:
        """Rows whose time has come; no other worker sees them for `lease`."""
        now = timezone.now()
        due = self.filter(due_at__lte=now).order_by("due_at").select_for_update(skip_locked=True)
        rows = list(due[:limit])
        self.filter(pk__in=[row.pk for row in rows]).update(due_at=now + lease)
        return rows


class StorageDeletion(models.Model):
    key = models.CharField(_("key in the bucket"), max_length=300, unique=True)
    requested_at = models.DateTimeField(_("asked for at"), auto_now_add=True)
    due_at = models.DateTimeField(_("next try"), default=timezone.now, db_index=True)
    attempts = models.PositiveIntegerField(_("failed tries"), default=0)
    error = models.TextField(_("last error"), blank=True)

    objects: ClassVar[StorageDeletionManager] = StorageDeletionManager()

    def __str__(self) -> str:
        return self.key

    def record_failure(self, error: str) -> None:
        """Try again later: after 2 s, 4 s, 8 s … an hour."""
        self.attempts += 1
        self.due_at = timezone.now() + min(timedelta(seconds=2 ** min(self.attempts, 12)), _MAX_DELAY)
        self.error = error
        self.save(update_fields=["attempts", "due_at", "error"])
