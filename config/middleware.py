"""What holds for every answer, of whatever address and status: static files and errors too."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden

from config import headers
from config.origins import is_loopback
from config.redaction import has_secret

Answer = Callable[[HttpRequest], HttpResponse]


class HeadersMiddleware:
    """The outermost one. A view may say otherwise, as of what is shown inside other sites."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in headers.common().items():
            response.headers.setdefault(name, value)
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
