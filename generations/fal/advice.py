"""What a failure at fal means to a person: what happened, what to do, and who can do it. Words only, as data.

fal's docs (Errors) ask programs to go by `type` and never by `msg`, so the tables are keyed by type. fal's own words
stay in `FalError.message`; a type that is unknown here quotes them.
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


class Fixer(StrEnum):
    """Who can do something about it: who made it, who manages the team, fal or Kling, or who runs the studio."""

    USER = "user"
    TEAM = "team"
    PROVIDER = "provider"
    US = "us"


@dataclass(frozen=True, slots=True)
class Advice:
    """`reason` is a short code to count and filter by; `message` a sentence or two that say what to do."""

    reason: str
    message: str
    fixer: Fixer


_Words = tuple[str, Fixer]

_TRY_AGAIN: Final[_Words] = ("Kling failed on this request; nothing was wrong with it. Try again.", Fixer.PROVIDER)
_KLINGS_OWN: Final[_Words] = ("Kling failed on this with an error of its own: {words}. Try again.", Fixer.PROVIDER)
_NOT_AGAIN: Final[_Words] = (
    "Kling failed on this with an error of its own: {words}. fal expects that the same would fail again. Try later.",
    Fixer.PROVIDER,
)
_ASKED_WRONGLY: Final[_Words] = ("fal didn't accept how the studio asked: {words}. Tell an admin.", Fixer.US)
_OUT_OF_RANGE: Final[_Words] = ("{Subject} is out of range: {words}. Change the value.", Fixer.USER)

# fal's docs: Errors. In braces: numbers of `ctx`, the input's name in words, and fal's own words.
_BY_TYPE: Final[Mapping[str, _Words]] = {
    "content_policy_violation": (
        "Kling refused {subject} as against the content policy{categories}. Change {it} and try again.",
        Fixer.USER,
    ),
    "no_media_generated": ("Kling made no video of this. Describe it in another way and try again.", Fixer.USER),
    "image_too_small": (
        "{Subject} is too small: it needs at least {min_width} × {min_height} px. Use a larger one.",
        Fixer.USER,
    ),
    "image_too_large": ("{Subject} is too large{most}. Make it smaller and try again.", Fixer.USER),
    "image_ratio_out_of_range": (
        "{Subject} is too long or too wide: its width divided by its height must be between {ge} and {le}. Crop it.",
        Fixer.USER,
    ),
    "image_load_error": ("fal couldn't read {subject}. Save it again as JPEG or PNG and try with that.", Fixer.USER),
    "file_download_error": (
        "fal couldn't fetch {subject} from the studio. Try again; if it stays so, tell an admin (FAL_INPUT_DELIVERY).",
        Fixer.US,
    ),
    "face_detection_error": ("Kling found no face that it can use in {subject}. Use another picture.", Fixer.USER),
    "file_too_large": ("{Subject} is larger than {max_megabytes} MB. Make it smaller and try again.", Fixer.USER),
    "unsupported_image_format": ("Kling doesn't take this kind of picture. Use a JPEG or PNG.", Fixer.USER),
    "one_of": ("{Subject} has a value that Kling doesn't offer: {words}. Choose another.", Fixer.USER),
    "greater_than_equal": _OUT_OF_RANGE,
    "less_than_equal": _OUT_OF_RANGE,
    "greater_than": _OUT_OF_RANGE,
    "less_than": _OUT_OF_RANGE,
    "multiple_of": _OUT_OF_RANGE,
    "sequence_too_short": ("{Subject} is too short. Write what the video should show.", Fixer.USER),
    "sequence_too_long": ("{Subject} is too long: use at most {max_length} characters.", Fixer.USER),
    "string_too_long": ("{Subject} is too long: use at most {max_length} characters.", Fixer.USER),
    "missing": ("{Subject} is missing.", Fixer.USER),
    "feature_not_supported": ("Kling can't do this with these settings: {words}. Change them.", Fixer.USER),
    "internal_server_error": _TRY_AGAIN,
    "downstream_service_error": _TRY_AGAIN,
    "downstream_service_unavailable": ("Kling isn't available at the moment. Try again later.", Fixer.PROVIDER),
    "generation_timeout": ("Kling took too long and gave up. Try again.", Fixer.PROVIDER),
    # fal's docs: Request errors
    "request_timeout": ("fal's time for this request ran out. Try again.", Fixer.PROVIDER),
    "startup_timeout": ("fal found no machine in time. Try again later.", Fixer.PROVIDER),
    "bad_request": _ASKED_WRONGLY,
}

# about a value of some input: when that is none of a person's, the studio has asked wrongly
_OF_A_VALUE: Final = frozenset(
    {"one_of", "missing", "multiple_of", "greater_than_equal", "less_than_equal", "greater_than", "less_than"}
    | {"sequence_too_short", "sequence_too_long", "string_too_long"}
)
_ABOUT_THE_INPUT: Final = frozenset({400, 413, 415, 422})  # of the 4xx; others are about how it was asked

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

_BY_CLASS: Final[Mapping[type[FalError], tuple[str, str, Fixer]]] = {
    # asked for by nobody here: a cancel of ours is no failure
    Cancelled: (
        "cancelled_at_fal",
        "Somebody cancelled this at fal, such as in its dashboard; nobody did it here. Ask an admin who, or try again.",
        Fixer.US,
    ),
    ModelRefused: ("refused", "Kling refused this: {words}. Change the input and try again.", Fixer.USER),
    Verdict: ("request_failed", "fal lost this request on the way to Kling. Try again.", Fixer.PROVIDER),
    KeyRefused: (
        "key_refused",
        "fal refused the studio's key. Tell an admin to check FAL_KEY and its permissions at fal.ai/dashboard/keys.",
        Fixer.US,
    ),
    AccountLocked: ("account_locked", "fal has locked the studio's account: {words}. Tell an admin.", Fixer.US),
    RateLimited: ("rate_limited", "fal asks us to slow down; we keep trying.", Fixer.PROVIDER),
    StillRunning: ("still_running", "fal is still working on it.", Fixer.PROVIDER),
    NotFound: ("not_found", "fal doesn't know this request, or no longer.", Fixer.PROVIDER),
    Unreachable: ("unreachable", _WAITING, Fixer.PROVIDER),
    Unavailable: ("unavailable", _WAITING, Fixer.PROVIDER),
    BadAnswer: (
        "bad_answer",
        "fal gave an answer that the studio doesn't understand: {words}. Tell an admin.",
        Fixer.US,
    ),
    FalError: ("fal_error", "fal failed: {words}. Tell an admin.", Fixer.US),
}


def advise(error: FalError) -> Advice:
    """What to tell the person who waits for the video."""
    if isinstance(error, AccountLocked):
        return _about_lock(error)
    reason, words, fixer = _of_class(error)
    if isinstance(error, Verdict) and not isinstance(error, Cancelled):
        reason = (error.type or reason)[:MAX_REASON]
        words, fixer = _of_verdict(error, (words, fixer))
    return Advice(reason, words.format_map(_values(error)), fixer)


def _of_verdict(error: Verdict, of_class: _Words) -> _Words:
    """By its type, where that says something; the status tells whose error one without a known type is."""
    known = _BY_TYPE.get(error.type or "", of_class)
    if _is_of_no_input(error):
        known = _ASKED_WRONGLY
    elif isinstance(error, ModelRefused) and known is of_class:
        known = _by_status(error.status or 0, of_class)
    is_klings = isinstance(error, ModelRefused) and known[1] is Fixer.PROVIDER
    return _NOT_AGAIN if is_klings and error.retryable is False else known


def _is_of_no_input(error: Verdict) -> bool:
    field = error.problems[0].field if error.problems else ""
    return error.type in _OF_A_VALUE and field != "" and field.partition(".")[0] not in _INPUTS


def _by_status(status: int, of_class: _Words) -> _Words:
    if status >= 500:
        return _KLINGS_OWN
    return of_class if status in _ABOUT_THE_INPUT else _ASKED_WRONGLY


def _of_class(error: FalError) -> tuple[str, str, Fixer]:
    return next(_BY_CLASS[ancestor] for ancestor in type(error).__mro__ if ancestor in _BY_CLASS)


def _about_lock(error: AccountLocked) -> Advice:
    said = "exhausted balance" if error.status == 402 else error.message.lower()
    known = (advice for words, advice in _LOCKS.items() if words in said)
    reason, words, fixer = _BY_CLASS[AccountLocked]
    reason, words = next(known, (reason, words))
    return Advice(reason, words.format_map(_values(error)), fixer)


def _values(error: FalError) -> dict[str, object]:
    problem = error.problems[0] if error.problems else None
    ctx = problem.ctx if problem else {}
    name = problem.field.partition(".")[0] if problem else ""
    subject = _INPUTS.get(name, _unnamed(error))
    numbers = {**_DEFAULTS, **dict(_numbers(ctx))}
    return {
        **numbers,
        "subject": subject,
        "Subject": subject[0].upper() + subject[1:],
        "it": "it" if name in _INPUTS else "them",
        "words": (problem.message if problem else error.message).rstrip(". "),
        "categories": _categories(ctx),
        "max_megabytes": _megabytes(numbers["max_size"]),
        "most": _most(numbers),
    }


def _unnamed(error: FalError) -> str:
    """fal may blame the whole request; the type still tells when a picture is meant."""
    of_picture = (error.type or "").startswith(("image_", "file_", "face_"))
    return "the picture" if of_picture else "the prompt or the picture"


def _numbers(ctx: Mapping[str, Any]) -> Iterator[tuple[str, int | float]]:
    for name, value in ctx.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value


def _most(numbers: Mapping[str, object]) -> str:
    width, height = numbers.get("max_width"), numbers.get("max_height")
    return f": it may have at most {width} × {height} px" if width and height else ""


def _categories(ctx: Mapping[str, Any]) -> str:
    """fal may name what was seen, such as "sexual" or "violence"."""
    given = ctx.get("categories")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    return f" ({', '.join(names)})" if names else ""


def _megabytes(size: object) -> str:
    return f"{size / 1024 / 1024:.3g}" if isinstance(size, int | float) else "10"
