"""Why a request waits before it is sent: somebody must approve it first. Its cost is reserved meanwhile."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.models.generation import Generation
from generations.models.lifecycle import Status
from generations.models.rule import PromptRule


class HoldQuerySet(models.QuerySet["Hold"]):
    def open(self) -> "HoldQuerySet":
        """Those that still wait for a decision; a request that was canceled meanwhile waits for none."""
        return self.filter(verdict="", generation__status=Status.HELD)


class Hold(models.Model):
    class Kind(models.TextChoices):
        APPROVAL = "approval", _("An admin of the team says yes first")
        RULE = "rule", _("A moderator says yes first")

    class Verdict(models.TextChoices):
        RELEASED = "released", _("Released")
        REFUSED = "refused", _("Refused")

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="holds")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    rule = models.ForeignKey(PromptRule, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.TextField(_("reason"), help_text=_("Why it waits, for the person who asked for the video."))
    opened_at = models.DateTimeField(_("opened at"), auto_now_add=True)
    notified_at = models.DateTimeField(_("deciders told at"), null=True, blank=True)
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    note = models.TextField(_("note"), blank=True)

    objects: ClassVar = HoldQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "opened_at"], name="hold_open", condition=Q(verdict=""))]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation", "kind"], condition=Q(verdict=""), name="hold_once_a_kind"),
            models.CheckConstraint(
                condition=Q(verdict="", decided_at=None) | ~Q(verdict="") & Q(decided_at__isnull=False),
                name="hold_decided_says_when",
            ),
        ]

    def __str__(self) -> str:
        """Without the reason, which names words of a prompt that may be private."""
        return f"{self.get_kind_display()}, {self.generation_id}"
