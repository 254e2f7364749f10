"""What can go wrong at fal, by what it means for the request and for the money. Imports nothing else.

Two questions decide what a caller may do, and neither is answered by the HTTP status alone: did the request reach
fal's queue (`sent`), and is this fal's verdict about the job or only a bad moment on the way (the class)?
"""

# ruff: noqa: N818 - the names say what happened

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class Sent(StrEnum):
    """What became of a submit that failed."""

    NO = "no"  # it never reached fal: no connection was made, or a gateway before fal answered
    REFUSED = "refused"  # fal answered that it won't take it
    UNKNOWN = "unknown"  # it may have been queued, and may be charged


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One entry of fal's `detail`: the input's name ("" when the whole request is meant) and what is wrong with it.

    fal's docs: Errors. `ctx` holds the numbers, such as `{"min_width": 300}`.
    """

    field: str
    type: str
    message: str
    ctx: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """What an answer from fal, or its absence, tells about a failure.

    `type` is fal's name for it (`detail[].type`, `error_type` or the header X-Fal-Error-Type). `charged` is False when
    fal charges nothing for certain, None when that isn't known. `retry_after` is in seconds. `retryable` is fal's own
    opinion on whether the same input, submitted again, can succeed (X-Fal-Retryable); None when it gave none.
    `request_id` is the id that a failed submit's answer bore (x-fal-request-id): perhaps of a job in the queue.
    """

    status: int | None = None
    type: str | None = None
    problems: tuple[FieldProblem, ...] = ()
    sent: Sent = Sent.UNKNOWN
    charged: bool | None = None
    retry_after: float | None = None
    retryable: bool | None = None
    request_id: str | None = None


class FalError(Exception):
    """A call to fal failed. `message` is in fal's own words where it said any.

    `permanent`: making the same call again cannot change the outcome.
    """

    permanent: ClassVar[bool] = False

    def __init__(self, message: str, facts: FailureDetails | None = None) -> None:
        super().__init__(message)
        facts = facts or FailureDetails()
        self.message = message
        self.status = facts.status
        self.type = facts.type
        self.problems = facts.problems
        self.sent = facts.sent
        self.charged = facts.charged
        self.retry_after = facts.retry_after
        self.retryable = facts.retryable
        self.request_id = facts.request_id


class Unreachable(FalError):
    """No answer: fal couldn't be reached, or the connection broke before the answer was whole."""


class Unavailable(FalError):
    """An answer without a verdict: a gateway's error page, a 5xx that names no reason, a body that can't be read."""


class RateLimited(FalError):
    """429: fal wants fewer calls; see `retry_after`."""


class KeyRefused(FalError):
    """401, or 403 without a lock: FAL_KEY is wrong, revoked, or lacks the permission. Says nothing about the job."""

    permanent = True


class AccountLocked(FalError):
    """403 "User is locked. Reason: …", or 402: the balance or the budget is exhausted, or fal closed the account."""

    permanent = True


class NotFound(FalError):
    """fal doesn't know this request (`{"status": "NOT_FOUND"}`) or this path."""


class StillRunning(FalError):
    """The result was asked for before the job was done."""


class BadAnswer(FalError):
    """fal answered something that its docs don't describe, such as a success without a video."""


class Verdict(FalError):
    """The job has ended, without a video; fal gives the same answer for ever."""

    permanent = True


class ModelRefused(Verdict):
    """The model's own error (fal's docs: Errors): the input was refused, or the generation failed."""


class RequestFailed(Verdict):
    """fal's infrastructure gave the job up (fal's docs: Request errors), such as `runner_disconnected`."""


class Cancelled(RequestFailed):
    """The job was cancelled (`client_cancelled`): by us, or at fal by somebody else."""
