"""Bringing fal's file home: the copy runs in a thread, the row hears of its progress about once a second."""

import asyncio
import logging
import threading
from concurrent.futures import Executor
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generations import bucket
from generations.mirror import Bucket, MirroredVideo, MirrorError, mirror_video
from generations.models import BannedFile, Cause, Generation, Status, Video
from generations.moderation.cases import open_case
from generations.pipeline import schedule
from generations.pipeline.persisting import persist

logger = logging.getLogger(__name__)

TRIES_BEFORE_A_PERSON: Final = 5

_TELL_EVERY: Final = 1.0  # s


class LeaseLostError(Exception):
    """Another worker has taken the row over."""


class _Copy:
    """One copy in a thread, and what the thread has told of it so far."""

    def __init__(self, row: Generation) -> None:
        self.row = row
        self.copied = 0
        self.total = row.total_bytes
        self.lost = threading.Event()

    def run(self) -> MirroredVideo:
        return mirror_video(
            self.row.source_url,
            bucket=Bucket(bucket.client(), bucket.name()),
            video_key=self.row.video_key,
            poster_key=self.row.poster_key,
            preview_key=self.row.preview_key,
            trusted_origins=settings.MIRROR_TRUSTED_ORIGINS,
            max_bytes=settings.MIRROR_MAX_BYTES,
            on_progress=self.report,
        )

    def report(self, copied: int, total: int | None) -> None:
        self.copied, self.total = copied, total
        if self.lost.is_set():
            raise LeaseLostError


async def mirror(row: Generation, threads: Executor) -> None:
    """Copy the file of a `mirroring` row that this worker has claimed."""
    copy = _Copy(row)
    running = asyncio.get_running_loop().run_in_executor(threads, copy.run)
    while not (await asyncio.wait([running], timeout=_TELL_EVERY))[0]:
        await persist(_tell, row, copy)
    try:
        video = running.result()
    except MirrorError as error:
        await persist(_not_copied, row, error)
    except LeaseLostError:
        logger.warning("Another worker has taken over the copy")
    else:
        await persist(_done, row, video)


def _tell(row: Generation, copy: _Copy) -> None:
    """Write the progress down and keep the lease for another while."""
    until = timezone.now() + schedule.COPY_LEASE
    if not row.note(lease_until=until, copied_bytes=copy.copied, total_bytes=copy.total):
        copy.lost.set()


@transaction.atomic
def _done(row: Generation, video: MirroredVideo) -> None:
    """Home. What was banned before is out of sight from its first moment, and what is reviewed first awaits that."""
    ban = BannedFile.objects.filter(sha256=video.sha256).first()
    changes: dict[str, Any] = {"copied_bytes": video.size, "total_bytes": video.size, "needs_person_since": None}
    if ban:
        changes["taken_down_at"] = timezone.now()
    if not row.move(Status.DONE, held=True, **changes):
        return
    Video.objects.create(
        generation=row,
        key=row.video_key,
        poster_key=row.poster_key,
        **facts(video),
    )
    if ban:
        row.events.create(status=row.status, message=f"Taken down: this file was banned. {ban.reason}")
        open_case(row, Cause.BANNED)
    elif Generation.objects.filter(pk=row.pk, awaits_review=True).exists():
        open_case(row, Cause.REVIEW)


def facts(video: MirroredVideo) -> dict[str, Any]:
    """What a Video row says of the file itself, and of what was made from it."""
    measured = ("size", "sha256", "content_type", "width", "height", "duration", "fps", "codec")
    names = (*measured, "preview_key", "placeholder")
    return {name: getattr(video, name) for name in names}


def _not_copied(row: Generation, error: MirrorError) -> None:
    """The video was paid for, so it is never given up by itself: each try is announced, the next comes later.

    What fails again and again for long is for an admin, who can have it tried again or give it up.
    """
    logger.warning("Not copied: %s", error)
    attempts = row.attempts + 1
    news: dict[str, Any] = {"attempts": attempts, "reason": error.reason, "message": str(error)}
    if attempts < TRIES_BEFORE_A_PERSON or not _is_old(row):
        row.put_off(schedule.retry_delay(attempts), **news)
        return
    news["needs_person_since"] = row.needs_person_since or timezone.now()
    news["message"] = f"{error} {attempts} tries have failed; an admin has been asked to look."
    row.put_off(schedule.seldom(), **news)


def _is_old(row: Generation) -> bool:
    """Whether it was made so long ago that more than a passing trouble keeps it away."""
    since = timezone.now() - schedule.COPY_SHOULD_TAKE
    return row.events.filter(status=Status.MIRRORING, at__lt=since).exists()
