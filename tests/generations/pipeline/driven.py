"""Driving the pipeline in tests: the real one, against the real sandbox, without waiting for due times."""

import time
from collections.abc import Callable
from typing import Final

from generations import pipeline
from generations.models import DRIVEN, Generation

TIMEOUT: Final = 60.0  # s; a limit against hanging, not a measure


def drive_until(condition: Callable[[], bool]) -> None:
    """Pass after pass until the condition holds; every open row is due in each."""
    give_up = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < give_up, [
            (row.status, row.reason, row.message, row.provider_message) for row in Generation.objects.all()
        ]
        one_pass()
        time.sleep(0.05)


def one_pass() -> None:
    make_due()
    pipeline.drive()


def make_due() -> None:
    """What only waits for its time need wait no longer."""
    long_ago = "2026-01-01T00:00:00Z"
    Generation.objects.filter(status__in=DRIVEN).update(due_at=long_ago)


def drive_to_the_end(generation: Generation) -> Generation:
    """The row as it is when it has ended."""
    drive_until(lambda: not Generation.objects.get(pk=generation.pk).is_open)
    generation.refresh_from_db()
    return generation
