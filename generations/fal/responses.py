"""fal's responses as plain values. They read neither JSON nor HTTP; `protocol` makes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from generations.fal.arguments import Endpoint

# Follow-up addresses name owner and app only, not the endpoint (fal's docs: Inference API); with the whole endpoint id
# the live status address answers 405. All endpoints are of one app.
APP: Final = next(iter(Endpoint)).app

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


def is_request_id(text: str) -> bool:
    """Whether fal can have given a request this id; no other text becomes a part of a path."""
    return _REQUEST_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class FalConfig:
    """Where fal is and who we are there; addresses without a trailing slash, `api_url` with its `/v1`."""

    key: str
    queue_url: str
    rest_url: str
    api_url: str
    former_keys: tuple[str, ...] = ()  # perhaps of another account: they ask for what was sent with them

    def with_each_key(self) -> "list[FalConfig]":
        """Today's first."""
        return [replace(self, key=key, former_keys=()) for key in (self.key, *self.former_keys)]

    def __repr__(self) -> str:
        return f"FalConfig(key=…, queue_url={self.queue_url!r}, rest_url={self.rest_url!r}, api_url={self.api_url!r})"


@dataclass(frozen=True, slots=True)
class RequestUrls:
    """A request and the addresses that fal gave for it when it was submitted."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str

    @classmethod
    def for_id(cls, config: FalConfig, request_id: str) -> "RequestUrls":
        """The addresses rebuilt, for a request whose id came by webhook or from a listing. Raises ValueError."""
        if not is_request_id(request_id):
            raise ValueError(f"Not a request id of fal: {request_id[:80]!r}")
        base = f"{config.queue_url.rstrip('/')}/{APP}/requests/{request_id}"
        return cls(request_id, f"{base}/status", base, f"{base}/cancel")


@dataclass(frozen=True, slots=True)
class Submitted:
    """fal has queued the job. The addresses are on the configured queue origin; keep them."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str
    queue_position: int | None

    @property
    def urls(self) -> RequestUrls:
        return RequestUrls(self.request_id, self.status_url, self.response_url, self.cancel_url)


@dataclass(frozen=True, slots=True)
class LogLine:
    """`level` is one of fal's STDERR, STDOUT, ERROR, INFO, WARN, DEBUG; None when not given."""

    message: str
    timestamp: datetime | None
    level: str | None


@dataclass(frozen=True, slots=True)
class InQueue:
    """`position` counts the requests ahead; None when fal doesn't say."""

    position: int | None
    logs: tuple[LogLine, ...] = ()


@dataclass(frozen=True, slots=True)
class InProgress:
    """A runner works on it. It may go back to InQueue when the runner fails (fal's docs: Retries)."""

    logs: tuple[LogLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """The job has ended, well or badly: only the result tells. `inference_time` is the runner's, in seconds."""

    logs: tuple[LogLine, ...] = ()
    inference_time: float | None = None
    error: str | None = None
    error_type: str | None = None


Progress = InQueue | InProgress | Completed


@dataclass(frozen=True, slots=True)
class VideoFile:
    """The finished video at fal; `file_size` in bytes. `billable_units` is what fal charged for, when it says so."""

    url: str
    content_type: str | None = None
    file_name: str | None = None
    file_size: int | None = None
    billable_units: Decimal | None = None


class Cancellation(StrEnum):
    """What fal answers to a cancel; after REQUESTED, a running job may still finish and cost money."""

    REQUESTED = "CANCELLATION_REQUESTED"
    REMOVED = "OK"
    ALREADY_COMPLETED = "ALREADY_COMPLETED"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """One row of fal's own record of our requests (fal's docs: Platform APIs, List requests by endpoint)."""

    request_id: str
    endpoint: str
    sent_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    status_code: int | None
    json_input: Mapping[str, Any] | None
    json_output: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One page of the listing; `next_cursor` is None on the last."""

    items: tuple[ListedRequest, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UsageShare:
    """What fal charged for one endpoint on one day in UTC; `quantity` in fal's units, `cost` in US dollars."""

    day: date
    endpoint: str
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class UsagePage:
    """One page of the account's usage; `next_cursor` is None on the last."""

    items: tuple[UsageShare, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where to PUT a file's bytes, and the address it then has."""

    upload_url: str
    file_url: str
