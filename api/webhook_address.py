"""Whether anything is sent to an address that somebody gives. What is sent asks the same once more."""

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from generations import fetch

MAX_LENGTH = 2000  # characters


class WebhookUrlError(ValueError):
    """Nothing would be sent to this address; str() says why, for a person."""


def check(url: str) -> None:
    """Raises WebhookUrlError. It looks for the host's address, which may take a while."""
    if len(url) > MAX_LENGTH:
        raise WebhookUrlError(_("An address has at most %d characters.") % MAX_LENGTH)
    if not url.isprintable():
        raise WebhookUrlError(_("This is no web address."))
    try:
        fetch.check_address(url, trusted_origins=settings.MIRROR_TRUSTED_ORIGINS)
    except fetch.AddressRefused as error:
        raise WebhookUrlError(str(error)) from error
    except fetch.HostNotFound as error:
        raise WebhookUrlError(_("This host doesn’t exist. Check the address.")) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise WebhookUrlError(_("This is no web address.")) from error


def origin_of(url: str) -> str:
    """Scheme, host and port: the receiver."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}"
