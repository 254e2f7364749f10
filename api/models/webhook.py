"""Where a team's events are sent, what was sent there, and what came back."""

import secrets
import uuid
from base64 import b64encode
from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.names import NameField
from generations.models import Generation

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - all secrets begin so
ROTATION: Final = timedelta(hours=24)  # for which the secret before signs, too
MAX_URL: Final = 2000  # characters
_SECRET_BYTES: Final = 32


class WebhookEvent(models.TextChoices):
    """The `type` of what is sent."""

    DONE = "generation.done", _("Video done")
    FAILED = "generation.failed", _("Video failed")
    CANCELED = "generation.canceled", _("Video canceled")
    REJECTED = "generation.rejected", _("Request rejected")
    APPROVAL = "approval.requested", _("Approval requested")
    BUDGET = "budget.warning", _("Budget alert")
    COMMENT = "comment.created", _("Comment")
    VERDICT = "verdict.given", _("Review verdict")
    TAKE_DOWN = "video.taken_down", _("Video taken down")
    RESTORED = "video.restored", _("Video restored")
    TEST = "webhook.test", _("Test")


SUBSCRIBABLE: Final = [(event.value, event.label) for event in WebhookEvent if event != WebhookEvent.TEST]


class WebhookFormat(models.TextChoices):
    STANDARD = "standard", _("Standard Webhooks (JSON)")
    SLACK = "slack", _("Slack")
    DISCORD = "discord", _("Discord")
    TEAMS = "teams", _("Microsoft Teams")
    FAL = "fal", _("fal’s webhook of a request")


def new_secret() -> str:
    return SECRET_PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def active(self) -> "WebhookEndpointQuerySet":
        """Those to which anything is sent."""
        return self.filter(disabled_at=None, team__closed_at=None)

    def own(self) -> "WebhookEndpointQuerySet":
        """Those that people have made; the others stand for the hosts that requests of fal's form name."""
        return self.exclude(format=WebhookFormat.FAL)


