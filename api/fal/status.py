"""How a request stands, in fal's three statuses: a failure and a cancel are COMPLETED too."""

from collections.abc import Sequence
from datetime import UTC
from enum import StrEnum
from typing import Any, Final

from django.http import JsonResponse

from api.authentication import Caller
from api.fal.outcome import failure_of
from api.fal.requests import find_request, request_urls
from api.fal.responses import Answer
from generations.models import Generation, Status
from generations.pipeline import queue_positions

_WAITS_HERE: Final = frozenset({Status.HELD, Status.QUEUED})


class QueueStatus(StrEnum):
    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


def status_of(caller: Caller, pk: str, *, with_logs: bool = False) -> JsonResponse:
    """Raises RefusedError for a request that the caller may not know of."""
    row = find_request(caller, pk)
    (answer,) = status_answers([(row, with_logs)])
    return answer.response(str(row.pk))


def status_answers(asked: Sequence[tuple[Generation, bool]]) -> list[Answer]:
    """Of each row, with its logs or without: 202 until it is COMPLETED, then 200."""
    places = queue_positions([row for row, _ in asked if waits_here(row)])
    return [_status_answer(row, places.get(row.pk, row.queue_position or 0), with_logs) for row, with_logs in asked]


def _status_answer(row: Generation, place: int, with_logs: bool) -> Answer:
    status = queue_status(row)
    body: dict[str, Any] = {"status": status.value, "request_id": str(row.pk), **request_urls(row.pk)}
    body |= {"logs": logs_of(row) if with_logs else None, "metrics": {}}
    if status is QueueStatus.IN_QUEUE:
        body["queue_position"] = place
    if status is QueueStatus.COMPLETED:
        body |= _end_of(row)
    return Answer(200 if status is QueueStatus.COMPLETED else 202, body)


def waits_here(row: Generation) -> bool:
    """In the studio's own queue, where its place goes by what else waits."""
    return row.status in _WAITS_HERE


def queue_status(row: Generation) -> QueueStatus:
    """What waits for a yes, for the team's queue to go on, or at fal, is in the queue."""
    if waits_here(row):
        return QueueStatus.IN_QUEUE
    if row.status == Status.RENDERING and row.queue_position is not None:
        return QueueStatus.IN_QUEUE
    if row.is_open or (row.status == Status.DONE and row.awaits_review):
        return QueueStatus.IN_PROGRESS
    return QueueStatus.COMPLETED


def logs_of(row: Generation) -> list[dict[str, str]]:
    """fal's own lines of it, and at the end what the studio tells the person who waits."""
    known = {"level": "INFO", "source": "USER"}
    lines = [{"message": line["message"], "timestamp": line["timestamp"], **known} for line in row.logs]
    if row.message:
        lines.append({"message": row.message, "timestamp": row.changed_at.astimezone(UTC).isoformat(), **known})
    return lines


def _end_of(row: Generation) -> dict[str, Any]:
    metrics = {"inference_time": row.inference_seconds} if row.inference_seconds is not None else {}
    if row.status == Status.DONE:
        return {"metrics": metrics}
    failure = failure_of(row)
    return {"metrics": metrics, "error": failure.words, "error_type": failure.type}
