"""What is wrong with a request, as RFC 9457 has it."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja.errors import HttpError, ValidationError
from pydantic import BaseModel, Field

from api.authentication import AuthenticationError
from api.orders import IdempotencyError
from config.api_paths import PROBLEM_TYPE
from generations.bucket import BucketDownError
from generations.exceptions import (
    OrderRefusedError,
    OverBudgetError,
    ProjectRefusedError,
    TooManyFilmsError,
    TooManyOrdersError,
    TooManyPicturesError,
)
from generations.fal.arguments import InvalidArguments
from generations.models import Price
from generations.moderation.screening import BannedPictureError, PromptRefusedError
from generations.orders.library import LibraryFullError
from generations.pictures import DecoderBusyError
from sharing.links import NotShareableError

_URN: Final = "urn:kling-studio:problem:"
_RETRY_SECONDS: Final = "60"
_REQUEST_PARTS: Final = frozenset({"body", "query", "path", "header"})

# the last part of a problem's type, and its status
KINDS: Final[dict[type[Exception], tuple[str, int]]] = {
    OverBudgetError: ("over-budget", 403),
    ProjectRefusedError: ("project-refused", 422),
    IdempotencyError: ("idempotency-key-reused", 422),
    PromptRefusedError: ("prompt-refused", 422),
    BannedPictureError: ("picture-refused", 422),
    NotShareableError: ("not-shareable", 422),
    TooManyOrdersError: ("too-many-requests", 429),
    LibraryFullError: ("library-full", 409),
    TooManyFilmsError: ("too-many-films", 409),
    TooManyPicturesError: ("too-many-requests", 429),
    OrderRefusedError: ("order-refused", 403),
    BucketDownError: ("unavailable", 503),
    DecoderBusyError: ("unavailable", 503),
}


class ProblemDetail(BaseModel):
    """One thing that is wrong with the input: of the body by its JSON Pointer, of anything else by its name."""

    detail: str = Field(examples=["Choose 5 or 10."])
    pointer: str | None = Field(None, description="JSON Pointer into the body (RFC 6901).", examples=["#/duration"])
    parameter: str | None = Field(None, description="Of the query, the path or the headers.", examples=["cursor"])


class Problem(BaseModel):
    """An error, as `application/problem+json` (RFC 9457)."""

    type: str = Field(description="What kind of problem it is; `about:blank` says no more than the status.")
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(description="What happened and what to do, for a person.")
    errors: list[ProblemDetail] = Field(default_factory=list, description="What is wrong with the input, all at once.")


class ProblemError(Exception):
    """Answered as a problem. `kind` is the last part of its type; blank: about:blank."""

    def __init__(
        self,
        status: int,
        detail: object,
        *,
        kind: str = "",
        errors: Sequence[ProblemDetail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(str(detail))
        self.status, self.detail, self.kind = status, str(detail), kind
        self.errors, self.headers = list(errors), dict(headers or {})


def problem(error: ProblemError) -> HttpResponse:
    found = Problem(
        type=f"{_URN}{error.kind}" if error.kind else "about:blank",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        errors=error.errors,
    )
    text = json.dumps(found.model_dump(exclude_none=True), ensure_ascii=False)
    return HttpResponse(text, content_type=PROBLEM_TYPE, status=error.status, headers=error.headers)


def invalid(errors: Sequence[ProblemDetail]) -> ProblemError:
    """422 for an input of which each wrong part is named."""
    return ProblemError(422, _("The request has values that are not valid."), kind="invalid", errors=errors)


def of_body(name: str, detail: object) -> ProblemDetail:
    """Of a part of the body: `name` is a path without its first slash; blank for all of it."""
    return ProblemDetail(detail=str(detail), pointer=f"#/{name}" if name else "#")


def of_parameter(name: str, detail: object) -> ProblemDetail:
    return ProblemDetail(detail=str(detail), parameter=name)


def of_form(form: Form, before: str = "") -> ProblemError:
    """Of a form that is not valid, whose fields are called as the body's."""
    return invalid(
        [
            of_body(before + ("" if name == "__all__" else name), words)
            for name, found in form.errors.items()
            for words in found
        ]
    )


def of_arguments(error: InvalidArguments, before: str = "") -> ProblemError:
    return invalid([of_body(before + one.field, one.message) for one in error.problems])


def answer(_request: HttpRequest, error: Any) -> HttpResponse:
    """Whatever a view raised, as a problem. What nobody expected is raised again."""
    return problem(_as_problem(error))


def _as_problem(error: Exception) -> ProblemError:  # noqa: PLR0911 - one return a kind
    match error:
        case ProblemError():
            return error
        case AuthenticationError():
            return _of_authentication(error)
        case ValidationError():
            return invalid([_of_pydantic(one) for one in error.errors])
        case InvalidArguments():
            return of_arguments(error)
        case HttpError(__cause__=ProblemError() as cause):  # of the parser
            return cause
        case HttpError():
            return ProblemError(error.status_code, str(error))
        case Http404():
            return ProblemError(404, _("There is nothing here, or nothing that this key may see."))
        case PermissionDenied():
            words = _("The role of this key’s person in the team does not allow this.")
            return ProblemError(403, str(error) or words)
        case Price.DoesNotExist():
            words = _("There is no price for this yet. Ask an admin to enter what it costs.")
            return invalid([of_body("duration", words)])
    return _of_kind(error)


def _of_authentication(error: AuthenticationError) -> ProblemError:
    headers = {"WWW-Authenticate": 'Key realm="api", Bearer realm="api"'} if error.status == 401 else {}
    return ProblemError(error.status, error.detail, headers=headers)


def _of_kind(error: Exception) -> ProblemError:
    found = next((KINDS[kind] for kind in type(error).__mro__ if kind in KINDS), None)
    if found is None:
        raise error
    kind, status = found
    headers = {"Retry-After": _RETRY_SECONDS} if status in {429, 503} else {}
    return ProblemError(status, error, kind=kind, headers=headers)


def _of_pydantic(error: dict[str, Any]) -> ProblemDetail:
    """pydantic's error, by where it is: ninja puts the part of the request first, then the parameter's name."""
    part, *place = (str(one) for one in error["loc"])
    words = str(error["msg"]).removeprefix("Value error, ")
    if part == "body":
        return of_body("/".join(one.replace("~", "~0").replace("/", "~1") for one in place[1:]), words)
    return of_parameter(".".join(place) if part in _REQUEST_PARTS else part, words)
