"""Copies a finished video into the team's bucket in constant memory, checks it there, and makes its poster.

Knows no models, no RQ, no Django.
"""

from dataclasses import dataclass
from functools import partial

from generations.mirror.copying import (
    CACHE_CONTROL,
    Bucket,
    Copied,
    OnProgress,
    Progress,
    copy_file,
)
from generations.mirror.errors import MirrorError, Reason, storage_errors
from generations.mirror.probing import Poster, Probe, poster, probe
from generations.mirror.stored import StoredFile

__all__ = [
    "Bucket",
    "Copied",
    "MirrorError",
    "MirroredVideo",
    "OnProgress",
    "Poster",
    "Probe",
    "Reason",
    "StoredFile",
    "copy_file",
    "make_poster",
    "mirror_video",
    "poster",
    "probe",
    "storage_errors",
]


@dataclass(frozen=True, slots=True)
class MirroredVideo:
    size: int  # bytes
    sha256: str  # hexadecimal
    content_type: str
    width: int  # pixels
    height: int
    duration: float  # seconds
    fps: float
    codec: str
    poster_width: int  # pixels
    poster_height: int


def mirror_video(
    source: str,
    *,
    bucket: Bucket,
    video_key: str,
    poster_key: str,
    trusted_origins: frozenset[str],
    max_bytes: int,
    on_progress: OnProgress,
) -> MirroredVideo:
    """Copies the file at `source`, decodes all of what then lies in the bucket, and stores a poster beside it.

    `on_progress(copied, total)` is called about four times a second, also while the copy is being decoded; what it
    raises ends the work and reaches the caller. Doing all this again, even twice at once, is harmless. A video that
    doesn't decode stays in the bucket: the next try replaces it, and a person can look at it. Raises MirrorError.
    """
    copied = copy_file(
        source,
        bucket=bucket,
        key=video_key,
        trusted_origins=trusted_origins,
        max_bytes=max_bytes,
        on_progress=on_progress,
    )
    with StoredFile(bucket, video_key, copied.size) as stored:
        found = probe(stored, on_frame=partial(Progress(on_progress), copied.size, copied.size))
        picture = poster(stored)
    _store_poster(bucket, poster_key, picture)
    return MirroredVideo(
        size=copied.size,
        sha256=copied.sha256,
        content_type=copied.content_type,
        width=found.width,
        height=found.height,
        duration=found.duration,
        fps=found.fps,
        codec=found.codec,
        poster_width=picture.width,
        poster_height=picture.height,
    )


def make_poster(bucket: Bucket, *, video_key: str, video_size: int, poster_key: str) -> None:
    """Makes the poster of a video that lies in the bucket once more. Raises MirrorError."""
    with StoredFile(bucket, video_key, video_size) as stored:
        picture = poster(stored)
    _store_poster(bucket, poster_key, picture)


def _store_poster(bucket: Bucket, key: str, picture: Poster) -> None:
    with storage_errors():
        bucket.client.put_object(
            Bucket=bucket.name, Key=key, Body=picture.data, ContentType="image/webp", CacheControl=CACHE_CONTROL
        )
