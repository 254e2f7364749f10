"""One request for a video, from the press of the button to the end. This row is the truth; RQ only carries wake-ups.

Status is written by `Generation.move`, and by `move_claimed` for many rows at once.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypedDict

from django.contrib.postgres.indexes import GinIndex
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from generations.fal.arguments import (
    DEFAULT_CFG_SCALE,
    DEFAULT_NEGATIVE_PROMPT,
    MAX_PROMPT_CHARACTERS,
    AspectRatio,
    Endpoint,
    Source,
)
from generations.models.deletion import StorageDeletion
from generations.models.generation_queryset import GenerationQuerySet, IllegalMoveError
from generations.models.lifecycle import DRIVEN, MOVES, OPEN, RESPONSIBLE_PARTIES, TERMINAL, Status
from generations.models.price import DURATION_CHOICES, endpoint_choices
from generations.models.review_status import REVIEW_RANK, REVIEW_RANKS, ReviewStatus
from generations.models.search import PROMPT_WORDS

MAX_LOG_LINES: Final = 200
REQUEST_COLUMNS: Final = ("endpoint", "prompt", "negative_prompt", "cfg_scale", "duration", "aspect_ratio")

QUARANTINE: Final = "quarantine/"  # before the key of an object that was taken down

TRASHED: Final = "Moved to trash."
RESTORED: Final = "Restored from trash."
FORMER_TRASH_EVENTS: Final = {"Put into the bin.": TRASHED, "Taken out of the bin.": RESTORED}  # up to 0.2


class LogLine(TypedDict):
    """A line that fal's runner wrote; `timestamp` as fal gave it."""

    timestamp: str
    message: str


class Relation(models.TextChoices):
    """How a generation came from another."""

    RETRY = "retry", _("Retry")
    REMIX = "remix", _("Remix")
    EXTEND = "extend", _("Extension")  # begins with its last frame
    BETWEEN = "between", _("In between")  # the same, and it ends with the first frame of `leads_to`


