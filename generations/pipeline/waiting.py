"""Asking fal how a request goes. A slow job is slow, not failed: only fal's own verdict ends it."""

import logging
from typing import Any

from django.conf import settings
from django.utils import timezone

from generations.fal import answers
from generations.fal.client import AsyncFalClient
from generations.fal.errors import FalError, Verdict
from generations.models import Generation, LogLine, Status
from generations.models.generation import MAX_LOG_LINES
from generations.pipeline import outcomes, schedule
from generations.pipeline.persisting import persist

logger = logging.getLogger(__name__)


async def poll(row: Generation, fal: AsyncFalClient, in_flight: int) -> None:
    """Ask once for a row that is at fal, and fetch the result when fal says that the job has ended."""
    urls = answers.RequestUrls(row.request_id or "", row.status_url, row.response_url, row.cancel_url)
    try:
        if await _removed(row, urls, fal):
            await persist(outcomes.canceled, row)
            return
        progress = await fal.status(urls)
        if not isinstance(progress, answers.Completed):
            await persist(_still_going, row, progress, in_flight)
            return
        video = await fal.result(urls)
    except Verdict as error:
        await persist(outcomes.fail, row, error)
    except FalError as error:
        await persist(outcomes.ask_again, row, error)
    else:
        await persist(_made, row, progress, video)


async def _removed(row: Generation, urls: answers.RequestUrls, fal: AsyncFalClient) -> bool:
    """Pass a cancel on to fal, once; whether fal says that the request was still in its queue and is gone."""
    if row.status != Status.CANCELLING or row.cancel_sent_at:
        return False
    answer = await fal.cancel(urls)
    await persist(_cancel_is_sent, row)
    return answer is answers.Cancellation.REMOVED


def _cancel_is_sent(row: Generation) -> None:
    row.note(cancel_sent_at=timezone.now())


def _still_going(row: Generation, progress: answers.InQueue | answers.InProgress, in_flight: int) -> None:
    """Write down what is new, and when to ask again."""
    position = progress.position if isinstance(progress, answers.InQueue) else None
    seen: dict[str, Any] = {"queue_position": position, "logs": _lines(progress.logs) or row.logs, "message": ""}
    news = {name: value for name, value in seen.items() if getattr(row, name) != value}
    age = timezone.now() - (row.submitted_at or row.changed_at)
    if outcomes.is_overdue(row):
        outcomes.ask_a_person(row, schedule.seldom())
    else:
        delay = schedule.poll_delay(age, webhooks=bool(settings.PUBLIC_URL), in_flight=in_flight)
        row.put_off(delay, **({"attempts": 0, "needs_person_since": None} if row.attempts else {}), **news)


def _made(row: Generation, progress: answers.Completed, video: answers.VideoFile) -> None:
    kept = "It was made before the cancel took effect, so it is kept and charged."
    row.move(
        Status.MIRRORING,
        held=True,
        event=kept if row.status == Status.CANCELLING else "",
        needs_person_since=None,
        source_url=video.url,
        total_bytes=video.file_size,
        billable_units=video.billable_units,
        inference_seconds=progress.inference_time,
        queue_position=None,
        logs=_lines(progress.logs) or row.logs,
    )


def _lines(logs: tuple[answers.LogLine, ...]) -> list[LogLine]:
    return [
        {"timestamp": line.timestamp.isoformat() if line.timestamp else "", "message": line.message}
        for line in logs[-MAX_LOG_LINES:]
    ]
