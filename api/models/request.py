"""That a generation was asked for by a key, and what only such requests have."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api.models.key import Key
from generations.billing.usage import Month
from generations.models import Generation
from sharing.models import ShareLink

IDEMPOTENCY_PERIOD: Final = timedelta(hours=24)  # for which an Idempotency-Key is honoured
MAX_IDEMPOTENCY_KEY: Final = 255  # characters


class ApiRequestQuerySet(models.QuerySet["ApiRequest"]):
    def repeated(self, key: Key, idempotency_key: str) -> "ApiRequest | None":
        """What was asked for by this key with the same Idempotency-Key, while that is honoured."""
        since = timezone.now() - IDEMPOTENCY_PERIOD
        known = self.filter(key=key, idempotency_key=idempotency_key, created_at__gt=since)
        return known.select_related("generation").first() if idempotency_key else None

    def forget_expired(self, key: Key, idempotency_key: str) -> None:
        """An Idempotency-Key may be used anew once it is not honoured any more."""
        before = timezone.now() - IDEMPOTENCY_PERIOD
        old = self.filter(key=key, idempotency_key=idempotency_key, created_at__lte=before)
        old.update(idempotency_key="")

    def spent_cents(self, key: Key, since: datetime | None = None) -> int:
        """What the key has cost since then, or else in this month."""
        rows = self.filter(key=key, generation__created_at__gte=since or Month.now().begin)
        spent: int = rows.aggregate(cents=Sum("generation__cost_cents", default=0))["cents"]
        return spent


class ApiRequest(models.Model):
    """One to one with its generation, which is one like any other.

    `body_digest` is of what was asked for, so that an Idempotency-Key can't stand for two things; `link` is the share
    link of its result, made when the result is first asked for.
    """

    generation = models.OneToOneField(
        Generation, on_delete=models.CASCADE, related_name="api_request", primary_key=True, verbose_name=_("generation")
    )
    key = models.ForeignKey(Key, on_delete=models.PROTECT, related_name="requests", verbose_name=_("key"))
    idempotency_key = models.CharField(_("idempotency key"), max_length=MAX_IDEMPOTENCY_KEY, blank=True)
    body_digest = models.CharField(_("hash of the body"), max_length=64, blank=True)
    link = models.OneToOneField(
        ShareLink, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("link")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects: ClassVar = ApiRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["key", "-created_at"], name="api_request_of_key")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["key", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="api_request_once_an_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.generation_id} by {self.key_id}"
