"""A budget alert that was sent: once a month for each threshold, however often it is crossed."""

from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from generations.models.collections import Collection

THRESHOLDS: Final = (50, 80, 100)  # percent of a month's limit


class BudgetWarning(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="+", help_text=_("Empty: the whole team's budget.")
    )
    month = models.DateField(_("month"), help_text=_("Its first day."))
    percent = models.PositiveSmallIntegerField(_("percent"))
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team", "user", "month", "percent"], nulls_distinct=False, name="budget_warning_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.team} {self.month:%Y-%m}: {self.percent} %"


class ProjectBudgetWarning(models.Model):
    """The same of a project's budget."""

    project = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+")
    month = models.DateField(_("month"), help_text=_("Its first day."))
    percent = models.PositiveSmallIntegerField(_("percent"))
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "month", "percent"], name="project_budget_warning_once")
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.month:%Y-%m}: {self.percent} %"
