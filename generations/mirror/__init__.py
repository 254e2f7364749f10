"""Copies a finished video into the team's bucket in constant memory, checks it there, and makes its poster and preview.

Knows no models, no RQ, no Django.
"""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Final

from generations.mirror.content_credentials import ContentCredentials, read_content_credentials
from generations.mirror.errors import MirrorError, Reason, storage_errors
from generations.mirror.media_info import Poster, Probe, poster, probe, undecodable_error
from generations.mirror.previews import placeholder, preview
from generations.mirror.s3_file import StoredFile
from generations.mirror.stills import extract_frame
from generations.mirror.transfer import CopyResult, OnProgress, Progress, copy_file
from generations.mirror.upload import CACHE_CONTROL, Bucket

__all__ = [
    "Bucket",
    "CopyResult",
    "MirrorError",
    "MirroredVideo",
    "OnProgress",
    "Poster",
    "Probe",
    "Reason",
    "StoredFile",
    "copy_file",
    "extract_frame",
    "make_poster",
    "make_preview",
    "mirror_video",
    "placeholder",
    "poster",
    "preview",
    "probe",
    "storage_errors",
]

logger: Final = logging.getLogger(__name__)

_PREVIEW_TYPE: Final = "video/mp4"


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
    preview_key: str  # empty when no preview could be made
    placeholder: str  # a data: address
    content_credentials: str = ""  # "valid", "invalid", or empty: the file has none
    credentials_issuer: str = ""


def mirror_video(  # noqa: PLR0913 - nine different things
    source: str,
    *,
    bucket: Bucket,
    video_key: str,
    poster_key: str,
    preview_key: str,
    trusted_origins: frozenset[str],
    max_bytes: int,
    on_progress: OnProgress,
    attempt: int = 0,
) -> MirroredVideo:
    """Copies the file at `source`, decodes all of what then lies there, and stores a poster and a preview beside it.

    `on_progress(copied, total)` is called about four times a second, also while the copy is being decoded; what it
    raises ends the work and reaches the caller. Doing all this again, even twice at once, is harmless. A video that
    doesn't decode stays in the bucket: the next try replaces it, and a person can look at it. A preview that can't
    be made is no reason to do without the video. Raises MirrorError.
    """
    copied = copy_file(
        source,
        bucket=bucket,
        key=video_key,
        trusted_origins=trusted_origins,
        max_bytes=max_bytes,
        on_progress=on_progress,
        attempt=attempt,
    )
    if copied.missing:
        raise undecodable_error(f"the last {copied.missing:,} bytes of it are missing")
    with StoredFile(bucket, video_key, copied.size) as stored:
        found = probe(stored, on_frame=partial(Progress(on_progress), copied.size, copied.size))
        picture = poster(stored)
        _store(bucket, poster_key, picture.data, "image/webp")
        has_preview = _try_preview(bucket, stored, preview_key)
        signed = _read_credentials(stored, copied)
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
        preview_key=preview_key if has_preview else "",
        placeholder=placeholder(picture),
        content_credentials=signed.state,
        credentials_issuer=signed.issuer,
    )


def make_poster(bucket: Bucket, *, video_key: str, video_size: int, poster_key: str) -> None:
    """Makes the poster of a video that lies in the bucket once more. Raises MirrorError."""
    with StoredFile(bucket, video_key, video_size) as stored:
        picture = poster(stored)
    _store(bucket, poster_key, picture.data, "image/webp")


def make_preview(bucket: Bucket, *, video_key: str, video_size: int, preview_key: str) -> str:
    """Makes the preview of a video that lies in the bucket; its placeholder comes back. Raises MirrorError."""
    with StoredFile(bucket, video_key, video_size) as stored:
        _store(bucket, preview_key, preview(stored), _PREVIEW_TYPE)
        return placeholder(poster(stored))


def _read_credentials(stored: StoredFile, copied: CopyResult) -> ContentCredentials:
    """Most files have no box for them, and are not read once more."""
    return read_content_credentials(stored, copied.content_type) if copied.has_uuid else ContentCredentials()


def _try_preview(bucket: Bucket, stored: StoredFile, key: str) -> bool:
    try:
        _store(bucket, key, preview(stored), _PREVIEW_TYPE)
    except MirrorError as error:
        logger.warning("No preview: %s", error)
        return False
    return True


def _store(bucket: Bucket, key: str, data: bytes, content_type: str) -> None:
    with storage_errors():
        bucket.client.put_object(
            Bucket=bucket.name, Key=key, Body=data, ContentType=content_type, CacheControl=CACHE_CONTROL
        )
