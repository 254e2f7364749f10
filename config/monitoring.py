"""Who may read what is for the machines that watch the studio: this machine itself, or whoever has METRICS_TOKEN."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from config.metrics import CONTENT_TYPE
from config.origins import is_loopback

_PROXY_HEADERS: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_ADDRESSES: Final = ("/metrics", "/readyz")


class AnyHostMiddleware:
    """Prometheus asks a container by an address that ALLOWED_HOSTS can't name; with the token it may ask by any."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in _ADDRESSES and _has_right_token(request):
            request.META["HTTP_HOST"] = urlsplit(settings.SITE_URL).netloc
        return self.get_response(request)


def metrics_response(request: HttpRequest, render: Callable[[], bytes]) -> HttpResponse:
    """What `render` gives. A wrong token is told so; whoever brings none finds nothing here: Http404."""
    if may_monitor(request):
        return HttpResponse(render(), content_type=CONTENT_TYPE)
    if not _has_token(request):
        raise Http404
    return HttpResponse(
        "This is not the METRICS_TOKEN of the studio.\n",
        status=401,
        content_type="text/plain",
        headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
    )


def may_monitor(request: HttpRequest) -> bool:
    """A token that is given decides alone."""
    if settings.METRICS_TOKEN and _has_token(request):
        return _has_right_token(request)
    return _is_this_machine(request)


def _has_token(request: HttpRequest) -> bool:
    """Whether the request brings one, right or wrong."""
    return request.headers.get("Authorization", "").partition(" ")[0].lower() == "bearer"


def _has_right_token(request: HttpRequest) -> bool:
    token = request.headers.get("Authorization", "").partition(" ")[2].strip()
    return bool(settings.METRICS_TOKEN) and _has_token(request) and constant_time_compare(token, settings.METRICS_TOKEN)


def _is_this_machine(request: HttpRequest) -> bool:
    """Of a proxy on this machine the address is ours too, but it says for whom it asks, or by which name."""
    try:
        host = request.get_host()
    except DisallowedHost:
        return False
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    came_directly = not any(header in request.headers for header in _PROXY_HEADERS)
    return came_directly and is_loopback(name) and is_loopback(request.META.get("REMOTE_ADDR", ""))
