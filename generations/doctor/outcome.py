"""What a check finds."""

from collections.abc import Callable
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


Check = Callable[[], Outcome]


def find(name: str, check: Check) -> Finding:
    """A check that breaks has found something, too."""
    try:
        outcome = check()
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        outcome = failed(said, "This check itself failed; the message is all that is known.")
    return Finding(name, outcome.state, outcome.message, outcome.advice)


def not_tried() -> Outcome:
    return warning("Not looked at, since the database does not answer.", "First put the database right.")


def ok(message: str) -> Outcome:
    return Outcome(State.OK, message)


def warning(message: str, advice: str) -> Outcome:
    return Outcome(State.WARNING, message, advice)


def failed(message: str, advice: str) -> Outcome:
    return Outcome(State.FAILED, message, advice)
