"""MCP by streamable HTTP, without sessions: one POST is one request. A key opens it, and no cookie."""

from functools import partial
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from mcp_types import Result

from api.authentication import AuthenticationError, authenticate
from api.credentials import Credentials
from api.mcp import wait
from api.mcp.generate import fetches
from api.mcp.messages import Message, MessageError, check, read_message, refusal
from api.mcp.schemas import GenerateArguments
from api.mcp.server import Invocation, answer, invocation
from api.mcp.tools import WAIT
from api.views.access import BODY_BYTES, may_send_much
from api.views.downloads import later
from config.server.later import EventStreamResponse, LaterResponse
from config.server.limits import body_limit

_CHALLENGE: Final = 'Bearer realm="Kling Studio", error="invalid_token"'
_JSON: Final = "application/json"
_EVENTS: Final = "text/event-stream"


@body_limit(BODY_BYTES, may_send_much)
@csrf_exempt
@require_POST
def mcp(request: HttpRequest) -> HttpResponse:
    if not _is_own_origin(request):
        return _sentence(403, _("Pages of other sites may not ask here."))
    try:
        authenticate(request)
    except AuthenticationError as error:
        return _unauthenticated(error)
    if request.content_type != _JSON:
        return _sentence(415, _("Send the message as application/json."))
    try:
        message = read_message(request)
    except MessageError as error:
        return refusal(error)
    return HttpResponse(status=202) if message is None else _respond(request, message)


def _is_own_origin(request: HttpRequest) -> bool:
    """Browsers name the page that asks: a page elsewhere can't use the name of this host (DNS rebinding)."""
    return request.headers.get("Origin", settings.SITE_URL) == settings.SITE_URL


def _unauthenticated(error: AuthenticationError) -> HttpResponse:
    response = _sentence(error.status, error.detail)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = _CHALLENGE
    return response


def _sentence(status: int, words: str) -> HttpResponse:
    return JsonResponse({"detail": words}, status=status)


def _respond(request: HttpRequest, message: Message) -> HttpResponse:
    try:
        check(message)
        if message.method != "tools/call":
            return _reply(message, answer(message))
        idempotency_key = request.headers.get("Idempotency-Key", "").strip()
        found = invocation(message, Credentials.of(request.META), idempotency_key)
    except MessageError as error:
        return message.refusal(error)
    return _invoke(request, found) if isinstance(found, Invocation) else _reply(message, found)


def _invoke(request: HttpRequest, found: Invocation) -> HttpResponse:
    if found.tool.name == WAIT:
        takes_events = _EVENTS in request.headers.get("Accept", "")
        return EventStreamResponse(partial(wait.events, found)) if takes_events else _later(found)
    if isinstance(found.arguments, GenerateArguments) and fetches(found.arguments):
        return later(partial(_run, found))
    return _run(found)


def _later(found: Invocation) -> HttpResponse:
    return LaterResponse(partial(wait.result, found))


def _run(found: Invocation) -> HttpResponse:
    return _reply(found.message, found.run())


def _reply(message: Message, result: Result) -> HttpResponse:
    return JsonResponse(message.reply(result))
