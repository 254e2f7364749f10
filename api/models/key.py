"""A key by which programs act for one person in one team.

It looks like `ks_ab12cd34_<secret><checksum>`: the prefix finds the row, the checksum tells a typo from a key without
a query. Of the secret only a keyed hash is kept.
"""

import hmac
import secrets
import string
import uuid
import zlib
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import ClassVar, Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.names import NameField
from accounts.roles import Action
from generations.models import Collection

MAX_RESULT_DAYS: Final = 365
DEFAULT_RESULT_DAYS: Final = 7
MAX_NETWORKS: Final = 20
_PREFIX_CHARACTERS: Final = string.ascii_lowercase + string.digits
_SECRET_CHARACTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH: Final = 30  # 178 bits
_CHECKSUM_LENGTH: Final = 6
_USED_INTERVAL: Final = timedelta(minutes=1)
_SALT: Final = "api.key"


class Scope(models.TextChoices):
    """What a key is for. It allows nothing that its person may not do in the team."""

    READ = "read", _("Read: videos, usage and settings")
    GENERATE = "generate", _("Generate: make and cancel videos")
    MANAGE = "manage", _("Manage: tags, shares, comments, webhooks")

    @property
    def action(self) -> Action:
        """What the person's role has to allow."""
        return _ACTIONS[self]


_ACTIONS: Final = {Scope.READ: Action.VIEW, Scope.GENERATE: Action.GENERATE, Scope.MANAGE: Action.GENERATE}


def new_token() -> str:
    prefix = "".join(secrets.choice(_PREFIX_CHARACTERS) for _ in range(8))
    secret = "".join(secrets.choice(_SECRET_CHARACTERS) for _ in range(_SECRET_LENGTH))
    text = f"ks_{prefix}_{secret}"
    return text + checksum_of(text)


def prefix_of(token: str) -> str:
    """The prefix by which the row is found; blank for what can be no key."""
    text, checksum = token[:-_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    prefix = text.rpartition("_")[0]
    is_whole = token.isascii() and hmac.compare_digest(checksum_of(text), checksum)
    return prefix if is_whole and prefix.startswith("ks_") else ""


def digest_of(token: str, secret_key: str) -> str:
    """As the database keeps it: who reads that without SECRET_KEY can't even test a guess."""
    return salted_hmac(_SALT, token, secret=secret_key, algorithm="sha256").hexdigest()


def checksum_of(text: str) -> str:
    """CRC-32 in base 62, as GitHub's tokens end."""
    number, digits = zlib.crc32(text.encode()), ""
    for _place in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_SECRET_CHARACTERS))
        digits = _SECRET_CHARACTERS[digit] + digits
    return digits


def validate_network(text: str) -> None:
    """An address, or a network as in 192.0.2.0/24."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        message = gettext("“%s” is no address and no network. Write 192.0.2.7 or 192.0.2.0/24.")
        raise ValidationError(message % text, code="network") from None


class KeyQuerySet(models.QuerySet["Key"]):
    def alive(self, now: datetime | None = None) -> "KeyQuerySet":
        """Neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()), revoked_at=None)

    def revoke(self, by: User) -> int:
        """End them for good; how many that were."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now(), revoked_by=by, project=None)


class Key(models.Model):
    """Acts for `user` in `team`, with what that person may do there at each moment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="keys", verbose_name=_("person"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="keys", verbose_name=_("team"))
    name = NameField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=20, unique=True)
    digest = models.CharField(_("keyed hash"), max_length=64)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), verbose_name=_("scopes"))
    allowed_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        verbose_name=_("allowed addresses"),
        default=list,
        blank=True,
        help_text=_("Addresses or networks that it may come from; empty: any."),
    )
    monthly_limit_cents = models.PositiveIntegerField(
        _("monthly limit in US cents"), null=True, blank=True, help_text=_("Of this key; none without it.")
    )
    project = models.ForeignKey(
        Collection,
        on_delete=models.RESTRICT,  # orders would be in no project, past its budget
        null=True,
        blank=True,
        db_index=False,  # nobody asks for the keys of a project
        related_name="+",
        verbose_name=_("default project"),
        help_text=_("In which it orders where a request names none."),
    )
    result_days = models.PositiveSmallIntegerField(
        _("result links expire after (days)"), default=DEFAULT_RESULT_DAYS, help_text=_("Of the addresses of videos.")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("revoked by")
    )

    objects: ClassVar = KeyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["team", "-created_at"], name="key_of_team"),
            models.Index(fields=["user", "-created_at"], name="key_of_user"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values, scopes__len__gte=1), name="key_scopes_known"
            ),
            models.CheckConstraint(
                condition=Q(result_days__gte=1, result_days__lte=MAX_RESULT_DAYS), name="key_result_days_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_alive(self) -> bool:
        return self.revoked_at is None and not self.is_expired

    @property
    def scope_labels(self) -> list[str]:
        return [str(scope.label) for scope in Scope if scope in self.scopes]

    def save_with_token(self) -> str:
        """Save a new one; gives its token, which is known at this moment only."""
        token = new_token()
        self.prefix, self.digest = prefix_of(token), digest_of(token, settings.SECRET_KEY)
        self.save()
        return token

    def matches(self, token: str) -> bool:
        """Whether it is this key's token, also where it was hashed with a former SECRET_KEY.

        That is hashed anew then, so that a key which is used outlives the former SECRET_KEY, as a session does.
        """
        for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            if hmac.compare_digest(self.digest, digest_of(token, secret_key)):
                if secret_key != settings.SECRET_KEY:
                    self._hash_anew(token)
                return True
        return False

    def _hash_anew(self, token: str) -> None:
        self.digest = digest_of(token, settings.SECRET_KEY)
        Key.objects.filter(pk=self.pk).update(digest=self.digest)

    def admits(self, address: str) -> bool:
        """Whether it may be used from there."""
        if not self.allowed_networks:
            return True
        try:
            found = _plain(ip_address(address))
        except ValueError:  # of a socket, or what an unannounced proxy wrote
            return False
        return any(found in ip_network(network, strict=False) for network in self.allowed_networks)

    def record_use(self) -> None:
        """At most once a minute."""
        now = timezone.now()
        since = now - _USED_INTERVAL
        if self.last_used_at is None or self.last_used_at <= since:
            stale = Key.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=since), pk=self.pk)
            stale.update(last_used_at=now)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address as such, where a server that listens to both writes it as ::ffff:192.0.2.7."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
