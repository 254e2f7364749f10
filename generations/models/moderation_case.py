"""The moderators' queue: one open case per video, its reports, decisions and appeals."""

from datetime import timedelta
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.models.generation import Generation
from generations.models.rule import PromptRule


class Cause(models.TextChoices):
    """What brings a video before a moderator."""

    HOLD = "hold", _("held by a rule")
    FLAG = "flag", _("flagged by a rule")
    REPORT = "report", _("reported")
    REVIEW = "review", _("to be seen before others do")
    APPEAL = "appeal", _("appealed")
    BANNED = "banned", _("a banned file came back")


class CaseQuerySet(models.QuerySet["Case"]):
    def open(self) -> "CaseQuerySet":
        return self.filter(closed_at=None)


class Case(models.Model):
    """One open case a video at most. `viewed_by` is a soft lock: it tells, and keeps nobody out.

    `assigned_to` is the moderator to whom it was handed over.
    """

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="cases")
    causes = ArrayField(models.CharField(max_length=10, choices=Cause), verbose_name=_("why"))
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    viewed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("open with")
    )
    viewed_at = models.DateTimeField(_("looked at"), null=True, blank=True)
    excluded_moderator = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("rather for another than"),
        help_text=_("Whose decision is appealed."),
    )
    assigned_to = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects: ClassVar = CaseQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["opened_at", "pk"]
        permissions: ClassVar = [("moderate", _("Can decide cases"))]
        indexes: ClassVar = [
            models.Index(fields=["opened_at", "id"], name="case_open", condition=Q(closed_at=None)),
            models.Index(fields=["closed_at"], name="case_closed", condition=Q(closed_at__isnull=False)),
            GinIndex(fields=["causes"], name="case_causes", condition=Q(closed_at=None)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["generation"], condition=Q(closed_at=None), name="case_one_open_a_video"),
            models.CheckConstraint(condition=~Q(causes=[]), name="case_has_a_cause"),
        ]

    def __str__(self) -> str:
        return f"{_('Case')} #{self.pk}: {self.causes_text}"

    @property
    def causes_text(self) -> str:
        return ", ".join(str(Cause(cause).label) for cause in self.causes)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


PRIVATE_ACCESS_DURATION: Final = timedelta(hours=1)


class PrivateAccessQuerySet(models.QuerySet["PrivateAccess"]):
    def open(self) -> "PrivateAccessQuerySet":
        return self.filter(at__gt=timezone.now() - PRIVATE_ACCESS_DURATION)


class PrivateAccess(models.Model):
    """Staff look at private work, for a reason that its owner reads: one case, for an hour."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="private_accesses")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    reason = models.TextField(_("reason"), max_length=500)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    objects: ClassVar = PrivateAccessQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["case", "by", "at"], name="look_of_case")]

    def __str__(self) -> str:
        return f"{self.by}, {self.at:%Y-%m-%d %H:%M}"


class ReportReason(models.TextChoices):
    SEXUAL = "sexual", _("Sexual content")
    VIOLENCE = "violence", _("Violence or cruelty")
    HATE = "hate", _("Hate or harassment")
    PERSON = "person", _("A real person without their consent")
    COPYRIGHT = "copyright", _("Somebody else’s work")
    OTHER = "other", _("Something else")


class CaseNote(models.Model):
    """What moderators say among themselves: staff alone read it. With `assigned_to` the case was handed over."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    text = models.TextField(_("text"), max_length=2000)
    assigned_to = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("handed over to")
    )

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(text=""), name="case_note_says_something")]

    def __str__(self) -> str:
        return self.text[:60]


class Report(models.Model):
    """One open one a person and video. `notified_at`: when the person heard the outcome.

    Of somebody without an account `source` says by what they came, such as a share link.
    """

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="reports")
    reporter = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("reported by")
    )
    source = models.CharField(_("source"), max_length=150, blank=True, db_default="")
    reason = models.CharField(_("reason"), max_length=10, choices=ReportReason)
    note = models.TextField(_("note"), blank=True, max_length=1000)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    closed_by = models.ForeignKey(
        "Decision", on_delete=models.PROTECT, null=True, blank=True, related_name="reports", verbose_name=_("decision")
    )
    notified_at = models.DateTimeField(_("told at"), null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["generation", "reporter"], condition=Q(closed_by=None), name="report_one_open_a_person"
            ),
            models.CheckConstraint(condition=Q(reporter__isnull=False) | ~Q(source=""), name="report_is_of_somebody"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.note[:60]}"

    @property
    def reported_by(self) -> str:
        return str(self.reporter) if self.reporter else self.source


class DecisionKind(models.TextChoices):
    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")
    TAKE_DOWN = "take_down", _("Take down")
    RESTORE = "restore", _("Restore")
    WARN = "warn", _("Warn")
    SUSPEND = "suspend", _("Suspend")
    LIFT = "lift", _("Lift suspension")


PERSON_KINDS: Final = frozenset({DecisionKind.WARN, DecisionKind.SUSPEND, DecisionKind.LIFT})


class Decision(models.Model):
    """Who decided what, when and why. Rows are only ever added."""

    kind = models.CharField(_("decision"), max_length=10, choices=DecisionKind, db_column="verb")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), auto_now_add=True, db_index=True)
    why = models.TextField(_("why"), max_length=1000, help_text=_("The person whom it is about reads it."))
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="decisions", verbose_name=_("person"))
    generation = models.ForeignKey(
        Generation, on_delete=models.PROTECT, null=True, related_name="decisions", verbose_name=_("video")
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="decisions")
    rule = models.ForeignKey(PromptRule, on_delete=models.SET_NULL, null=True, related_name="+")
    until = models.DateTimeField(_("until"), null=True, help_text=_("Of a suspension."))

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=sorted(PERSON_KINDS)) | Q(generation__isnull=False),
                name="decision_names_its_video",
            ),
            models.CheckConstraint(condition=~Q(why="") | Q(kind__in=["approve", "lift"]), name="decision_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.why[:60]}"


class Appeal(models.Model):
    """What the owner of a removed video answers, once for each removal."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="appeal")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    text = models.TextField(_("text"), max_length=2000)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    def __str__(self) -> str:
        return self.text[:60]


class BulkDecision(models.Model):
    """One decision on many cases, carried out a few at a time; interrupted, it goes on where it was."""

    kind = models.CharField(_("decision"), max_length=10, choices=DecisionKind, db_column="verb")
    why = models.TextField(_("why"), max_length=1000)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), auto_now_add=True)
    cases = ArrayField(models.BigIntegerField(), verbose_name=_("cases"), help_text=_("Those that are left."))
    total = models.PositiveIntegerField(_("how many in all"))
    decided = models.PositiveIntegerField(_("decided"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0, help_text=_("Decided by others, or one's own."))

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.decided} + {self.skipped} / {self.total}"

    @property
    def left(self) -> int:
        return len(self.cases)
