"""Ask fal how a request goes. A slow job is slow, not failed: only fal's own verdict ends it."""

import logging
from typing import Any

from django.conf import settings
from django.utils import timezone

from generations.fal import responses
from generations.fal.client import AsyncFalClient
from generations.fal.errors import FalError, Verdict
from generations.models import Generation, LogLine, Status
from generations.models.generation import MAX_LOG_LINES
from generations.pipeline import schedule, transitions
from generations.pipeline.db_retry import with_db_retry

logger = logging.getLogger(__name__)


async def poll(row: Generation, fal: AsyncFalClient, in_flight: int) -> None:
    """Ask once for a row that is at fal, and fetch the result when fal says that the job has ended."""
    urls = responses.RequestUrls(row.request_id or "", row.status_url, row.response_url, row.cancel_url)
    try:
        if await _send_cancel(row, urls, fal):
            await with_db_retry(transitions.mark_canceled, row)
            return
        progress = await fal.status(urls)
        if not isinstance(progress, responses.Completed):
            await with_db_retry(_save_progress, row, progress, in_flight)
            return
        video = await fal.result(urls)
    except Verdict as error:
        await with_db_retry(transitions.fail, row, error)
    except FalError as error:
        await with_db_retry(transitions.poll_again, row, error)
    else:
        await with_db_retry(_start_mirroring, row, progress, video)


async def _send_cancel(row: Generation, urls: responses.RequestUrls, fal: AsyncFalClient) -> bool:
    """Pass a cancel on to fal, once; whether fal says that the request was still in its queue and is gone."""
    if row.status != Status.CANCELLING or row.cancel_sent_at:
        return False
    answer = await fal.cancel(urls)
    await with_db_retry(_mark_cancel_sent, row)
    return answer is responses.Cancellation.REMOVED


def _mark_cancel_sent(row: Generation) -> None:
    row.update_if_leased(cancel_sent_at=timezone.now())


def _save_progress(row: Generation, progress: responses.InQueue | responses.InProgress, in_flight: int) -> None:
    """Write down what is new, and when to ask again."""
    position = progress.position if isinstance(progress, responses.InQueue) else None
    seen: dict[str, Any] = {"queue_position": position, "logs": _log_lines(progress.logs) or row.logs, "message": ""}
    changes = {name: value for name, value in seen.items() if getattr(row, name) != value}
    age = timezone.now() - (row.submitted_at or row.changed_at)
    if transitions.is_overdue(row):
        transitions.request_attention(row, schedule.slow_poll_delay())
    else:
        delay = schedule.poll_delay(age, webhooks=bool(settings.PUBLIC_URL), in_flight=in_flight)
        row.reschedule(delay, **({"attempts": 0, "needs_attention_since": None} if row.attempts else {}), **changes)


def _start_mirroring(row: Generation, progress: responses.Completed, video: responses.VideoFile) -> None:
    kept = "It was made before the cancel took effect, so it is kept and charged."
    row.move(
        Status.MIRRORING,
        leased=True,
        event=kept if row.status == Status.CANCELLING else "",
        source_url=video.url,
        total_bytes=video.file_size,
        billable_units=video.billable_units,
        inference_seconds=progress.inference_time,
        queue_position=None,
        logs=_log_lines(progress.logs) or row.logs,
    )


def _log_lines(logs: tuple[responses.LogLine, ...]) -> list[LogLine]:
    return [
        {"timestamp": line.timestamp.isoformat() if line.timestamp else "", "message": line.message}
        for line in logs[-MAX_LOG_LINES:]
    ]
