"""What the processes count about their own work, as Prometheus reads it. Knows no Django.

A label has few values: names of views, calls and outcomes, never a path or an id. Where PROMETHEUS_MULTIPROC_DIR is
set, all processes that share the directory count together in files there, whichever of them answers `/metrics`.
"""

import os
import socket
from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
DIRECTORY: Final = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "").strip()
NO_VIEW: Final = "(none)"  # an address that leads to none

_PREFIX: Final = "kling_studio_"
_HOST: Final = socket.gethostname().replace("_", "-")  # in the files' names, `_` stands between the parts


def _process_name() -> str:
    """Containers that share the directory may each have a process of the same number."""
    return f"{_HOST}-{os.getpid()}"


# a blank name, too, would mean files to the library
values.ValueClass = values.MultiProcessValue(_process_name) if DIRECTORY else values.MutexValue
disable_created_metrics()

# Each has a label: one without would make its file in every process, in each command of manage.py too.
_registry: Final = CollectorRegistry()
_PAGE_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_FAL_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 140)
_COPY_SECONDS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

_requests: Final = Counter(
    "kling_studio_http_requests", "Requests by the view's name and the status.", ["view", "status"], registry=_registry
)
_request_seconds: Final = Histogram(
    "kling_studio_http_request_duration_seconds",
    "Until an answer's head is ready, by the view's name.",
    ["view"],
    buckets=_PAGE_SECONDS,
    registry=_registry,
)
_fal_seconds: Final = Histogram(
    "kling_studio_fal_call_duration_seconds",
    "Calls to fal by what was asked: submit, status (a poll), result, cancel, …",
    ["operation"],
    buckets=_FAL_SECONDS,
    registry=_registry,
)
_fal_errors: Final = Counter(
    "kling_studio_fal_errors",
    "Calls to fal that failed, by what was asked and the kind of the error.",
    ["operation", "kind"],
    registry=_registry,
)
_copy_seconds: Final = Histogram(
    "kling_studio_copy_duration_seconds",
    "Copies of fal's files into the bucket, by outcome: done, or the reason of the failure.",
    ["outcome"],
    buckets=_COPY_SECONDS,
    registry=_registry,
)
_copied_bytes: Final = Counter(
    "kling_studio_copied_bytes", "Bytes of fal's files that were copied, by outcome.", ["outcome"], registry=_registry
)
_webhooks: Final = Counter(
    "kling_studio_webhooks",
    "Webhooks by verdict: accepted, repeated, or why one was refused.",
    ["verdict"],
    registry=_registry,
)
_mails: Final = Counter("kling_studio_mails", "Mails by outcome: sent or failed.", ["outcome"], registry=_registry)


def observe_request(view: str, status: int, seconds: float) -> None:
    _requests.labels(view, str(status)).inc()
    _request_seconds.labels(view).observe(seconds)


def observe_fal_call(operation: str, seconds: float, error: str | None) -> None:
    """`error` is the name of its kind, None for an answer that could be used."""
    _fal_seconds.labels(operation).observe(seconds)
    if error:
        _fal_errors.labels(operation, error).inc()


def observe_copy(outcome: str, seconds: float, copied: int) -> None:
    _copy_seconds.labels(outcome).observe(seconds)
    _copied_bytes.labels(outcome).inc(copied)


def count_webhook(verdict: str) -> None:
    _webhooks.labels(verdict).inc()


def count_mail(outcome: str) -> None:
    _mails.labels(outcome).inc()


def render() -> bytes:
    """What this process has counted, or all that share the directory."""
    if not DIRECTORY:
        return generate_latest(_registry)
    shared = CollectorRegistry()
    shared.register(_SharedCollector())
    return generate_latest(shared)


class _SharedCollector(Collector):
    """Libraries that count for themselves write into the same files."""

    def collect(self) -> Iterator[Metric]:
        everything = MultiProcessCollector(None, DIRECTORY).collect()
        yield from (metric for metric in everything if metric.name.startswith(_PREFIX))
