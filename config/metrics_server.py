"""`/metrics` of a process that serves no pages, at METRICS_PORT, by the same rule as the web process'."""

import logging
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import Http404, HttpResponse, HttpResponseNotFound

from config.monitoring import metrics_response

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 10  # s that a client may keep the others waiting


class _Handler(WSGIRequestHandler):
    timeout = _TIMEOUT

    def log_message(self, *_: Any) -> None:
        """Who scrapes does so for ever."""


def start(render: Callable[[], bytes]) -> None:
    """In a thread of its own, where METRICS_PORT is set. A port that is taken keeps no process from its work."""
    if not settings.METRICS_PORT:
        return
    try:
        server = make_server(settings.HOST, settings.METRICS_PORT, _application(render), handler_class=_Handler)
    except OSError as error:
        logger.warning("No metrics at METRICS_PORT %s: %s", settings.METRICS_PORT, error)
        return
    Thread(target=_serve, args=(server,), name="metrics", daemon=True).start()


def _serve(server: WSGIServer) -> None:
    with server:
        server.serve_forever()


def _application(render: Callable[[], bytes]) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        close_old_connections()
        response = _response(WSGIRequest(environ), render)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]

    return answer


def _response(request: WSGIRequest, render: Callable[[], bytes]) -> HttpResponse:
    if request.path == "/metrics" and request.method == "GET":
        try:
            return metrics_response(request, render)
        except Http404:
            logger.debug("A scrape without a token from elsewhere")
    return HttpResponseNotFound("Nothing here.\n", content_type="text/plain")
