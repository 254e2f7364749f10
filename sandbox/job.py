"""One request that fal accepted, and how it ended."""

import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self

FIRST_ACCOUNT: Final = "first"
OTHER_ACCOUNT: Final = "other"


class Status(StrEnum):
    """fal's docs: only these three exist; a failure and a cancellation are COMPLETED too."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the result GET replays: HTTP code, body, headers. `units` are billed seconds, 0 for failures.

    `error` and `error_type` stand on the COMPLETED status too; fal's docs name them for failures of fal's own
    machinery, not of the model.
    """

    code: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    units: float = 0
    error: str | None = None
    error_type: str | None = None


@dataclass
class Job:
    """A request from submit to the webhook's end. Times are seconds since the epoch."""

    id: str
    endpoint: str
    arguments: Any
    origin: str
    webhook: str | None = None
    start_timeout: float | None = None
    submitted: float = field(default_factory=time.time)
    queued: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    status: Status = Status.IN_QUEUE
    logs: list[dict[str, str]] = field(default_factory=list)
    outcome: Outcome | None = None
    hurried: bool = False
    payload_deleted: bool = False
    happened: list[str] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    webhook_settled: bool = False
    account: str = FIRST_ACCOUNT

    @property
    def prompt(self) -> str:
        prompt = self.arguments.get("prompt") if isinstance(self.arguments, dict) else None
        return prompt if isinstance(prompt, str) else ""

    @property
    def url(self) -> str:
        """Where clients follow it. fal's docs: only the owner and the app's name, the rest of the path is dropped."""
        owner, app = self.endpoint.split("/")[:2]
        return f"{self.origin}/{owner}/{app}/requests/{self.id}"

    @property
    def urls(self) -> dict[str, str | None]:
        return {"response_url": self.url, "status_url": f"{self.url}/status", "cancel_url": f"{self.url}/cancel"}

    @property
    def seconds_in_progress(self) -> float:
        return (self.ended or time.time()) - self.started if self.started else 0.0

    def log(self, message: str, level: str = "INFO") -> None:
        self.logs.append({"message": message, "level": level, "source": "USER", "timestamp": iso(time.time())})

    def to_document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        outcome = document.pop("outcome")
        status = Status(document.pop("status"))
        return cls(**document, status=status, outcome=Outcome(**outcome) if outcome else None)


def iso(moment: float) -> str:
    """A time as fal writes it: UTC with milliseconds and a Z."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """A UUID of version 7, as fal's recent request ids are: they sort by the time they were made."""
    milliseconds = int(time.time() * 1000)
    value = milliseconds << 80 | uuid.uuid4().int & ((1 << 80) - 1)
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    return str(uuid.UUID(int=value & ~(0xC000 << 48) | 0x8000 << 48))
