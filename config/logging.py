"""Logging: each line about a generation carries its id, and secrets are left out."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from config.redaction import redact

_generation: ContextVar[str] = ContextVar("generation", default="-")


@contextmanager
def bind_generation(generation_id: object) -> Iterator[None]:
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


class RedactSecrets(logging.Filter):
    """Of the message and of the traceback, whose last line may be an address too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = redact(record.exc_text) if record.exc_text else None
        return True


def config(level: str) -> dict[str, Any]:
    """Django's LOGGING: one line an event on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"generation": {"()": NameGeneration}, "secrets": {"()": RedactSecrets}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(generation)s] %(message)s"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["generation", "secrets"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own handlers would write the secrets
            "django": {"handlers": [], "level": "INFO"},
            # where its access log is switched on
            "granian.access": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "httpx": {"level": "WARNING"},
            "rq.worker": {"level": "WARNING"},
            "rq.cron": {"level": "WARNING"},
        },
    }
