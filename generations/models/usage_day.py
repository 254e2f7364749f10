"""One day's charges: what fal says it charged, and what we counted."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class UsageDay(models.Model):
    """A day in UTC, as fal counts them. `fal_cents` is None as long as fal could not be read; `problem` says why.

    A video that ends around midnight can count here on one day and there on the next: then two days cancel out.
    """

    day = models.DateField(_("day"), primary_key=True)
    our_videos = models.PositiveIntegerField(_("our charged requests"))
    our_cents = models.PositiveIntegerField(_("our records in US cents"))
    our_units = models.DecimalField(_("units that fal told us with each"), max_digits=14, decimal_places=4)
    fal_units = models.DecimalField(_("fal's units"), max_digits=14, decimal_places=4, null=True)
    fal_cents = models.PositiveIntegerField(_("fal's charge in US cents"), null=True)
    problem = models.TextField(_("problem"), blank=True)
    compared_at = models.DateTimeField(_("compared at"), auto_now=True)

    class Meta:
        ordering: ClassVar = ["-day"]
        verbose_name = _("fal reconciliation")
        verbose_name_plural = _("fal reconciliation")

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"

    @property
    def difference_cents(self) -> int | None:
        """In US cents: above zero fal charged more than we count."""
        return None if self.fal_cents is None else self.fal_cents - self.our_cents
