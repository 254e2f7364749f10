"""Where passkeys can't work: browsers bind them to a domain name, and use them on secure pages alone (WebAuthn)."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.origins import is_ip_address, is_loopback


def problem(request: HttpRequest) -> str:
    """Why no passkey can be made or used on this page; empty where they work."""
    site = urlsplit(settings.SITE_URL)
    host = site.hostname or ""
    if is_ip_address(host):
        return _("Passkeys don’t work here: they need a domain name, and this site is at an IP address.")
    if site.scheme != "https" and not is_loopback(host):
        return _("Passkeys don’t work here: they need https.")
    if urlsplit(f"//{request.get_host()}").hostname != host:
        return _("Passkeys don’t work at this address. Open %s instead.") % settings.SITE_URL
    return ""
