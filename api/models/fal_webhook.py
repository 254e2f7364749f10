"""Webhooks in fal's form: which request asked for one, and the keys that sign them."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from api.models.webhook import MAX_URL, WebhookEndpoint
from generations.models import Generation

CACHE_TIME: Final = timedelta(hours=24)  # for which receivers may keep the keys, as fal's documentation says
_OVERLAP: Final = timedelta(hours=1)
_LOCK: Final = 0x1A16  # of PostgreSQL's advisory locks


class FalWebhook(models.Model):
    """That whoever asked for this generation wants its end told at `url`. `queued_at`: a delivery was made of it."""

    generation = models.OneToOneField(Generation, on_delete=models.CASCADE, primary_key=True, related_name="+")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="fal_webhooks")
    url = models.CharField(_("URL"), max_length=MAX_URL)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    queued_at = models.DateTimeField(_("queued at"), null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["made_at"], name="fal_webhook_open", condition=Q(queued_at=None)),
        ]

    def __str__(self) -> str:
        return str(self.generation_id)


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def published(self, now: datetime) -> "SigningKeyQuerySet":
        return self.filter(Q(published_until=None) | Q(published_until__gt=now))

    def current(self) -> "SigningKey":
        """The one that signs now; the first is made when it is needed."""
        now = timezone.now()
        found = self.published(now).filter(signs_from__lte=now).order_by("-signs_from", "-pk").first()
        return found or self._make_first()

    @transaction.atomic
    def _make_first(self) -> "SigningKey":
        _lock()
        now = timezone.now()
        found = self.published(now).filter(signs_from__lte=now).order_by("-signs_from", "-pk").first()
        return found or self._make(now)

    def _make(self, signs_from: datetime) -> "SigningKey":
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        return self.create(seed=seed, signs_from=signs_from)

    @transaction.atomic
    def rotate(self, *, at_once: bool = False) -> "SigningKey":
        """A fresh key. It signs once every receiver's copy of the keys has it; those before are published until then.

        `at_once`, for a key that others know: those before end now, and receivers that keep keys may refuse us for
        CACHE_TIME.
        """
        _lock()
        now = timezone.now()
        signs_from = now if at_once else now + CACHE_TIME
        ends = now if at_once else signs_from + _OVERLAP
        self.filter(Q(published_until=None) | Q(published_until__gt=ends)).update(published_until=ends)
        return self._make(signs_from)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


class SigningKey(models.Model):
    """An Ed25519 key of ours. Its public part is in our JWKS as long as it may have signed what is on its way."""

    seed = models.BinaryField(_("private key"), max_length=32)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    signs_from = models.DateTimeField(_("signs from"))
    published_until = models.DateTimeField(_("published until"), null=True, blank=True)

    objects: ClassVar = SigningKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def private_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes(self.seed))

    @property
    def public_bytes(self) -> bytes:
        return self.private_key.public_key().public_bytes_raw()
