"""Copy fal's file into the bucket: in a thread, with its progress saved about once a second."""

import asyncio
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config.metrics import observe_copy
from generations import bucket
from generations.mirror import Bucket, MirroredVideo, MirrorError, mirror_video
from generations.models import BannedFile, Cause, Generation, Status, Video
from generations.moderation.cases import open_case
from generations.pipeline import schedule
from generations.pipeline.db_retry import with_db_retry

logger = logging.getLogger(__name__)

ATTEMPTS_BEFORE_ATTENTION: Final = 5
MAX_FAST_COPIES: Final = 16
MAX_COPIES: Final = 64  # with the slow ones, which hardly cost anything
MAX_SLOW_COPIES_PER_TEAM: Final = 8  # then its next copies wait until one of these has ended

_FAST_BYTES_PER_SECOND: Final = 250_000  # bytes a second
_GRACE_SECONDS: Final = 2.0  # s, in which every copy counts as a quick one
_DECODE_SECONDS: Final = 60.0  # s, to decode what has arrived

_PROGRESS_INTERVAL: Final = 1.0  # s


class LeaseLostError(Exception):
    """Another worker has taken the row over."""


class _Copy:
    """One copy in a thread of its own, and its progress so far.

    The thread may outlive the pass that began it, and the process needn't wait for it: to copy again is harmless.
    """

    def __init__(self, row: Generation) -> None:
        self.row = row
        self.copied = 0
        self.total = row.total_bytes
        self.lost = threading.Event()
        self.began = time.monotonic()
        self.result: Future[MirroredVideo] = Future()

    def begin(self) -> None:
        self.result.set_running_or_notify_cancel()
        context = copy_context()  # so that what it logs names its generation
        threading.Thread(target=context.run, args=(self._run,), name=f"copy-{self.row.pk}", daemon=True).start()

    @property
    def is_slow(self) -> bool:
        """Whether it waits for others more than it works; such a one takes nobody's place."""
        age = time.monotonic() - self.began
        is_here = self.total is not None and self.copied >= self.total > 0
        if is_here:
            return age > _DECODE_SECONDS
        return age > _GRACE_SECONDS and self.copied < _FAST_BYTES_PER_SECOND * age

    def _run(self) -> None:
        try:
            video = self._mirror()
        except BaseException as error:
            self._observe(_outcome_of(error))
            self.result.set_exception(error)
        else:
            self._observe("done")
            self.result.set_result(video)

    def _observe(self, outcome: str) -> None:
        observe_copy(outcome, time.monotonic() - self.began, self.copied)

    def _mirror(self) -> MirroredVideo:
        return mirror_video(
            self.row.source_url,
            bucket=Bucket(bucket.client(), bucket.name()),
            video_key=self.row.video_key,
            poster_key=self.row.poster_key,
            preview_key=self.row.preview_key,
            trusted_origins=settings.MIRROR_TRUSTED_ORIGINS,
            max_bytes=settings.MIRROR_MAX_BYTES,
            on_progress=self.report,
            attempt=self.row.attempts,
        )

    def report(self, copied: int, total: int | None) -> None:
        self.copied, self.total = copied, total
        if self.lost.is_set():
            raise LeaseLostError


def _outcome_of(error: BaseException) -> str:
    """A word for metrics."""
    if isinstance(error, MirrorError):
        return error.reason
    return "lease_lost" if isinstance(error, LeaseLostError) else "studio_error"


_active_copies: Final[list[_Copy]] = []  # of this process


def active_copies() -> list[_Copy]:
    return list(_active_copies)


def are_all_slow() -> bool:
    return all(copy.is_slow for copy in _active_copies)


def free_slots() -> int:
    """How many more may begin: the slow ones count only among themselves."""
    quick = sum(not copy.is_slow for copy in _active_copies)
    return max(0, min(MAX_FAST_COPIES - quick, MAX_COPIES - len(_active_copies)))


