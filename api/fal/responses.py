"""Answers in fal's shapes (fal's docs: Queue, Errors, Request errors)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import JsonResponse

from generations.fal.arguments import Problem

REQUEST_ID: Final = "x-fal-request-id"
BILLABLE_UNITS: Final = "x-fal-billable-units"
ERROR_TYPE: Final = "X-Fal-Error-Type"
RETRYABLE: Final = "X-Fal-Retryable"
TIMEOUT_TYPE: Final = "X-Fal-Request-Timeout-Type"

_EXPOSED: Final = (
    *(REQUEST_ID, BILLABLE_UNITS, ERROR_TYPE, RETRYABLE),
    *("X-Fal-Request-Timeout-Type", "Retry-After", "X-Request-ID"),
)
FOR_BROWSERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": ", ".join(_EXPOSED),
}

_DOCS: Final = "https://docs.fal.ai/errors/#"
_MAX_ECHO: Final = 1000  # characters of an input that are sent back: a picture comes as text of megabytes
_NOT_FOUND: Final = {"status": "NOT_FOUND"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body of JSON, and headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, request_id: str = "") -> JsonResponse:
        """Of one request where `request_id` names it; else the middleware gives the answer an id."""
        own = {REQUEST_ID: request_id} if request_id else {}
        return JsonResponse(self.body, status=self.status, headers={**own, **self.headers}, safe=False)


class RefusedError(Exception):
    """fal's client gets this answer, and nothing was made."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.body))
        self.answer = answer


def not_found() -> Answer:
    return Answer(404, _NOT_FOUND)


def sentence(status: int, words: object, **headers: str) -> Answer:
    """What fal's gateway says."""
    return Answer(status, {"detail": str(words)}, headers)


def locked(words: object) -> Answer:
    """Nothing is queued, and nothing charged."""
    return sentence(403, f"User is locked. Reason: {words}")


def over_budget(words: object) -> Answer:
    return locked(f"User budget is exceeded. {words}")


def infrastructure_error(status: int, type_: str, words: object) -> Answer:
    """Not the model's: fal's clients find the type in the body and in a header."""
    return Answer(status, {"detail": str(words), "error_type": type_}, {ERROR_TYPE: type_})


def final_timeout(words: object) -> Answer:
    """The one of 502 to 504 after which neither of fal's clients sends an order again: that would be another order."""
    answer = infrastructure_error(504, "request_timeout", words)
    return Answer(answer.status, answer.body, {**answer.headers, TIMEOUT_TYPE: "user"})


def model_error(status: int, details: Sequence[Mapping[str, Any]], *, is_retryable: bool = False) -> Answer:
    """The model's own. Nothing of it is charged."""
    return Answer(status, {"detail": list(details)}, {RETRYABLE: str(is_retryable).lower(), BILLABLE_UNITS: "0"})


def invalid(problems: Sequence[Problem], values: Mapping[str, Any]) -> Answer:
    """Of input that breaks the endpoint's rules."""
    return model_error(422, [_of_problem(problem, values) for problem in problems])


def detail(field_: str, type_: str, words: object) -> dict[str, Any]:
    """One entry; a blank field means the whole input."""
    return {"loc": ["body", field_] if field_ else ["body"], "msg": str(words), "type": type_, "url": _DOCS + type_}


def _of_problem(problem: Problem, values: Mapping[str, Any]) -> dict[str, Any]:
    found = detail(problem.field, problem.type, problem.message)
    if problem.ctx:
        found["ctx"] = dict(problem.ctx)
    if problem.field in values:
        found["input"] = _echo(values[problem.field])
    return found


def _echo(value: Any) -> Any:
    """As it came, but for what is long, and for the infinity that Python makes of 1e999 and no JSON can say."""
    if isinstance(value, str):
        return f"{value[:_MAX_ECHO]}…" if len(value) > _MAX_ECHO else value
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return None
    return value if len(text) <= _MAX_ECHO else f"{text[:_MAX_ECHO]}…"