class Generation(models.Model):
    """A request for one video.

    Times are aware datetimes; money is whole US cents. `due_at` is when somebody must look at the row next:
    every open row has one, so that nothing can hang for ever.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="generations", verbose_name=_("team"))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="generations", verbose_name=_("made by"))
    idempotency_key = models.UUIDField(
        _("form key"), default=uuid.uuid4, help_text=_("Drawn with the form: one form, one video.")
    )

    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children", verbose_name=_("made from")
    )
    relation = models.CharField(_("how it was made from it"), max_length=10, blank=True, choices=Relation)
    leads_to = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        db_index=False,  # its own index leaves out what leads nowhere
        related_name="led_to_by",
        verbose_name=_("leads to"),
        help_text=_("The video whose first frame is its end picture."),
    )

    batch = models.UUIDField(
        _("batch"), null=True, blank=True, help_text=_("Shared by all of one press of the button.")
    )
    batch_index = models.PositiveSmallIntegerField(_("place in its batch"), default=0)
    collection = models.ForeignKey(
        "Collection",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="generations",
        verbose_name=_("project"),
    )
    shot = models.ForeignKey(
        "Shot",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        db_index=False,  # its own index leaves out what is no take
        related_name="takes",
        verbose_name=_("shot"),
        help_text=_("The shot of a storyboard that it is a take of."),
    )
    billed_project = models.ForeignKey(
        "Collection",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        db_index=False,  # its own index has the time, too
        related_name="billed_generations",
        verbose_name=_("billed to project"),
        help_text=_("The project that it was ordered in, wherever it was moved to."),
    )

    is_private = models.BooleanField(_("private"), default=False, help_text=_("Nobody but its maker sees it."))
    assigned_to = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("passed on to"),
        help_text=_("Has it in the maker’s place, who has left the team; the books keep the maker."),
    )

    awaits_review = models.BooleanField(
        _("awaits review"), default=False, help_text=_("Others see it only when a moderator has approved it.")
    )
    review_status = models.CharField(
        _("review"), max_length=15, blank=True, choices=ReviewStatus, default="", db_default=""
    )
    taken_down_at = models.DateTimeField(_("taken down at"), null=True, blank=True)
    quarantined_at = models.DateTimeField(
        _("in quarantine since"), null=True, blank=True, help_text=_("Its objects lie where no address leads.")
    )
    fal_copy_deleted_at = models.DateTimeField(_("fal's copy deleted at"), null=True, blank=True)

    endpoint = models.CharField(_("endpoint"), max_length=100, choices=endpoint_choices)
    prompt = models.TextField(_("prompt"), max_length=MAX_PROMPT_CHARACTERS)
    negative_prompt = models.TextField(
        _("negative prompt"), max_length=MAX_PROMPT_CHARACTERS, blank=True, default=DEFAULT_NEGATIVE_PROMPT
    )
    cfg_scale = models.FloatField(_("CFG scale"), default=DEFAULT_CFG_SCALE)
    duration = models.PositiveSmallIntegerField(_("seconds"), choices=DURATION_CHOICES)
    aspect_ratio = models.CharField(
        _("aspect ratio"), max_length=4, blank=True, choices=[(ratio.value, ratio.value) for ratio in AspectRatio]
    )

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    reason = models.CharField(_("reason"), max_length=60, blank=True, help_text=_("A short code of what went wrong."))
    message = models.TextField(_("message"), blank=True, help_text=_("What went wrong and what to do, for a person."))
    responsible_party = models.CharField(_("who can fix it"), max_length=10, blank=True, choices=RESPONSIBLE_PARTIES)
    provider_message = models.TextField(_("fal's own words"), blank=True)

    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now, editable=False)
    submitted_at = models.DateTimeField(_("sent to fal at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancel asked for at"), null=True, blank=True)
    cancel_sent_at = models.DateTimeField(_("cancel taken by fal at"), null=True, blank=True)
    webhook_received_at = models.DateTimeField(_("webhook came at"), null=True, blank=True)
    needs_attention_since = models.DateTimeField(_("needs a person since"), null=True, blank=True)
    notified_at = models.DateTimeField(_("person told at"), null=True, blank=True)
    trashed_at = models.DateTimeField(_("moved to trash at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)
    uncertain_until = models.DateTimeField(
        _("uncertain until"),
        null=True,
        blank=True,
        help_text=_("It was under way in a database that was restored: it may have been sent until then, and told of."),
    )
    due_at = models.DateTimeField(_("to be looked at next"), null=True, blank=True, default=timezone.now)
    lease = models.UUIDField(_("lease"), null=True, blank=True)
    lease_until = models.DateTimeField(_("held by a worker until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("failed tries in this state"), default=0)

    request_id = models.CharField(_("fal's request id"), max_length=100, null=True, blank=True, unique=True)
    unconfirmed_id = models.CharField(
        _("id that fal may know it by"), max_length=100, blank=True, help_text=_("From an answer that was an error.")
    )
    unknown_since = models.DateTimeField(_("fal first said that it knows no such id at"), null=True, blank=True)
    status_url = models.URLField(_("status address"), max_length=500, blank=True)
    response_url = models.URLField(_("result address"), max_length=500, blank=True)
    cancel_url = models.URLField(_("cancel address"), max_length=500, blank=True)
    queue_position = models.PositiveIntegerField(_("requests ahead at fal"), null=True, blank=True)
    logs = models.JSONField(_("log lines"), default=list, blank=True)
    inference_seconds = models.FloatField(_("seconds of rendering"), null=True, blank=True)
    source_url = models.TextField(_("fal's file"), blank=True)  # addresses with a signature are long
    copied_bytes = models.PositiveBigIntegerField(_("bytes copied"), default=0)
    total_bytes = models.PositiveBigIntegerField(_("bytes in all"), null=True, blank=True)

    cost_cents = models.PositiveIntegerField(_("cost in US cents"))
    billable_units = models.DecimalField(
        _("fal's billable units"), max_digits=12, decimal_places=4, null=True, blank=True
    )

    objects = GenerationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["status", "due_at"], name="generation_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["team", "-created_at", "-id"], name="generation_of_team"),
            models.Index(fields=["user", "-created_at", "-id"], name="generation_of_user"),
            models.Index("team", REVIEW_RANK, "created_at", "id", name="generation_of_team_by_review"),
            models.Index("user", REVIEW_RANK, "created_at", "id", name="generation_of_user_by_review"),
            models.Index(fields=["team", "-changed_at"], name="generation_moved"),
            models.Index(
                fields=["billed_project", "created_at"],
                include=["cost_cents"],
                name="generation_billed_to_project",
                condition=Q(billed_project__isnull=False),
            ),
            models.Index(
                fields=["billed_project", "user", "created_at"],
                include=["cost_cents"],
                name="generation_billed_to_user",
                condition=Q(billed_project__isnull=False),
            ),
            models.Index(fields=["leads_to"], name="generation_leads_to", condition=Q(leads_to__isnull=False)),
            models.Index(
                fields=["collection", "-created_at", "-id"],
                name="generation_of_project",
                condition=Q(collection__isnull=False),
            ),
            models.Index(
                fields=["collection", "user", "-created_at", "-id"],
                name="generation_of_project_and_user",
                condition=Q(collection__isnull=False),
            ),
            models.Index(
                fields=["shot", "-created_at", "-id"], name="generation_of_shot", condition=Q(shot__isnull=False)
            ),
            GinIndex(PROMPT_WORDS, name="generation_prompt_words"),
            models.Index(
                fields=["taken_down_at"],
                name="generation_taken_down",
                condition=Q(taken_down_at__isnull=False) | Q(quarantined_at__isnull=False),
            ),
            models.Index(fields=["trashed_at"], name="generation_in_trash", condition=Q(trashed_at__isnull=False)),
            models.Index(
                fields=["team", "trashed_at", "id"],
                name="generation_trash_of_team",
                condition=Q(trashed_at__isnull=False),
            ),
            models.Index(fields=["batch", "batch_index"], name="generation_of_batch", condition=Q(batch__isnull=False)),
            models.Index(
                fields=["team", "user", "due_at", "batch_index", "id"],
                include=["lease_until"],
                name="generation_queued",
                condition=Q(status=Status.QUEUED),
            ),
            models.Index(
                fields=["endpoint", "duration", "-finished_at"],
                name="generation_usual_time",
                condition=Q(status=Status.DONE),
            ),
            models.Index(fields=["created_at"], include=["cost_cents"], name="generation_by_time"),
            models.Index(fields=["created_at"], name="generation_held", condition=Q(status=Status.HELD)),
            models.Index(
                fields=["changed_at"],
                name="generation_needs_attention",
                condition=Q(needs_attention_since__isnull=False) | Q(status=Status.FAILED, reason="outcome_unknown"),
            ),
            models.Index(
                fields=["finished_at"],
                name="generation_to_tell",
                condition=Q(finished_at__isnull=False, notified_at=None),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="generation_once_a_form"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="generation_status_known"),
            models.CheckConstraint(condition=Q(endpoint__in=list(Endpoint)), name="generation_endpoint_known"),
            models.CheckConstraint(condition=Q(duration__in=[5, 10]), name="generation_duration_known"),
            models.CheckConstraint(condition=Q(cfg_scale__gte=0, cfg_scale__lte=1), name="generation_cfg_in_range"),
            models.CheckConstraint(
                condition=Q(endpoint__in=Endpoint.of(Source.TEXT), aspect_ratio__in=list(AspectRatio))
                | Q(endpoint__in=Endpoint.of(Source.IMAGE), aspect_ratio=""),
                name="generation_aspect_ratio_for_text_only",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(TERMINAL), finished_at__isnull=False)
                | Q(status__in=sorted(OPEN), finished_at__isnull=True),
                name="generation_finished_is_terminal",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(DRIVEN), due_at__isnull=False)
                | ~Q(status__in=sorted(DRIVEN)) & Q(due_at__isnull=True),
                name="generation_open_is_due",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.FAILED) | ~Q(reason="") & ~Q(message="") & ~Q(responsible_party=""),
                name="generation_failed_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.RENDERING, Status.CANCELLING, Status.MIRRORING, Status.DONE])
                | Q(request_id__isnull=False),
                name="generation_at_fal_has_request_id",
            ),
            models.CheckConstraint(
                condition=Q(unconfirmed_id="", unknown_since=None) | Q(status=Status.SUBMITTING),
                name="generation_unconfirmed_is_submitting",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(status__in=sorted(TERMINAL)), name="generation_deleted_is_ended"
            ),
            models.CheckConstraint(
                condition=Q(taken_down_at=None) | Q(status__in=sorted(TERMINAL)), name="generation_taken_down_is_ended"
            ),
            models.CheckConstraint(
                condition=Q(trashed_at=None) | Q(status__in=sorted(TERMINAL)), name="generation_trashed_is_ended"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.MIRRORING, Status.DONE]) | ~Q(source_url=""),
                name="generation_made_has_source",
            ),
        ]

    def __str__(self) -> str:
        """Without the prompt, which may be private: logs, lists and histories of the admin show this."""
        return f"{self.get_endpoint_display()}, {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("generation", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def owner(self) -> User:
        """Who has it now."""
        return self.assigned_to or self.user

    @property
    def shown_prompt(self) -> str:
        """For others than its owner."""
        return str(_("(private)")) if self.is_private else self.prompt

    @property
    def cursor(self) -> str:
        """Where it stands in a list: its moment, its id and, where somebody has reviewed it, the rank of that."""
        rank = f"_{REVIEW_RANKS[self.review_status]}" if self.review_status else ""
        return f"{self.created_at.isoformat()}_{self.pk}{rank}"

    def request_columns(self) -> dict[str, Any]:
        """What was asked of Kling, by column, for a row that asks for the same."""
        return {name: getattr(self, name) for name in REQUEST_COLUMNS}

    @property
    def fal_endpoint(self) -> Endpoint:
        """The endpoint, with all that the table says of it."""
        return Endpoint(self.endpoint)

    @property
    def key_prefix(self) -> str:
        """Where its objects lie in the bucket, without a slash at the end."""
        return f"teams/{self.team_id}/generations/{self.pk}"

    @property
    def video_key(self) -> str:
        return f"{self.key_prefix}/video.mp4"

    @property
    def poster_key(self) -> str:
        return f"{self.key_prefix}/poster.webp"

    @property
    def preview_key(self) -> str:
        return f"{self.key_prefix}/preview.mp4"

    def object_keys(self) -> set[str]:
        """Every object that it has in the bucket, or may have: a copy can have come that far before it failed."""
        if self.taken_down_at or self.quarantined_at:
            return {key for own in self.own_keys() for key in (own, f"{QUARANTINE}{own}")}
        return self.own_keys()

    def own_keys(self) -> set[str]:
        """The same, where they lie as long as it is not taken down."""
        return {self.video_key, self.poster_key, self.preview_key, *self.pictures.values_list("key", flat=True)}

    @transaction.atomic
    def move(
        self, to: Status, *, by: User | None = None, event: str = "", leased: bool = False, **changes: Any
    ) -> bool:
        """Move to the state `to` and write down what happened; whether this call won.

        One conditional UPDATE: when somebody else has moved the row meanwhile nothing changes and False comes back.
        `leased` asks that the lease under which the row was claimed is still ours. `changes` are columns to set.
        """
        origin = Status(self.status)
        if to not in MOVES[origin]:
            raise IllegalMoveError(f"{origin} → {to}")
        if not self._write({**self.entry_values(to), **changes}, leased=leased):
            return False
        self.events.create(status=to, by=by, message=event or changes.get("message", ""))
        return True

    def update_if_leased(self, **changes: Any) -> bool:
        """Write columns without a move, for as long as the row has not moved and the lease is ours; whether it was."""
        return self._write({"changed_at": timezone.now(), **changes}, leased=True)

    def reschedule(self, delay: timedelta, **changes: Any) -> bool:
        """Let go of the row until `delay` from now, or for no time when a webhook has come since it was claimed.

        `changed_at` moves only with news: a page looks at it.
        """
        due_at = timezone.now() + delay
        called = (
            Q(webhook_received_at__gt=self.webhook_received_at)
            if self.webhook_received_at
            else Q(webhook_received_at__isnull=False)
        )
        later = models.Case(models.When(called, then=models.F("due_at")), default=models.Value(due_at))
        news = {"changed_at": timezone.now()} if changes else {}
        values: dict[str, Any] = {"lease": None, "lease_until": None, **news, **changes}
        if not self._current_row(Status(self.status), leased=True).update(due_at=later, **values):
            return False
        self.apply({"due_at": due_at, **values})
        return True

    @transaction.atomic
    def cancel(self, by: User) -> bool:
        """Ask for it to end without a video; whether anything could still be done about it.

        What fal has not seen ends at once and costs nothing. What fal has ends by fal's own answer; what is on its way
        to fal is canceled as soon as it has arrived.
        """
        now = timezone.now()
        if self.status in {Status.HELD, Status.QUEUED}:
            return self.move(Status.CANCELED, by=by, cost_cents=0)
        if self.status == Status.RENDERING:
            return self.move(Status.CANCELLING, by=by, cancel_requested_at=now)
        if self.status == Status.SUBMITTING and self._write(
            {"cancel_requested_at": now, "changed_at": now}, leased=False
        ):
            self.events.create(status=self.status, by=by, message="Cancel asked for.")
            return True
        return False

    @transaction.atomic
    def take_down(self, by: User, why: str) -> bool:
        """Out of everybody's sight by a moderator's decision; whether this call did. Its objects move after that."""
        rows = Generation.objects.filter(pk=self.pk, taken_down_at=None)
        now = timezone.now()
        event = gettext("Taken down: %s") % why
        return self._update_and_log(rows, by, event, taken_down_at=now, awaits_review=False, changed_at=now)

    @transaction.atomic
    def restore(self, by: User, why: str) -> bool:
        """Back from a take-down; whether this call did."""
        rows = Generation.objects.filter(pk=self.pk, taken_down_at__isnull=False)
        event = gettext("Restored: %s") % why
        return self._update_and_log(rows, by, event, taken_down_at=None, awaits_review=False, changed_at=timezone.now())

    @transaction.atomic
    def move_to_trash(self, by: User | None, at: datetime | None = None) -> bool:
        """Move one that has ended to the trash, out of everybody's sight; whether this call did.

        Rows of one press share one moment, `at`, so that one press restores them. `by` is None when the time to
        decide on it ran out.
        """
        now = at or timezone.now()
        current = self._current_row(Status(self.status), leased=False).filter(deleted_at=None, trashed_at=None)
        return not self.is_open and self._update_and_log(current, by, TRASHED, trashed_at=now, changed_at=now)

    @transaction.atomic
    def restore_from_trash(self, by: User) -> bool:
        """Take it out of the trash again; whether this call did."""
        trashed = self._current_row(Status(self.status), leased=False).filter(deleted_at=None, trashed_at__isnull=False)
        return self._update_and_log(trashed, by, RESTORED, trashed_at=None, changed_at=timezone.now())

    @transaction.atomic
    def delete_permanently(self, by: User | None) -> bool:
        """Delete one that has ended for good, from the trash or not, and its objects too; whether this call did.

        The row stays, since what a team has spent is the sum over its rows. `by` is None when its time in the trash
        ran out.
        """
        now = timezone.now()
        current = self._current_row(Status(self.status), leased=False).filter(deleted_at=None)
        if self.is_open or not self._update_and_log(current, by, "Deleted.", deleted_at=now, changed_at=now):
            return False
        StorageDeletion.objects.enqueue(self.object_keys())
        return True

    def _update_and_log(self, rows: GenerationQuerySet, by: User | None, event: str, **values: Any) -> bool:
        """One conditional UPDATE, for what changes where a row is seen and not what state it is in."""
        if not rows.update(**values):
            return False
        self.apply(values)
        self.events.create(status=self.status, by=by, message=event)
        return True

    def _write(self, values: dict[str, Any], *, leased: bool) -> bool:
        if not self._current_row(Status(self.status), leased=leased).update(**values):
            return False
        self.apply(values)
        return True

    def apply(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)

    def _current_row(self, status: Status, *, leased: bool) -> GenerationQuerySet:
        rows = Generation.objects.filter(pk=self.pk, status=status)
        return rows.filter(lease=self.lease) if leased else rows

    @staticmethod
    def entry_values(to: Status) -> dict[str, Any]:
        """What a state's first moment looks like, whatever came before."""
        now = timezone.now()
        return {
            "status": to,
            "changed_at": now,
            "finished_at": now if to in TERMINAL else None,
            "notified_at": None,
            "due_at": now if to in DRIVEN else None,
            "trashed_at": None,  # a lost answer that comes after all was paid for: it is shown again
            "lease": None,
            "lease_until": None,
            "attempts": 0,
            "needs_attention_since": None,  # it was about the state that is left
            "unconfirmed_id": "",
            "unknown_since": None,
            "reason": "",
            "message": "",
            "responsible_party": "",
            "provider_message": "",
        }
