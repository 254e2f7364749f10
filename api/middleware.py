"""What all addresses for programs have in common: no cookie counts there, and under /fal/ every answer is as fal's."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from api.fal import responses
from api.v1.problems import ProblemError, problem
from config import logging
from config.api_paths import PROBLEM_TYPE, is_fals, is_for_programs, speaks_problems

_KEPT: Final = frozenset({"Allow", "Retry-After", "RateLimit", "RateLimit-Policy"})
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS",
    "Access-Control-Max-Age": "7200",
}


class ProgramsMiddleware:
    """Behind the one that gives each request an id; before any that reads a cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_for_programs(request.path):
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        if speaks_problems(request.path):
            return _as_problem(self.get_response(request))
        if not is_fals(request.path):
            return self.get_response(request)
        response = _preflight(request) if request.method == "OPTIONS" else _as_fals(request, self.get_response(request))
        response.headers.setdefault(responses.REQUEST_ID, request.META[logging.REQUEST_ID])
        _allow_browsers(response)
        return response


def _preflight(request: HttpRequest) -> HttpResponse:
    """What browsers ask before they send a key from another site's page: a key is all that opens anything here."""
    asked = request.headers.get("Access-Control-Request-Headers", "")
    response = HttpResponse(status=204, headers=_PREFLIGHT)
    if asked:
        response.headers["Access-Control-Allow-Headers"] = asked
        patch_vary_headers(response, ["Access-Control-Request-Headers"])
    return response


def _allow_browsers(response: HttpResponse) -> None:
    for name, value in responses.FOR_BROWSERS.items():
        response.headers[name] = value


def _as_problem(response: HttpResponse) -> HttpResponse:
    """An error that is Django's own, or a page, as a problem."""
    if response.status_code < 400 or response.headers.get("Content-Type") == PROBLEM_TYPE:
        return response
    status = HTTPStatus(response.status_code)
    answer = problem(ProblemError(status, status.description or status.phrase))
    for name in _KEPT & set(response.headers):
        answer.headers[name] = response.headers[name]
    return answer


def _as_fals(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """An error that is Django's own, or a page, in fal's shape."""
    if response.status_code < 400 or response.headers.get("Content-Type", "").startswith("application/json"):
        return response
    answer = _error(request, response.status_code).response()
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def _error(request: HttpRequest, status: int) -> responses.Answer:
    if status >= 500:
        return responses.infrastructure_error(status, "internal_error", HTTPStatus.INTERNAL_SERVER_ERROR.phrase)
    words = f"Path {request.path} not found" if status == 404 else HTTPStatus(status).phrase
    return responses.sentence(status, words, **{responses.BILLABLE_UNITS: "0"})
