"""Tell which FalError a response is that isn't a success.

A verdict about the job is read from body and headers, not from the status class: fal replays the model's own 500 or
504 for ever (fal's docs: Queue, get result), so "5xx is a bad moment" would never end such a job, and "4xx is the
verdict" would let a wrong key fail every job at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import isnan
from typing import Any, Final

import httpx

from generations.fal import json_fields
from generations.fal.errors import (
    AccountLocked,
    BadAnswer,
    Cancelled,
    FailureDetails,
    FalError,
    FieldProblem,
    KeyRefused,
    ModelRefused,
    NotFound,
    RateLimited,
    RequestFailed,
    Sent,
    StillRunning,
    Unavailable,
    Unreachable,
    Verdict,
)
from generations.fal.responses import is_request_id


class Kind(Enum):
    """What was asked: only a result's failure can be the job's, and only a submit's decides on money."""

    SUBMIT = auto()
    STATUS = auto()
    RESULT = auto()
    CANCEL = auto()
    PUT = auto()  # to the storage behind fal, without our key
    OTHER = auto()


MAX_RETRY_AFTER: Final = 600.0  # s; fal may ask for more, but somebody waits for a video

# Not a verdict on the call: timeouts, conflicts and a client that went away.
_UNSURE_4XX: Final = frozenset({408, 409, 425, 499})
# Answers at fal's door. fal's docs: wrong keys (401), locked accounts (403), unknown paths (404, 405), bad headers
# (400), bad bodies (413, 415, 422) and a full queue (429); 402 says what the 403 for an exhausted balance says.
_REFUSALS: Final = frozenset({400, 401, 402, 403, 404, 405, 410, 413, 414, 415, 422, 429, 431})
_GATEWAY_STATUSES: Final = frozenset({502, 503, 504})
_GONE: Final = frozenset({404, 410})
_CANCELLED_STATUS: Final = 499  # after a cancel that took effect, the result answers 499
_TRUE: Final = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True)
class _ErrorBody:
    """What the answer says, whichever of fal's shapes it is in."""

    message: str
    is_json: bool
    problems: tuple[FieldProblem, ...]
    infrastructure: str | None  # `error_type` in the body or the header: fal's docs, Request errors
    other_type: str | None
    retryable: bool | None

    @property
    def type(self) -> str | None:
        return self.problems[0].type if self.problems else self.infrastructure or self.other_type


def classify_response(response: httpx.Response, kind: Kind) -> FalError:
    """The error that this answer is."""
    said = _parse_body(response)
    error_class = _error_class(response.status_code, said, kind)
    sent = _sent_state(response)
    facts = FailureDetails(
        status=response.status_code,
        type=said.type,
        problems=said.problems,
        sent=sent,
        charged=_charge_state(response, error_class, kind, sent),
        retry_after=_retry_after(response.headers.get("retry-after")),
        retryable=said.retryable,
        request_id=request_id_of(response) if kind is Kind.SUBMIT else None,
    )
    return error_class(said.message, facts)


def classify_exception(error: httpx.RequestError | httpx.InvalidURL | UnicodeError | TimeoutError) -> Unreachable:
    """A call that brought no whole answer. Only what fails before the first byte proves that nothing was sent."""
    before = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
    built = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError)  # no name of a host
    nothing_sent = isinstance(error, before + built)
    # h11 quotes the header it dislikes, and that may be the key: such an error is named, not quoted.
    text = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    message = f"{type(error).__name__}: {text}".rstrip(": ")
    return Unreachable(
        message, FailureDetails(sent=Sent.NO if nothing_sent else Sent.UNKNOWN, charged=_uncharged_if(nothing_sent))
    )


def _uncharged_if(certain: bool) -> bool | None:
    return False if certain else None


def _error_class(status: int, said: _ErrorBody, kind: Kind) -> type[FalError]:
    if status == 429:
        return RateLimited
    if status == 402 and kind is not Kind.PUT:
        return AccountLocked
    if kind is Kind.PUT or not (said.is_json or said.infrastructure):
        return KeyRefused if status == 401 and kind is not Kind.PUT else Unavailable
    if status in {401, 403}:
        return AccountLocked if "locked" in said.message.lower() else KeyRefused
    if kind is Kind.RESULT and (verdict := _verdict(status, said)):
        return verdict
    return _non_verdict_class(status, said, kind)


def _verdict(status: int, said: _ErrorBody) -> type[FalError] | None:
    """What a result's answer says about the job, None if nothing."""
    if said.infrastructure == "client_cancelled" or (status == _CANCELLED_STATUS and not said.infrastructure):
        return Cancelled
    if said.problems:
        return ModelRefused
    if said.infrastructure:
        return RequestFailed
    if status == 400 and _is_still_running(said.message):
        return StillRunning
    # "Some endpoints are not migrated yet" to the list of problems (fal's docs: Errors): they answer plain text.
    if status in {400, 422} or (said.retryable is not None and status not in _GONE):
        return ModelRefused
    return None


def _is_still_running(message: str) -> bool:
    """Seen live: "Request is still in progress"; the docs don't give the words."""
    return any(text in message.lower() for text in ("in progress", "in queue", "not completed", "not ready"))


