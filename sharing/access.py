"""Who may open what by a share link: asked anew for each page and each byte.

Whoever may not gets an exception that says why; `sharing.http` turns it into an answer.
"""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from accounts.models import hash_of
from config.prepared_query import SAMPLE_MOMENT, PreparedQuery
from generations.models import Film, Generation
from sharing.models import ShareLink
from sharing.models.share_link import ShareLinkQuerySet

COOKIE: Final = "share"
_SALT: Final = "sharing.visit"
_COOKIE_SECONDS: Final = 7 * 24 * 3600


class LinkEndedError(Exception):
    """It led somewhere, and does no more: 410."""


class LinkClosedError(Exception):
    """It has to be opened first, by its password or by a press that counts as a view: 403 for bytes, a page for people.

    `link` is the link.
    """

    def __init__(self, link: ShareLink) -> None:
        super().__init__()
        self.link = link


class NotAllowedError(Exception):
    """The link does not allow this: downloads or comments. 403; str() says it."""


@dataclass(slots=True)
class Visit:
    """What a browser has of one link, in a signed cookie of that link's own addresses.

    `password` is the version of the password that was given, `guest` the id by which its comments are known.
    """

    link: str
    password: str = ""
    is_counted: bool = False
    guest: str = ""

    @classmethod
    def of(cls, request: HttpRequest, link: ShareLink) -> "Visit":
        """The browser's; a fresh one where it has none, or one of another link."""
        try:
            values: dict[str, Any] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_COOKIE_SECONDS)
            visit = cls(**values)
        except (signing.BadSignature, TypeError):
            return cls(str(link.pk))
        return visit if visit.link == str(link.pk) else cls(str(link.pk))

    def keep(self, response: HttpResponseBase, token: str, *, is_secure: bool) -> None:
        response.set_cookie(
            COOKIE,
            signing.dumps(asdict(self), salt=_SALT),
            max_age=_COOKIE_SECONDS,
            path=reverse("share", args=[token]),
            secure=is_secure,
            httponly=True,
            samesite="Lax",
        )

    def has_password_of(self, link: ShareLink) -> bool:
        return not link.password or self.password == link.password_version


def find_link(token: str) -> ShareLink:
    """The link, if it works. Raises Http404 for a token of none, and LinkEndedError; it may show nothing any more."""
    found = _WORKING.rows(hash_of(token), timezone.now())
    if found:
        return found[0]
    if ShareLink.objects.by_token(token).exists():
        raise LinkEndedError
    raise Http404("No such link.")


def _working(token_hash: str, now: datetime) -> ShareLinkQuerySet:
    return ShareLink.objects.filter(token_hash=token_hash).working(now).select_related("team__sharing")


_WORKING: Final = PreparedQuery(_working, "the hash", SAMPLE_MOMENT)


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that this browser may see, and its visit."""

    link: ShareLink
    token: str
    visit: Visit

    def video(self, pk: uuid.UUID) -> Generation:
        """One of its videos. Raises Http404 for one that was never of it, LinkEndedError for one that is no more."""
        row = self.link.find(pk)
        if row is not None:
            return row
        if self.link.videos.filter(generation=pk).exists():
            raise LinkEndedError
        raise Http404("No such video.")

    def require_any(self) -> None:
        """Raises LinkEndedError when no video is left."""
        if not (self.link.shown_film() if self.link.shows_film else self.link.generations().exists()):
            raise LinkEndedError

    def film(self) -> Film:
        """Raises Http404 when the link never showed one, LinkEndedError when it shows it no more."""
        if not self.link.shows_film:
            raise Http404("It shows no film.")
        found = self.link.shown_film()
        if found is None:
            raise LinkEndedError
        return found

    def videos(self) -> list[Generation]:
        """All of them. Raises LinkEndedError when none is left."""
        rows = self.link.shown()
        if not rows:
            raise LinkEndedError
        return rows


def open_link(request: HttpRequest, token: str) -> OpenLink:
    """Raises Http404, LinkEndedError, or LinkClosedError: then the browser has to open it first.

    A link with a view limit opens to those browsers only whose view was counted.
    """
    link = find_link(token)
    visit = Visit.of(request, link)
    if not visit.has_password_of(link):
        raise LinkClosedError(link)
    if link.max_views is not None and not visit.is_counted:
        if not link.views_left:
            raise LinkEndedError
        raise LinkClosedError(link)
    return OpenLink(link, token, visit)
