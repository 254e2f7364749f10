"""Explain a failure at fal to a user: what happened, what to do, and who can do it. Texts only, as data.

fal's docs (Errors) ask programs to go by `type` and never by `msg`, so the tables are keyed by type. fal's own text
stays in `FalError.message`; a type that is unknown here quotes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from generations.fal.arguments import (
    MAX_PICTURE_BYTES,
    MAX_PICTURE_RATIO,
    MAX_PROMPT_CHARACTERS,
    MIN_PICTURE_RATIO,
    MIN_PICTURE_SIDE,
)
from generations.fal.errors import (
    AccountLocked,
    BadAnswer,
    Cancelled,
    FalError,
    KeyRefused,
    ModelRefused,
    NotFound,
    RateLimited,
    StillRunning,
    Unavailable,
    Unreachable,
    Verdict,
)

MAX_REASON: Final = 60


class ResponsibleParty(StrEnum):
    """Who can do something about it: the user, the team's admins, fal or Kling, or the operator of the studio."""

    USER = "user"
    TEAM = "team"
    PROVIDER = "provider"
    US = "us"


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """`reason` is a short code to count and filter by; `message` a sentence or two that say what to do."""

    reason: str
    message: str
    responsible_party: ResponsibleParty


_Message = tuple[str, ResponsibleParty]

_TRY_AGAIN: Final[_Message] = (
    "Kling failed on this request; nothing was wrong with it. Try again.",
    ResponsibleParty.PROVIDER,
)
_MODEL_ERROR: Final[_Message] = (
    "Kling failed on this with an error of its own: {words}. Try again.",
    ResponsibleParty.PROVIDER,
)
_NOT_RETRYABLE: Final[_Message] = (
    "Kling failed on this with an error of its own: {words}. fal expects that the same would fail again. Try later.",
    ResponsibleParty.PROVIDER,
)
_BAD_REQUEST: Final[_Message] = ("fal didn't accept how the studio asked: {words}. Tell an admin.", ResponsibleParty.US)
_OUT_OF_RANGE: Final[_Message] = ("{Subject} is out of range: {words}. Change the value.", ResponsibleParty.USER)

# fal's docs: Errors. In braces: numbers of `ctx`, the input's name in words, and fal's own words.
_BY_TYPE: Final[Mapping[str, _Message]] = {
    "content_policy_violation": (
        "Kling rejected {subject} under its content policy{categories}. Change {it} and try again.",
        ResponsibleParty.USER,
    ),
    "no_media_generated": (
        "Kling made no video of this. Describe it in another way and try again.",
        ResponsibleParty.USER,
    ),
    "image_too_small": (
        "{Subject} is too small: it needs at least {min_width} × {min_height} px. Use a larger one.",
        ResponsibleParty.USER,
    ),
    "image_too_large": ("{Subject} is too large{most}. Make it smaller and try again.", ResponsibleParty.USER),
    "image_ratio_out_of_range": (
        "{Subject} is too long or too wide: its width divided by its height must be between {ge} and {le}. Crop it.",
        ResponsibleParty.USER,
    ),
    "image_load_error": (
        "fal couldn't read {subject}. Save it as JPEG, PNG, WebP or HEIC and try again.",
        ResponsibleParty.USER,
    ),
    "file_download_error": (
        "fal couldn't fetch {subject} from the studio. Try again; if it stays so, tell an admin (FAL_INPUT_DELIVERY).",
        ResponsibleParty.US,
    ),
    "face_detection_error": (
        "Kling found no face that it can use in {subject}. Use another picture.",
        ResponsibleParty.USER,
    ),
    "file_too_large": (
        "{Subject} is larger than {max_megabytes} MB. Make it smaller and try again.",
        ResponsibleParty.USER,
    ),
    "unsupported_image_format": (
        "Kling doesn't take this kind of picture. Use JPEG, PNG, WebP or HEIC.",
        ResponsibleParty.USER,
    ),
    "one_of": ("{Subject} has a value that Kling doesn't offer: {words}. Choose another.", ResponsibleParty.USER),
    "greater_than_equal": _OUT_OF_RANGE,
    "less_than_equal": _OUT_OF_RANGE,
    "greater_than": _OUT_OF_RANGE,
    "less_than": _OUT_OF_RANGE,
    "multiple_of": _OUT_OF_RANGE,
    "sequence_too_short": ("{Subject} is too short. Write what the video should show.", ResponsibleParty.USER),
    "sequence_too_long": ("{Subject} is too long: use at most {max_length} characters.", ResponsibleParty.USER),
    "string_too_long": ("{Subject} is too long: use at most {max_length} characters.", ResponsibleParty.USER),
    "missing": ("{Subject} is missing.", ResponsibleParty.USER),
    "feature_not_supported": ("Kling can't do this with these settings: {words}. Change them.", ResponsibleParty.USER),
    "internal_server_error": _TRY_AGAIN,
    "downstream_service_error": _TRY_AGAIN,
    "downstream_service_unavailable": (
        "Kling isn't available at the moment. Try again later.",
        ResponsibleParty.PROVIDER,
    ),
    "generation_timeout": ("Kling took too long and gave up. Try again.", ResponsibleParty.PROVIDER),
    # fal's docs: Request errors
    "request_timeout": ("fal's time for this request ran out. Try again.", ResponsibleParty.PROVIDER),
    "startup_timeout": ("fal found no machine in time. Try again later.", ResponsibleParty.PROVIDER),
    "bad_request": _BAD_REQUEST,
}