def _non_verdict_class(status: int, said: _ErrorBody, kind: Kind) -> type[FalError]:
    if status in _GONE:
        return NotFound
    if status in _UNSURE_4XX or not 400 <= status < 500:
        return Unavailable
    if kind is Kind.SUBMIT and (said.problems or status in {400, 422}):
        return ModelRefused
    return BadAnswer


def _sent_state(response: httpx.Response) -> Sent:
    """Whether a request that was answered so can be in the queue.

    For no 5xx do fal's docs promise that a submit was not queued (its 503s and 504s are of runners, after the queue):
    they stay unknown, but for a gateway's own page.
    """
    if response.status_code in _REFUSALS:
        return Sent.REFUSED
    return Sent.NO if _is_gateways_page(response) else Sent.UNKNOWN


def _is_gateways_page(response: httpx.Response) -> bool:
    """As fal's own Python client judges that a request never came past the gateway (fal_client 1.0.3)."""
    has_passed = "x-fal-request-id" in response.headers or "x-fal-request-timeout-type" in response.headers
    return response.status_code in _GATEWAY_STATUSES and not has_passed and "nginx" in response.text


def request_id_of(response: httpx.Response) -> str | None:
    """The id that fal's header gives, if it can be one. On a failure it may be of the call and of no job."""
    given = response.headers.get("x-fal-request-id", "").strip()
    return given if is_request_id(given) else None


def _charge_state(response: httpx.Response, error_class: type[FalError], kind: Kind, sent: Sent) -> bool | None:
    """False where fal certainly charges nothing.

    fal's docs (Pricing, FAQ): only successful outputs are paid, server errors (5xx) and waiting never; a 422 may cost
    something if a runner spent time on it. X-Fal-Billable-Units decides it when it is there.
    """
    if kind is Kind.SUBMIT:
        return _uncharged_if(sent is not Sent.UNKNOWN)
    if not issubclass(error_class, Verdict):
        return None
    units = json_fields.amount(response.headers.get("x-fal-billable-units"))
    if units is not None:
        return _uncharged_if(units == 0)
    return _uncharged_if(response.status_code != 422)


def _parse_body(response: httpx.Response) -> _ErrorBody:
    content = json_fields.json_object(response)
    values = content or {}
    problems = tuple(filter(None, map(_problem, _entries(values))))
    platform = json_fields.mapping(values.get("error")) or {}  # fal's docs: Platform APIs wrap errors in {"error": {…}}
    header = json_fields.text(response.headers.get("x-fal-error-type"))
    return _ErrorBody(
        message=_message(values, platform, problems) or f"HTTP {response.status_code} {response.reason_phrase}".strip(),
        is_json=content is not None,
        problems=problems,
        infrastructure=json_fields.text(values.get("error_type")) or header,
        other_type=json_fields.text(values.get("type")) or json_fields.text(platform.get("type")),
        retryable=_retryable(response.headers),
    )


def _entries(values: Mapping[str, Any]) -> list[Any]:
    """`detail` as a list of problems; a single one may stand there by itself, or beside its text."""
    detail = values.get("detail")
    if isinstance(detail, dict):
        return [detail]
    if isinstance(detail, str) and isinstance(values.get("type"), str):
        return [{"msg": detail, "type": values["type"], "loc": values.get("loc"), "ctx": values.get("ctx")}]
    return json_fields.sequence(detail)


def _problem(entry: object) -> FieldProblem | None:
    values = json_fields.mapping(entry) or {}
    type_ = json_fields.text(values.get("type"))
    if type_ is None:
        return None
    path = [str(part) for part in json_fields.sequence(values.get("loc")) if isinstance(part, str | int)]
    field = ".".join(path[1:] if path[:1] == ["body"] else path)
    message = json_fields.text(values.get("msg")) or type_
    return FieldProblem(json_fields.text(field) or "", type_, message, _ctx(values))


def _ctx(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details; those of a refused content stand beside `ctx`, as `categories`."""
    ctx = json_fields.mapping(values.get("ctx")) or {}
    return {**ctx, "categories": values["categories"]} if "categories" in values else ctx


def _message(values: Mapping[str, Any], platform: Mapping[str, Any], problems: tuple[FieldProblem, ...]) -> str | None:
    if problems:
        return json_fields.text("; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems))
    detail = values.get("detail")
    entries = [
        entry if isinstance(entry, str) else (json_fields.mapping(entry) or {}).get("msg") for entry in _entries(values)
    ]
    listed = "; ".join(filter(None, map(json_fields.text, entries)))
    said = (detail, listed, platform.get("message"), values.get("error"), values.get("message"), values.get("status"))
    return next(filter(None, map(json_fields.text, said)), None)


def _retryable(headers: httpx.Headers) -> bool | None:
    """X-Fal-Retryable; another copy of the same page of fal's docs calls it X-Fal-Needs-Retry."""
    value = headers.get("x-fal-retryable", headers.get("x-fal-needs-retry"))
    return None if value is None else value.strip().lower() in _TRUE


def _retry_after(value: str | None) -> float | None:
    """Seconds from now, however HTTP writes it: a number or a date. None for nonsense; what is long is cut."""
    seconds = _seconds(value or "")
    return None if seconds is None or seconds < 0 else min(seconds, MAX_RETRY_AFTER)


def _seconds(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return _seconds_until(value)
    return None if isnan(number) else number


def _seconds_until(date: str) -> float | None:
    """A date that is past is now."""
    try:
        moment = parsedate_to_datetime(date)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
