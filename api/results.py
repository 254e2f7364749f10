"""The address at which a program finds a video without a key: a share link, made once, revocable, and with an end."""

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from accounts.models import hash_of
from api.models import ApiRequest
from generations.models import Generation
from sharing.links import LinkOptions, NotShareableError, renew, share_videos
from sharing.models import ShareLink

_SALT: Final = "api.result"
_TITLE: Final = "Video"  # guests read it


class NoAddressError(Exception):
    """The video has no address that opens without signing in; str() says why. `has_ended`: it had one."""

    def __init__(self, words: object, *, has_ended: bool = False) -> None:
        super().__init__(str(words))
        self.has_ended = has_ended


def result_url(row: Generation) -> str:
    """Of a finished video that a key has asked for, in the name of the key's person. Raises NoAddressError."""
    link, token = _link_of(row)
    if link.revoked_at:
        raise NoAddressError(_("The link to this video was revoked."), has_ended=True)
    if link.is_expired:
        raise NoAddressError(_("The link to this video has expired."), has_ended=True)
    if link.approved_at is None:
        raise NoAddressError(_("In %s an admin approves each link before it works. Ask again later.") % link.team)
    if not ShareLink.objects.working().filter(pk=link.pk).exists() or link.find(row.pk) is None:
        raise NoAddressError(_("This video is not shared any more."), has_ended=True)
    return f"{settings.SITE_URL}{reverse('share-output', args=[token, row.pk])}"


@transaction.atomic
def _link_of(row: Generation) -> tuple[ShareLink, str]:
    """The link and its token, which only the key of signing knows: two who ask at once get the same."""
    request = ApiRequest.objects.select_for_update(of=("self",)).select_related("key__user").get(pk=row.pk)
    if request.link_id is None:
        return _share(request, row)
    link = ShareLink.objects.select_related("team").get(pk=request.link_id)
    known = next((token for token in _tokens(request) if hash_of(token) == link.token_hash), None)
    return link, known or renew(link, next(_tokens(request)))


def _share(request: ApiRequest, row: Generation) -> tuple[ShareLink, str]:
    options = LinkOptions(_TITLE, request.key.result_days, allows_download=True, is_result=True)
    try:
        link, token = share_videos(request.key.user, [row], options, token=next(_tokens(request)))
    except NotShareableError as error:
        raise NoAddressError(error) from error
    except PermissionDenied as error:
        raise NoAddressError(_("The person of this key may not share videos of %s.") % row.team) from error
    ApiRequest.objects.filter(pk=request.pk).update(link=link)
    return link, token


def _tokens(request: ApiRequest) -> Iterator[str]:
    """Today's, then those of former keys of signing: nobody can draw one from the id of a generation alone."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac(_SALT, str(request.pk), secret=secret, algorithm="sha256").hexdigest()
