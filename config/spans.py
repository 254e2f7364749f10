"""A step of the pipeline as a trace of its own, where traces are wanted; else nothing. Knows no OpenTelemetry."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

SpanOpener = Callable[[str, str], AbstractContextManager[object]]  # of a name and a generation's id

_openers: Final[list[SpanOpener]] = []


def use(opener: SpanOpener) -> None:
    """From now on, `step` opens what this opens: `config.tracing` says so where it is started."""
    _openers[:] = [opener]


def step(name: str, generation_id: object) -> AbstractContextManager[object]:
    """Around what is done for one generation."""
    return _openers[0](name, str(generation_id)) if _openers else nullcontext()