def teams_at_their_limit() -> list[uuid.UUID]:
    """Teams with so many slow copies that the next slots are for others."""
    slow = Counter(copy.row.team_id for copy in _active_copies if copy.is_slow)
    return [team for team, count in slow.items() if count >= MAX_SLOW_COPIES_PER_TEAM]


async def mirror(row: Generation, is_over: Callable[[], bool]) -> None:
    """Copy the file of a `mirroring` row that this worker has claimed; what lasts is left to the next pass."""
    copy = _Copy(row)
    _active_copies.append(copy)
    copy.begin()
    await follow(copy, is_over)


async def follow(copy: _Copy, is_over: Callable[[], bool]) -> None:
    """Write down how it goes, and what came of it; `is_over` tells when the pass wants to end."""
    ended = asyncio.wrap_future(copy.result)
    while not (await asyncio.wait([ended], timeout=_PROGRESS_INTERVAL))[0]:
        await with_db_retry(_save_progress, copy.row, copy)
        if is_over():
            return
    _active_copies.remove(copy)
    await _finish(copy.row, ended)


async def _finish(row: Generation, ended: "asyncio.Future[MirroredVideo]") -> None:
    try:
        video = ended.result()
    except MirrorError as error:
        await with_db_retry(_record_failure, row, error)
    except LeaseLostError:
        logger.warning("Another worker has taken over the copy")
    else:
        await with_db_retry(_save_video, row, video)


def _save_progress(row: Generation, copy: _Copy) -> None:
    """Write the progress down and keep the lease for another while."""
    until = timezone.now() + schedule.COPY_LEASE
    if not row.update_if_leased(lease_until=until, copied_bytes=copy.copied, total_bytes=copy.total):
        copy.lost.set()


@transaction.atomic
def _save_video(row: Generation, video: MirroredVideo) -> None:
    """It is in the bucket. A banned file is out of sight from its first moment; what is reviewed first awaits that."""
    ban = BannedFile.objects.filter(sha256=video.sha256).first()
    changes: dict[str, Any] = {"copied_bytes": video.size, "total_bytes": video.size}
    if ban:
        changes["taken_down_at"] = timezone.now()
    if not row.move(Status.DONE, leased=True, **changes):
        return
    Video.objects.create(
        generation=row,
        key=row.video_key,
        poster_key=row.poster_key,
        **video_fields(video),
    )
    if ban:
        row.events.create(status=row.status, message=f"Taken down: this file was banned. {ban.reason}")
        open_case(row, Cause.BANNED)
    elif Generation.objects.filter(pk=row.pk, awaits_review=True).exists():
        open_case(row, Cause.REVIEW)


def video_fields(video: MirroredVideo) -> dict[str, Any]:
    """What a Video row says of the file itself, and of what was made from it."""
    measured = ("size", "sha256", "content_type", "width", "height", "duration", "fps", "codec")
    names = (*measured, "preview_key", "placeholder", "content_credentials", "credentials_issuer")
    return {name: getattr(video, name) for name in names}


def _record_failure(row: Generation, error: MirrorError) -> None:
    """The video was paid for, so it is never given up by itself: each try is announced, the next comes later.

    What fails again and again for long is for an admin, who can have it tried again or give it up.
    """
    logger.warning("The video is not copied: %s", error)
    attempts = row.attempts + 1
    changes: dict[str, Any] = {"attempts": attempts, "reason": error.reason, "message": str(error)}
    if attempts < ATTEMPTS_BEFORE_ATTENTION or not _is_old(row):
        row.reschedule(schedule.retry_delay(attempts), **changes)
        return
    changes["needs_attention_since"] = row.needs_attention_since or timezone.now()
    changes["message"] = f"{error} {attempts} tries have failed; an admin has been asked to look."
    row.reschedule(schedule.slow_poll_delay(), **changes)


def _is_old(row: Generation) -> bool:
    """Whether it was made so long ago that more than a passing trouble keeps it away."""
    since = timezone.now() - schedule.COPY_OVERDUE_AFTER
    return row.events.filter(status=Status.MIRRORING, at__lt=since).exists()
