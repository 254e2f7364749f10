"""Logging: each line carries the ids of its request and generation, and secrets are left out."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

from config.redaction import redact

FORMATS: Final = ("line", "json")
REQUEST_ID, GENERATION_ID = "studio.request_id", "studio.generation_id"  # in a request's META

NONE: Final = "-"

_generation: ContextVar[str] = ContextVar("generation", default=NONE)
_request: ContextVar[str] = ContextVar("request", default=NONE)


@contextmanager
def bind_generation(generation_id: object) -> Iterator[None]:
    """Log lines inside carry this generation's id; tasks and threads started inside inherit it."""
    token = _generation.set(str(generation_id))
    try:
        yield
    finally:
        _generation.reset(token)


def name_generation(generation_id: object) -> None:
    """The same to the end of the `bind_generation` around it."""
    _generation.set(str(generation_id))


@contextmanager
def bind_request(request_id: str) -> Iterator[None]:
    """The same with a request's id."""
    token = _request.set(request_id)
    try:
        yield
    finally:
        _request.reset(token)


class NameGeneration(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.generation = _name(record, _generation, GENERATION_ID)
        return True


class NameRequest(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _name(record, _request, REQUEST_ID)
        return True


def _name(record: logging.LogRecord, bound: ContextVar[str], key: str) -> str:
    """Django logs a refusal behind the last middleware, where nothing is bound any more, but names the request."""
    known = bound.get()
    return known if known != NONE else str(getattr(getattr(record, "request", None), "META", {}).get(key, NONE))


class RedactSecrets(logging.Filter):
    """Of the message and of the traceback, whose last line may be an address too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = redact(record.exc_text) if record.exc_text else None
        return True


class JSONFormatter(JsonFormatter):
    """A line a record. What else a library attaches to a record is kept when it is a number or a text."""

    def __init__(self) -> None:
        super().__init__(
            ("levelname", "name", "message", "request_id", "generation"),
            timestamp="time",
            rename_fields={
                "levelname": "level",
                "name": "logger",
                "generation": "generation_id",
                "exc_info": "exception",
                "stack_info": "stack",
            },
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: LogData) -> LogData:
        """Redacts here too: the exception is formatted anew, and an attached text may hold a path."""
        found = {name: _plain(value) for name, value in super().process_log_record(log_data).items()}
        return {name: value for name, value in found.items() if value is not None}


def _plain(value: object) -> object:
    """As JSON has it; none for what is nobody's id, and for an object such as Django's request."""
    if hasattr(value, "isoformat"):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, str):
        return None if value == NONE else redact(value)
    return value if isinstance(value, int | float) else None


def config(level: str, form: str = "line") -> dict[str, Any]:
    """Django's LOGGING: one line an event on standard error, as text or as JSON."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "generation": {"()": NameGeneration},
            "request": {"()": NameRequest},
            "secrets": {"()": RedactSecrets},
        },
        "formatters": {
            "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(generation)s] %(message)s"},
            "json": {"()": JSONFormatter},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["generation", "request", "secrets"],
            }
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
