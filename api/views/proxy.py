"""One address for all of fal's, as fal's JavaScript client asks a proxy: `x-fal-target-url` says what is meant."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt

from api.fal import responses
from api.views.access import BODY_BYTES, may_send_much
from config.server.limits import body_limit

TARGET: Final = "x-fal-target-url"
_PREFIXES: Final = {
    "queue.fal.run": "/fal/queue",
    "queue.falrun.com": "/fal/queue",
    "fal.run": "/fal/run",
    "falrun.com": "/fal/run",
    "rest.fal.ai": "/fal/rest",
    "rest.alpha.fal.ai": "/fal/rest",
}


@body_limit(BODY_BYTES, may_send_much)
@csrf_exempt
def proxy(request: HttpRequest) -> HttpResponseBase:
    """The view of the studio's own address for it, by any method."""
    target = _target(request)
    if target is None:
        return responses.sentence(400, "Invalid request").response()
    request.path = request.path_info = f"{_PREFIXES[target.hostname or '']}{target.path}"
    request.META["QUERY_STRING"] = target.query
    request.GET = QueryDict(target.query)
    match = resolve(request.path)
    answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return answer


def _target(request: HttpRequest) -> SplitResult | None:
    """Only https addresses of fal's own hosts have a counterpart here."""
    try:
        target = urlsplit(request.headers.get(TARGET, ""))
        is_fals = target.scheme == "https" and target.port in {None, 443} and target.hostname in _PREFIXES
    except ValueError:
        return None
    return target if is_fals else None
