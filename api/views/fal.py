"""fal's queue: submit, status, result and cancel, at the addresses that fal's clients build."""

from collections.abc import Callable
from functools import partial
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from api.authentication import Caller
from api.fal.cancel import cancel as cancel_request
from api.fal.requests import is_app
from api.fal.responses import RefusedError, not_found
from api.fal.result import result_of
from api.fal.status import status_of
from api.fal.submit import submit as submit_request
from api.fal.submit import submitted, takes_long
from api.models import Scope
from api.views.access import BODY_BYTES, answered, answered_later, may_send_much, read_json, with_key
from api.views.downloads import in_download_thread
from config.server.later import LaterResponse
from config.server.limits import body_limit
from generations.fal.arguments import Endpoint

_TRUE: Final = frozenset({"1", "true", "yes"})


@body_limit(BODY_BYTES, may_send_much)
@require_POST
@with_key(Scope.GENERATE)
def submit(request: HttpRequest, caller: Caller, endpoint: str) -> HttpResponse:
    """Hosts elsewhere are asked in a thread that no page needs."""
    known, values = endpoint_of(endpoint), read_json(request)
    options = submit_options(request)

    def answer() -> HttpResponse:
        return answered(lambda: submitted(submit_request(caller, known, values, **options)))

    return later(answer) if takes_long(known, values, options["webhook"]) else answer()


def later(answer: Callable[[], HttpResponse]) -> HttpResponse:
    return LaterResponse(answered_later(partial(in_download_thread, answer)))


def endpoint_of(text: str) -> Endpoint:
    """Raises Http404 for an endpoint that the studio does not know."""
    try:
        return Endpoint(text)
    except ValueError:
        raise Http404 from None


def submit_options(request: HttpRequest) -> dict[str, str]:
    """What a submit says besides the model's input."""
    return {
        "idempotency_key": request.headers.get("Idempotency-Key", "").strip(),
        "webhook": request.GET.get("fal_webhook", "").strip(),
    }


@require_safe
@with_key(Scope.READ, Scope.GENERATE)
def status(request: HttpRequest, caller: Caller, app: str, pk: str) -> HttpResponse:
    _require_app(app)
    return status_of(caller, pk, with_logs=request.GET.get("logs", "").lower() in _TRUE)


@require_safe
@with_key(Scope.READ, Scope.GENERATE)
def result(request: HttpRequest, caller: Caller, app: str, pk: str) -> HttpResponse:
    _require_app(app)
    return result_of(caller, pk)


@require_http_methods(["PUT"])
@with_key(Scope.GENERATE)
def cancel(request: HttpRequest, caller: Caller, app: str, pk: str) -> HttpResponse:
    _require_app(app)
    return cancel_request(caller, pk)


def _require_app(app: str) -> None:
    if not is_app(app):
        raise RefusedError(not_found())
