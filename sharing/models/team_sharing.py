"""What a team says about share links."""

from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Team

MAX_DAYS: Final = 365  # that any link lives


class SharingPolicy(models.TextChoices):
    ALLOWED = "allowed", _("Members share videos by themselves")
    APPROVAL = "approval", _("An admin approves each link before it works")
    FORBIDDEN = "forbidden", _("Nobody shares; links that exist stop working")


class TeamSharingManager(models.Manager["TeamSharing"]):
    def of(self, team: Team) -> "TeamSharing":
        """The team's, or what holds as long as it has said nothing. No query where the team was read with it."""
        own: TeamSharing | None = getattr(team, "sharing", None)
        return own or TeamSharing(team=team)


class TeamSharing(models.Model):
    """A team's settings of share links. A team without a row has the defaults."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="sharing", primary_key=True)
    policy = models.CharField(_("policy"), max_length=10, choices=SharingPolicy, default=SharingPolicy.ALLOWED)
    max_days = models.PositiveSmallIntegerField(
        _("longest expiry in days"), default=90, help_text=_("No link of the team lives longer.")
    )
    labels_ai = models.BooleanField(
        _("label videos as AI-generated"),
        default=True,
        help_text=_("The EU AI Act (article 50) asks for it where videos are shown to the public."),
    )
    logo_key = models.CharField(_("key of the logo in the bucket"), max_length=300, blank=True)

    objects: ClassVar[TeamSharingManager] = TeamSharingManager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(policy__in=SharingPolicy.values), name="sharing_policy_known"),
            models.CheckConstraint(
                condition=models.Q(max_days__gte=1, max_days__lte=MAX_DAYS), name="sharing_max_days_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team}: {self.get_policy_display()}"