# about a value of some input: when that is none of a person's, the studio has asked wrongly
_VALUE_TYPES: Final = frozenset(
    {"one_of", "missing", "multiple_of", "greater_than_equal", "less_than_equal", "greater_than", "less_than"}
    | {"sequence_too_short", "sequence_too_long", "string_too_long"}
)
_INPUT_STATUSES: Final = frozenset({400, 413, 415, 422})  # of the 4xx; others are about how it was asked

# The texts are those that fal's own code gives as reasons for a lock.
_LOCKS: Final[Mapping[str, tuple[str, str]]] = {
    "exhausted balance": (
        "balance_exhausted",
        "The studio's fal balance is exhausted. Tell an admin to top it up at fal.ai/dashboard/billing.",
    ),
    "budget": (
        "budget_exceeded",
        "The studio's budget at fal is used up. Tell an admin to raise it at fal.ai/dashboard/billing.",
    ),
    "payment method": (
        "payment_method_missing",
        "The studio's fal account has no payment method. Tell an admin to add one at fal.ai/dashboard/billing.",
    ),
}

_INPUTS: Final[Mapping[str, str]] = {
    "prompt": "the prompt",
    "negative_prompt": "the negative prompt",
    "image_url": "the picture",
    "tail_image_url": "the end picture",
    "duration": "the duration",
    "aspect_ratio": "the aspect ratio",
    "cfg_scale": "the CFG scale",
}

_DEFAULTS: Final[Mapping[str, object]] = {
    "min_width": MIN_PICTURE_SIDE,
    "min_height": MIN_PICTURE_SIDE,
    "max_length": MAX_PROMPT_CHARACTERS,
    "max_size": MAX_PICTURE_BYTES,
    "ge": MIN_PICTURE_RATIO,
    "le": MAX_PICTURE_RATIO,
}

_WAITING: Final = "fal does not answer; we keep trying."

_BY_CLASS: Final[Mapping[type[FalError], tuple[str, str, ResponsibleParty]]] = {
    # asked for by nobody here: a cancel of ours is no failure
    Cancelled: (
        "cancelled_at_fal",
        "Somebody cancelled this at fal, such as in its dashboard; nobody did it here. Ask an admin who, or try again.",
        ResponsibleParty.US,
    ),
    ModelRefused: ("refused", "Kling refused this: {words}. Change the input and try again.", ResponsibleParty.USER),
    Verdict: ("request_failed", "fal lost this request on the way to Kling. Try again.", ResponsibleParty.PROVIDER),
    KeyRefused: (
        "key_refused",
        "fal refused the studio's key. Tell an admin to check FAL_KEY and its permissions at fal.ai/dashboard/keys.",
        ResponsibleParty.US,
    ),
    AccountLocked: (
        "account_locked",
        "fal has locked the studio's account: {words}. Tell an admin.",
        ResponsibleParty.US,
    ),
    RateLimited: ("rate_limited", "fal asks us to slow down; we keep trying.", ResponsibleParty.PROVIDER),
    StillRunning: ("still_running", "fal is still working on it.", ResponsibleParty.PROVIDER),
    NotFound: ("not_found", "fal doesn't know this request, or no longer.", ResponsibleParty.PROVIDER),
    Unreachable: ("unreachable", _WAITING, ResponsibleParty.PROVIDER),
    Unavailable: ("unavailable", _WAITING, ResponsibleParty.PROVIDER),
    BadAnswer: (
        "bad_answer",
        "fal gave an answer that the studio doesn't understand: {words}. Tell an admin.",
        ResponsibleParty.US,
    ),
    FalError: ("fal_error", "fal failed: {words}. Tell an admin.", ResponsibleParty.US),
}


