"""Copy one file from the provider into the bucket: a streaming GET into one presigned PUT, hashed on the way.

Of eighteen methods tried this was the fastest and the leanest; no more than a piece of 64 KB is held at a time.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Final

from generations.mirror.errors import MirrorError, Reason, storage_errors
from generations.mirror.mp4_boxes import Outline
from generations.mirror.source import Source
from generations.mirror.transfer_rate import Pace, min_rate_for
from generations.mirror.upload import Bucket, Target, put

PROGRESS_INTERVAL: Final = 0.25  # seconds between two calls of `on_progress`

OnProgress = Callable[[int, int | None], None]  # bytes copied, bytes in all if known


@dataclass(frozen=True, slots=True)
class CopyResult:
    size: int  # bytes
    sha256: str  # hexadecimal
    content_type: str
    missing: int = 0  # bytes at the file's end, by its own outline
    has_uuid: bool = False  # a box that may hold Content Credentials


class Progress:
    """Calls `on_progress` about four times a second, however often it is told; what that raises ends the copy."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._due = 0.0

    def __call__(self, copied: int, total: int | None) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + PROGRESS_INTERVAL
            self._on_progress(copied, total)


def copy_file(
    source: str,
    *,
    bucket: Bucket,
    key: str,
    trusted_origins: frozenset[str],
    max_bytes: int,
    on_progress: OnProgress,
    attempt: int = 0,
) -> CopyResult:
    """Copies a video file; the object appears at `key` when its last byte has arrived, replacing what was there.

    What isn't a video by its first bytes never reaches the bucket. `on_progress` gets the bytes copied and, where
    the provider tells it, their total. A copy below `min_rate_for(attempt)` is aborted. Raises MirrorError.
    """
    progress = Progress(on_progress)
    with (
        _enforce_pace(min_rate_for(attempt)) as pace,
        Source(source, trusted_origins=trusted_origins, max_bytes=max_bytes, pace=pace) as file,
    ):
        passing = _HashingReader(file, pace)
        target = Target(bucket, key, file.media_type)
        if file.total is None:
            _spool_to_disk(passing, target, progress)
        else:
            put(target, passing.read_pieces(progress, file.total), file.total, pace)
    _check_stored(bucket, key, passing.size)
    on_progress(passing.size, passing.size)
    outline = passing.outline
    return CopyResult(passing.size, passing.sha256.hexdigest(), file.media_type, outline.missing, outline.has_uuid)


@contextmanager
def _enforce_pace(min_rate: float) -> Iterator[Pace]:
    """Turn the error of a connection that was aborted for its slowness into one that tells which side was slow."""
    with Pace(min_rate) as pace:
        try:
            yield pace
        except MirrorError as error:
            if not pace.is_too_slow:
                raise
            is_bucket = pace.is_bucket_slower
            who = "bucket" if is_bucket else "provider's server"
            sentence = f"The {who} moved less than {min_rate / 1000:g} kB a second, so the copy was broken off."
            reason = Reason.STORAGE_UNAVAILABLE if is_bucket else Reason.SOURCE_UNAVAILABLE
            raise MirrorError(reason, sentence) from error


class _HashingReader:
    """Counts, hashes and outlines the pieces that pass through."""

    def __init__(self, pieces: Iterable[bytes], pace: Pace) -> None:
        self.pace = pace
        self.size = 0
        self.sha256 = hashlib.sha256()
        self.outline = Outline()
        self._pieces = pieces

    def read_pieces(self, progress: Progress, total: int | None) -> Iterator[bytes]:
        for piece in self.pace.track_source(self._pieces):
            self.size += len(piece)
            self.sha256.update(piece)
            self.outline.add(piece)
            self.pace.add_bytes(len(piece))
            progress(self.size, total)
            yield piece


def _spool_to_disk(passing: _HashingReader, target: Target, progress: Progress) -> None:
    """S3 wants to know the length first, and this provider's server doesn't tell it."""
    with tempfile.TemporaryFile() as spool:
        for piece in passing.read_pieces(progress, None):
            spool.write(piece)
        spool.seek(0)
        blocks = _blocks(spool, passing.pace, partial(progress, passing.size, passing.size))
        put(target, blocks, passing.size, passing.pace)


def _blocks(file: IO[bytes], pace: Pace, beat: Callable[[], None]) -> Iterator[bytes]:
    while block := file.read(1 << 16):
        pace.add_bytes(len(block))
        beat()
        yield block


def _check_stored(bucket: Bucket, key: str, size: int) -> None:
    with storage_errors():
        stored = bucket.client.head_object(Bucket=bucket.name, Key=key)["ContentLength"]
    if stored != size:
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, f"The bucket kept {stored:,} of the video's {size:,} bytes.")
