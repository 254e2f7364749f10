"""A backup that was made: what `manage.py upgrade_check` knows of the last one."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class ObjectMode(models.TextChoices):
    COPY = "copy", _("copied")
    LIST = "list", _("listed")


class BackupManager(models.Manager["Backup"]):
    def last_moment(self) -> datetime | None:
        return self.order_by("-moment").values_list("moment", flat=True).first()


class Backup(models.Model):
    """Written once its directory is whole. `moment` is the one at which the database is kept."""

    moment = models.DateTimeField(_("moment"), unique=True)
    objects_mode = models.CharField(_("objects"), max_length=4, choices=ObjectMode)
    object_count = models.PositiveBigIntegerField(_("number of objects"))
    size = models.PositiveBigIntegerField(_("bytes written"))

    objects: ClassVar[BackupManager] = BackupManager()

    def __str__(self) -> str:
        return f"{self.moment:%Y-%m-%d %H:%M}"