def explain(error: FalError) -> ErrorMessage:
    """What to tell the person who waits for the video."""
    if isinstance(error, AccountLocked):
        return _lock_message(error)
    reason, text, responsible_party = _class_message(error)
    if isinstance(error, Verdict) and not isinstance(error, Cancelled):
        reason = (error.type or reason)[:MAX_REASON]
        text, responsible_party = _verdict_message(error, (text, responsible_party))
    return ErrorMessage(reason, text.format_map(_values(error)), responsible_party)


def _verdict_message(error: Verdict, of_class: _Message) -> _Message:
    """By its type, where that says something; the status tells whose error one without a known type is."""
    known = _BY_TYPE.get(error.type or "", of_class)
    if _is_of_no_input(error):
        known = _BAD_REQUEST
    elif isinstance(error, ModelRefused) and known is of_class:
        known = _status_message(error.status or 0, of_class)
    is_klings = isinstance(error, ModelRefused) and known[1] is ResponsibleParty.PROVIDER
    return _NOT_RETRYABLE if is_klings and error.retryable is False else known


def _is_of_no_input(error: Verdict) -> bool:
    field = error.problems[0].field if error.problems else ""
    return error.type in _VALUE_TYPES and field != "" and field.partition(".")[0] not in _INPUTS


def _status_message(status: int, of_class: _Message) -> _Message:
    if status >= 500:
        return _MODEL_ERROR
    return of_class if status in _INPUT_STATUSES else _BAD_REQUEST


def _class_message(error: FalError) -> tuple[str, str, ResponsibleParty]:
    return next(_BY_CLASS[ancestor] for ancestor in type(error).__mro__ if ancestor in _BY_CLASS)


def _lock_message(error: AccountLocked) -> ErrorMessage:
    said = "exhausted balance" if error.status == 402 else error.message.lower()
    known = (advice for text, advice in _LOCKS.items() if text in said)
    reason, text, responsible_party = _BY_CLASS[AccountLocked]
    reason, text = next(known, (reason, text))
    return ErrorMessage(reason, text.format_map(_values(error)), responsible_party)


def _values(error: FalError) -> dict[str, object]:
    problem = error.problems[0] if error.problems else None
    ctx = problem.ctx if problem else {}
    name = problem.field.partition(".")[0] if problem else ""
    subject = _INPUTS.get(name, _default_subject(error))
    numbers = {**_DEFAULTS, **dict(_numbers(ctx))}
    return {
        **numbers,
        "subject": subject,
        "Subject": subject[0].upper() + subject[1:],
        "it": "it" if name in _INPUTS else "them",
        "words": (problem.message if problem else error.message).rstrip(". "),
        "categories": _categories(ctx),
        "max_megabytes": _megabytes(numbers["max_size"]),
        "most": _max_size_text(numbers),
    }


def _default_subject(error: FalError) -> str:
    """fal may blame the whole request; the type still tells when a picture is meant."""
    of_picture = (error.type or "").startswith(("image_", "file_", "face_"))
    return "the picture" if of_picture else "the prompt or the picture"


def _numbers(ctx: Mapping[str, Any]) -> Iterator[tuple[str, int | float]]:
    for name, value in ctx.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value


def _max_size_text(numbers: Mapping[str, object]) -> str:
    width, height = numbers.get("max_width"), numbers.get("max_height")
    return f": it may have at most {width} × {height} px" if width and height else ""


def _categories(ctx: Mapping[str, Any]) -> str:
    """fal may name what was seen, such as "sexual" or "violence"."""
    given = ctx.get("categories")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    return f" ({', '.join(names)})" if names else ""


def _megabytes(size: object) -> str:
    return f"{size / 1024 / 1024:.3g}" if isinstance(size, int | float) else "10"
