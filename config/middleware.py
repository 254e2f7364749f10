"""What holds for every answer, of whatever address and status: static files and errors too."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden

from config.origins import is_loopback
from config.redaction import has_secret

Answer = Callable[[HttpRequest], HttpResponse]
_NOBODY: Final = (
    *("accelerometer", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope"),
    *("hid", "magnetometer", "microphone", "midi", "payment", "screen-wake-lock", "serial", "usb"),
    "xr-spatial-tracking",
)
_OURS: Final = (
    *("autoplay", "clipboard-write", "fullscreen", "picture-in-picture"),
    *("publickey-credentials-create", "publickey-credentials-get"),
)
PERMISSIONS: Final = ", ".join([*(f"{name}=()" for name in _NOBODY), *(f"{name}=(self)" for name in _OURS)])


class HeadersMiddleware:
    """The outermost one. A view may say otherwise of the first two, as for what is shown inside other sites."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if settings.SECURE_HSTS_SECONDS:  # also where the proxy in front does not say that it is https
            response.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        if has_secret(request.path):  # the proxy in front may log where the next request comes from
            response.headers["Referrer-Policy"] = "strict-origin"
        return response


class ThisMachineOnlyMiddleware:
    """DEBUG comes with passwords that everybody knows; the settings see HOST, but not every way to listen elsewhere."""

    def __init__(self, get_response: Answer) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_loopback(request.META.get("REMOTE_ADDR", "")):
            return self.get_response(request)
        return HttpResponseForbidden("DEBUG is on: only this machine is answered.\n", content_type="text/plain")
