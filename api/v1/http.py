"""Bodies of requests and of answers, and what makes an answer conditional."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja.parser import Parser
from pydantic import BaseModel

from accounts.http import AuthenticatedHttpRequest
from api.authentication import AuthenticationError, Caller, authenticate
from api.text import read_json
from api.v1 import limits
from api.v1.problems import ProblemError
from config.server.limits import BodyRule

JSON: Final = "application/json"
View = Callable[..., HttpResponseBase]


def caller_of(request: HttpRequest) -> Caller:
    """Who asks, as `callers.KeyAuth` has found."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # by ninja
    return caller


def authenticated(request: HttpRequest) -> AuthenticatedHttpRequest:
    """For what is shared with the pages: its `user` is the key's person, in the key's team alone."""
    return cast("AuthenticatedHttpRequest", request)


class JsonParser(Parser):
    """JSON that says that it is."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != JSON:
            raise ProblemError(415, _("Send the body as application/json."))
        try:
            found: dict[str, Any] = read_json(request.body)
        except (ValueError, RecursionError) as error:
            raise ProblemError(400, _("The body is no JSON: %s") % str(error)[:200]) from error
        return found


def to_json(body: BaseModel) -> bytes:
    return body.model_dump_json().encode()


def respond(body: BaseModel, status: int = 200, **headers: str) -> HttpResponse:
    """With the ETag of what it says, by which it can be asked for, and changed, only as it is."""
    content = to_json(body)
    return HttpResponse(content, status=status, content_type=JSON, headers={"ETag": etag_of(content), **headers})


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def lock(model: type[Model], pk: Any) -> None:
    """Until the transaction ends: what `require_match` has seen of the row stays so."""
    list(model._default_manager.select_for_update(no_key=True).filter(pk=pk).values("pk"))


def require_match(request: HttpRequest, body: BaseModel) -> None:
    """Raise a 412 when the client says which state it means to change (If-Match), and `body` is another one."""
    wanted = parse_etags(request.headers.get("If-Match", ""))
    if wanted and "*" not in wanted and etag_of(to_json(body)) not in wanted:
        raise ProblemError(412, _("It was changed meanwhile. Get it anew, and decide again."), kind="changed")


def view_of(view: View, max_bytes: int) -> View:
    """ninja's view of an address, with what all of them share."""

    @csrf_exempt
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method, request.method = request.method, "GET" if request.method == "HEAD" else request.method
        response = _finish(request, view(request, *args, **kwargs))
        request.method = method  # by which Django leaves out the body
        return response

    wrapper.body_rule = BodyRule(max_bytes, _may_send)  # type: ignore[attr-defined]  # see config.server.limits
    return wrapper


def _finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    limits.add_headers(request, response)
    if not response.has_header("Cache-Control"):
        patch_cache_control(response, private=True, no_cache=True)
    etag = response.headers.get("ETag")
    if request.method != "GET" or response.status_code != 200 or not etag or not isinstance(response, HttpResponse):
        return response
    return get_conditional_response(request, etag=etag, response=response) or response


def _may_send(request: HttpRequest) -> bool:
    """Whether the head of a request brings a key; leaves its person behind as `request.user`."""
    try:
        request.user = authenticate(request).user
    except AuthenticationError:
        return False
    return True
