"""A picture that a program is about to send, by fal's way of uploading."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api.models.key import Key
from generations.models import Upload


class PendingUpload(models.Model):
    """The address of the file is known before the file has come; `upload` is the picture once it has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="+", verbose_name=_("key"))
    upload = models.ForeignKey(
        Upload, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("picture")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, db_index=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return str(self.pk)
