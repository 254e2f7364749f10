"""Middleware for every request and response: static files and errors too."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import BadRequest, MiddlewareNotUsed
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseNotAllowed
from django.utils.cache import add_never_cache_headers

from config import headers, metrics, request_id
from config import logging as logging_
from config.api_paths import is_for_programs
from config.origins import is_loopback
from config.redaction import has_secret

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

_OF_A_GENERATION: Final = ("generations/<uuid:pk>", "trash/<uuid:pk>", "webhooks/fal/<uuid:pk>")  # routes
_METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST")


class RequestIdMiddleware:
    """The outermost one: what is logged names the request and its generation, and the answer tells the request's id."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        own = request_id.choose(request.headers.get(request_id.HEADER, ""), settings.TRUSTED_PROXIES)
        request.META[logging_.REQUEST_ID] = own
        with logging_.bind_request(own), logging_.bind_generation(logging_.NONE):
            response = self.get_response(request)
        response.headers[request_id.HEADER] = own
        return response

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]) -> None:
        match = request.resolver_match
        if match and match.route.startswith(_OF_A_GENERATION):
            request.META[logging_.GENERATION_ID] = str(kwargs["pk"])
            logging_.name_generation(kwargs["pk"])


class HeadersMiddleware:
    """For every answer. A view may say otherwise, as of what is shown inside other sites."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in headers.common_headers().items():
            response.headers.setdefault(name, value)
        if has_secret(request.path):  # the proxy in front may log where the next request comes from
            response.headers["Referrer-Policy"] = "strict-origin"
        return response


class NeverCacheMiddleware:
    """Every page is somebody's own, and true for a moment: nothing caches it, unless its view says so."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


class MetricsMiddleware:
    """Count each request by the name of its view, behind what serves static files."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = match.view_name if match else metrics.NO_VIEW
        metrics.observe_request(view, response.status_code, time.perf_counter() - began)
        return response


class ThisMachineOnlyMiddleware:
    """DEBUG comes with passwords that everybody knows; the settings see HOST, but not every way to listen elsewhere."""

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_loopback(request.META.get("REMOTE_ADDR", "")):
            return self.get_response(request)
        return HttpResponseForbidden("DEBUG is on: only this machine is answered.\n", content_type="text/plain")


class MethodsMiddleware:
    """Others mean nothing here, while Django's and allauth's own views take them for a GET, or a PUT for a POST."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Behind what refuses a person any change. Views for programs name their own methods."""
        is_allowed = request.method in _METHODS or is_for_programs(request.path)
        return None if is_allowed else HttpResponseNotAllowed(_METHODS)


class UnstorableParametersMiddleware:
    """What PostgreSQL can't take is the request's fault: null characters in a text, or a value that fits no column."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """As in the admin's lists, whose filters take whatever the address says."""
        if isinstance(exception, DataError):
            logger.warning("PostgreSQL refused a value of this request", exc_info=exception)
            raise BadRequest("A parameter that fits no column.") from exception
