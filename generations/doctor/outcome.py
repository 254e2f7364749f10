"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"  # the studio works, and somebody should know
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`advice` says what to do; only what is ok needs none."""

    state: State
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of the check of this name."""

    name: str
    state: State
    message: str
    advice: str


def ok(message: str) -> Outcome:
    return Outcome(State.OK, message)


def warning(message: str, advice: str) -> Outcome:
    return Outcome(State.WARNING, message, advice)


def failed(message: str, advice: str) -> Outcome:
    return Outcome(State.FAILED, message, advice)
