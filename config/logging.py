"""Logging that names the generation: every line written while one is worked on carries its id."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_generation: ContextVar[str] = ContextVar("generation", default="-")


@contextmanager
def naming(generation_id: object) -> Iterator[None]:
    """Log lines inside carry this generation's id; tasks and threads started inside inherit it."""
    token = _generation.set(str(generation_id))
    try:
        yield
    finally:
        _generation.reset(token)


class NameGeneration(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.generation = _generation.get()
        return True


def config(level: str) -> dict[str, Any]:
    """Django's LOGGING: one line an event on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"generation": {"()": NameGeneration}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(generation)s] %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["generation"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "rq.worker": {"level": "WARNING"},
            "rq.cron": {"level": "WARNING"},
        },
    }
