"""What happened to a generation, when, and by whom. Rows are only ever added."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.models.generation import Generation
from generations.models.lifecycle import Status


class Event(models.Model):
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(_("at"), db_default=models.functions.Now())
    status = models.CharField(_("status"), max_length=10, choices=Status)
    by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    message = models.TextField(_("message"), blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["generation", "at"], name="event_by_generation")]

    def __str__(self) -> str:
        return f"{self.get_status_display()} at {self.at:%Y-%m-%d %H:%M:%S}"
