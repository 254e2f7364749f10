"""Who may read what is for the machines that watch the studio: this machine itself, or whoever has METRICS_TOKEN."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from config.origins import is_loopback

_PROXY_HEADERS: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def may_monitor(request: HttpRequest) -> bool:
    """A token that is given decides alone."""
    if settings.METRICS_TOKEN and has_token(request):
        return constant_time_compare(_token(request), settings.METRICS_TOKEN)
    return _is_this_machine(request)


def has_token(request: HttpRequest) -> bool:
    """Whether the request brings one, right or wrong."""
    return request.headers.get("Authorization", "").partition(" ")[0].lower() == "bearer"


def _token(request: HttpRequest) -> str:
    return request.headers.get("Authorization", "").partition(" ")[2].strip()


def _is_this_machine(request: HttpRequest) -> bool:
    """Of a proxy on this machine the address is ours too, but it says for whom it asks, or by which name."""
    host = request.get_host()
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    came_directly = not any(header in request.headers for header in _PROXY_HEADERS)
    return came_directly and is_loopback(name) and is_loopback(request.META.get("REMOTE_ADDR", ""))
