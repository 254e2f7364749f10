"""Views that a key opens, in fal's words where it does not."""

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, Final, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from api.authentication import AuthenticationError, Caller, authenticate
from api.fal import responses
from api.fal.responses import RefusedError
from api.models import Scope
from api.text import read_json
from config.server.later import Find
from generations.fal.arguments import Problem

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
KeyView = Callable[Concatenate[HttpRequest, Caller, P], HttpResponse]

logger = logging.getLogger(__name__)

BODY_BYTES: Final = 30 * 1024**2  # two pictures at their limit, as text


def with_key(*scopes: Scope) -> Callable[[KeyView[P]], View[P]]:
    """The view gets the caller. No cookie is read, so no other site can make a browser call it."""

    def decorate(view: KeyView[P]) -> View[P]:
        @csrf_exempt
        @wraps(view)
        def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            return answered(lambda: view(request, authenticate(request, *scopes), *args, **kwargs))

        return wrapper  # type: ignore[return-value]  # csrf_exempt keeps the signature

    return decorate


def answered(work: Callable[[], HttpResponse]) -> HttpResponse:
    """What it gives, or the answer that its refusal is."""
    try:
        return work()
    except (AuthenticationError, RefusedError) as error:
        return _refusal(error)


def _refusal(error: AuthenticationError | RefusedError) -> HttpResponse:
    if isinstance(error, RefusedError):
        return error.answer.response()
    return responses.sentence(error.status, error.detail).response()


def answered_later(find: Find) -> Find:
    """The same of what comes later, when no middleware sees it any more: also an error of ours, as fal would say it."""

    async def answer() -> HttpResponse:
        try:
            return await find()
        except (AuthenticationError, RefusedError) as error:
            return _refusal(error)
        except Exception:
            logger.exception("What was to be answered later has failed")
            words = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
            return responses.infrastructure_error(500, "internal_error", words).response()

    return answer


def may_send_much(request: HttpRequest) -> bool:
    """Whether the head of a request brings a key that may generate; leaves its person behind as `request.user`."""
    try:
        request.user = authenticate(request, Scope.GENERATE).user
    except AuthenticationError:
        return False
    return True


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The body, which is to be a JSON object. Raises RefusedError."""
    try:
        found = read_json(request.body) if request.body else None
    except (ValueError, RecursionError) as error:
        raise _invalid("json_invalid", _("JSON decode error: %s") % str(error)[:200]) from error
    if found is None and not request.body:
        raise _invalid("missing", _("Field required"))
    if not isinstance(found, dict):
        raise _invalid("dict_type", _("Input should be a JSON object"))
    return found


def _invalid(type_: str, words: str) -> RefusedError:
    return RefusedError(responses.invalid([Problem("", type_, words)], {}))
