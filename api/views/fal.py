"""fal's queue: submit, status, result and cancel, at the addresses that fal's clients build."""

from collections.abc import Callable
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from api.authentication import Caller
from api.fal.cancel import cancel as cancel_request
from api.fal.polls import wants_logs
from api.fal.requests import require_app
from api.fal.result import result_of
from api.fal.status import status_of
from api.fal.submit import submit as submit_request
from api.fal.submit import submitted, takes_long
from api.models import Scope
from api.views.access import BODY_BYTES, answered_later, may_send_much, read_object, with_key
from api.views.downloads import in_download_thread
from config.server.later import LaterResponse
from config.server.limits import body_limit
from generations.fal.arguments import Endpoint


@body_limit(BODY_BYTES, may_send_much)
@require_POST
@with_key(Scope.GENERATE)
def submit(request: HttpRequest, caller: Caller, endpoint: str) -> HttpResponse:
    """Hosts elsewhere are asked in a thread that no page needs."""
    known, values = endpoint_of(endpoint), read_object(request)
    options = submit_options(request)

    def answer() -> HttpResponse:
        return submitted(submit_request(caller, known, values, **options))

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
    require_app(app)
    return status_of(caller, pk, with_logs=wants_logs(request.GET.get("logs", "")))


@require_safe
@with_key(Scope.READ, Scope.GENERATE)
def result(request: HttpRequest, caller: Caller, app: str, pk: str) -> HttpResponse:
    require_app(app)
    return result_of(caller, pk)


@require_http_methods(["PUT"])
@with_key(Scope.GENERATE)
def cancel(request: HttpRequest, caller: Caller, app: str, pk: str) -> HttpResponse:
    require_app(app)
    return cancel_request(caller, pk)