class WebhookEndpoint(models.Model):
    """One address of a team's. It is also the unit of delivery: a worker leases it and sends one message at a time.

    `failing_since` is the first failure with no success after it. Of fal's form `url` is the origin alone, and each
    delivery has an address of its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="webhook_endpoints", verbose_name=_("team"))
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(_("made at"), default=timezone.now, editable=False)
    url = models.CharField(_("URL"), max_length=MAX_URL)
    description = NameField(_("description"), max_length=200, blank=True)
    format = models.CharField(_("format"), max_length=10, choices=WebhookFormat, default=WebhookFormat.STANDARD)
    events = ArrayField(models.CharField(max_length=30, choices=WebhookEvent), verbose_name=_("events"), default=list)

    secret = models.CharField(_("secret"), max_length=100, default=new_secret)
    previous_secret = models.CharField(_("secret before"), max_length=100, blank=True)
    previous_secret_until = models.DateTimeField(_("secret before signs until"), null=True, blank=True)

    active_since = models.DateTimeField(
        _("active since"), default=timezone.now, help_text=_("Events before are not sent.")
    )
    disabled_at = models.DateTimeField(_("switched off at"), null=True, blank=True)
    disabled_reason = models.CharField(_("why it is off"), max_length=200, blank=True)
    disabled_notified_at = models.DateTimeField(_("people told that it is off at"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_failed_at = models.DateTimeField(_("last failure at"), null=True, blank=True)
    warned_at = models.DateTimeField(_("people warned at"), null=True, blank=True)

    not_before = models.DateTimeField(
        _("not before"), null=True, blank=True, help_text=_("As the receiver has asked by Retry-After.")
    )
    lease = models.UUIDField(_("lease"), null=True, blank=True)
    lease_until = models.DateTimeField(_("held by a worker until"), null=True, blank=True)

    objects: ClassVar = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["made_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(format__in=WebhookFormat.values), name="webhook_format_known"),
            models.CheckConstraint(condition=Q(disabled_at=None) | ~Q(disabled_reason=""), name="webhook_off_says_why"),
            models.UniqueConstraint(
                fields=["team", "url"], condition=Q(format="fal"), name="webhook_origin_of_fal_once_a_team"
            ),
        ]

    def __str__(self) -> str:
        """Without the address, which is a secret of its own in Slack, Discord and Teams."""
        return self.description or f"{self.get_format_display()}, {self.pk}"

    def secrets(self, now: datetime) -> list[str]:
        """Those that sign now, the newest first."""
        is_rotating = self.previous_secret_until and self.previous_secret_until > now
        return [self.secret, self.previous_secret] if is_rotating else [self.secret]

    def rotate(self) -> str:
        """A fresh secret; the one before signs too for ROTATION."""
        self.previous_secret, self.secret = self.secret, new_secret()
        self.previous_secret_until = timezone.now() + ROTATION
        self.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
        return self.secret

    def disable(self, reason: str, *, is_told: bool = False) -> bool:
        """Send nothing any more; whether this call did it. What waits counts as failed, and can be replayed."""
        now = timezone.now()
        rows = WebhookEndpoint.objects.filter(pk=self.pk, disabled_at=None)
        told = now if is_told else None
        if not rows.update(disabled_at=now, disabled_reason=reason[:200], disabled_notified_at=told):
            return False
        self.deliveries.filter(due_at__isnull=False).update(due_at=None, failed_at=now)
        return True

    def enable(self) -> None:
        """Send what happens from now on."""
        WebhookEndpoint.objects.filter(pk=self.pk).update(
            disabled_at=None,
            disabled_reason="",
            disabled_notified_at=None,
            failing_since=None,
            warned_at=None,
            not_before=None,
            active_since=timezone.now(),
        )


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def replayable(self) -> "WebhookDeliveryQuerySet":
        return self.filter(due_at=None).exclude(body="")

    def replay(self) -> int:
        """Send them again under the ids that they have, by a schedule of their own; how many."""
        return self.replayable().update(due_at=timezone.now(), delivered_at=None, failed_at=None, tries=0)


class WebhookDelivery(models.Model):
    """One message to one endpoint. Its id follows from the endpoint and `source`, the row that it tells of.

    `due_at` is the time of the next try, and blank once it has been delivered or given up. `tries` counts those by
    the schedule; a replay begins it anew. The body is deleted after some time.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    source = models.CharField(_("source"), max_length=120)
    event = models.CharField(_("event"), max_length=30, choices=WebhookEvent)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, null=True, related_name="+")
    url = models.CharField(_("URL"), max_length=MAX_URL, blank=True, help_text=_("Of fal’s form; else the endpoint’s."))
    body = models.TextField(_("body"), blank=True)
    made_at = models.DateTimeField(_("made at"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("next try at"), null=True, blank=True, default=timezone.now)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up at"), null=True, blank=True)

    objects: ClassVar = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-made_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["endpoint", "due_at"], name="webhook_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["endpoint", "-made_at", "-id"], name="webhook_log"),
            models.Index(fields=["made_at"], name="webhook_by_time"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "source"], name="webhook_once_an_event"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, delivered_at=None, failed_at=None)
                | Q(due_at=None, delivered_at__isnull=False, failed_at=None)
                | Q(due_at=None, delivered_at=None, failed_at__isnull=False),
                name="webhook_waits_or_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event}, {self.message_id}"

    @property
    def message_id(self) -> str:
        """The `webhook-id`, the same at each try."""
        return f"msg_{self.pk.hex}"

    @property
    def cursor(self) -> str:
        return f"{self.made_at.isoformat()}_{self.pk}"


class WebhookAttempt(models.Model):
    """One try of a delivery: what was sent, and the beginning of the answer, or why there was none."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField(_("number"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    milliseconds = models.PositiveIntegerField(_("duration in ms"))
    request_headers = models.JSONField(_("request headers"), default=dict)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    response_headers = models.JSONField(_("response headers"), default=dict)
    response = models.TextField(_("beginning of the answer"), blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "number"], name="webhook_attempt_once"),
        ]

    def __str__(self) -> str:
        return f"#{self.number}: {self.status or self.error}"

    @property
    def request_text(self) -> str:
        return _lines(self.request_headers)

    @property
    def response_text(self) -> str:
        return "\n".join(part for part in (_lines(self.response_headers), self.response) if part)


def _lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in headers.items())


class WebhookCursor(models.Model):
    """Up to when rows were looked at for events. One row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    seen_until = models.DateTimeField(_("seen until"))

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="webhook_cursor_is_one")]

    def __str__(self) -> str:
        return self.seen_until.isoformat()
