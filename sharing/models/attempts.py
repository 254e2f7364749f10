"""What people without an account try by a link, counted for its limits."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from sharing.models.share_link import ShareLink

ATTEMPTS: Final = 10  # wrong passwords from one address
ATTEMPTS_IN_ALL: Final = 100  # from all addresses together
ATTEMPTS_WITHIN: Final = timedelta(minutes=15)
_POSTS: Final = ((timedelta(minutes=1), 5), (timedelta(hours=1), 60))  # of one guest, and of one address
_POSTS_IN_ALL: Final = 300  # by one link
_POSTS_WITHIN: Final = timedelta(days=1)

M = TypeVar("M", bound="Attempt")
Limit = tuple[Q, timedelta, int]  # whose, within what time, how many at most


class AttemptManager(models.Manager[M]):
    def _claim(self, link: ShareLink, kept: timedelta, limits: Iterable[Limit], **columns: Any) -> bool:
        """Count an attempt that is about to be made; False when that would be too many, and then it does not count.

        It is counted before it is made, so that of many at once none slips under. Rows are `kept` for so long.
        """
        now = timezone.now()
        self.filter(at__lt=now - kept).delete()
        own = self.create(link=link, **columns)
        recent = self.filter(link=link)
        is_free = all(recent.filter(whose, at__gt=now - span).count() <= most for whose, span, most in limits)
        if not is_free:
            own.delete()
        return is_free


class Attempt(models.Model):
    """Of the address only a hash is kept."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="+")
    address_hash = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.link_id}, {self.at:%Y-%m-%d %H:%M}"


def _hash(link: ShareLink, address: str) -> str:
    return hashlib.sha256(f"{link.pk}{address}".encode()).hexdigest()


class PasswordAttemptManager(AttemptManager["PasswordAttempt"]):
    def claim(self, link: ShareLink, address: str) -> bool:
        """False when no other password is tried for now, from this address or at all."""
        address_hash = _hash(link, address)
        limits = (
            (Q(), ATTEMPTS_WITHIN, ATTEMPTS_IN_ALL),
            (Q(address_hash=address_hash), ATTEMPTS_WITHIN, ATTEMPTS),
        )
        return self._claim(link, ATTEMPTS_WITHIN, limits, address_hash=address_hash)

    def forgive(self, link: ShareLink, address: str) -> None:
        """Of somebody who has given the right one."""
        self.filter(link=link, address_hash=_hash(link, address)).delete()


class PasswordAttempt(Attempt):
    """That a password was tried, for some minutes."""

    objects: ClassVar[PasswordAttemptManager] = PasswordAttemptManager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["link", "at"], name="password_attempt_of_link")]


class GuestPostManager(AttemptManager["GuestPost"]):
    def claim(self, link: ShareLink, guest: str, address: str) -> bool:
        """False when that would be too many of the guest, of the address or by the link."""
        address_hash = _hash(link, address)
        whose = Q(address_hash=address_hash) | (Q(guest=guest) if guest else Q())
        limits = ((Q(), _POSTS_WITHIN, _POSTS_IN_ALL), *((whose, span, most) for span, most in _POSTS))
        return self._claim(link, _POSTS_WITHIN, limits, guest=guest, address_hash=address_hash)


class GuestPost(Attempt):
    """That a guest wrote something, for a day."""

    guest = models.CharField(max_length=36, blank=True)

    objects: ClassVar[GuestPostManager] = GuestPostManager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["link", "at"], name="guest_post_of_link")]
