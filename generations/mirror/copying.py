"""One file, from the provider into the bucket: a streaming GET handed to one presigned PUT, hashed on the way.

Of eighteen ways tried this was the fastest and the leanest; no more than a piece of 64 KB is held at a time.
"""

import hashlib
import os
import re
import ssl
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import IO, TYPE_CHECKING, Final

import httpx

from generations.mirror.errors import MirrorError, Reason, storage_errors
from generations.mirror.source import Source

if TYPE_CHECKING:  # boto's types aren't installed in production
    from mypy_boto3_s3 import S3Client

VIDEO_TYPE: Final = "video/mp4"
CACHE_CONTROL: Final = "private, max-age=31536000, immutable"  # a key's content never changes
TIMEOUT: Final = httpx.Timeout(60, read=300)  # a server may want time to put a large body together
BEAT: Final = 0.25  # seconds between two calls of `on_progress`

OnProgress = Callable[[int, int | None], None]  # bytes copied, bytes in all if known


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where to: a client is dear (3 ms) and safe to share between threads. Give it `signature_version="s3v4"`."""

    client: "S3Client"
    name: str


@dataclass(frozen=True, slots=True)
class Copied:
    size: int  # bytes
    sha256: str  # hexadecimal
    content_type: str


class Progress:
    """Calls `on_progress` about four times a second, however often it is told; what that raises ends the copy."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._due = 0.0

    def __call__(self, copied: int, total: int | None) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + BEAT
            self._on_progress(copied, total)


def copy_file(
    source: str,
    *,
    bucket: Bucket,
    key: str,
    trusted_origins: frozenset[str],
    max_bytes: int,
    on_progress: OnProgress,
) -> Copied:
    """Copies an MP4 file; the object appears at `key` when its last byte has arrived, replacing what was there.

    What isn't an MP4 by type and first bytes never reaches the bucket. `on_progress` gets the bytes copied and, where
    the provider tells it, their total. Raises MirrorError.
    """
    progress = Progress(on_progress)
    with Source(source, trusted_origins=trusted_origins, max_bytes=max_bytes) as file:
        passing = _Hashed(file)
        if file.total is None:
            _by_way_of_disk(passing, bucket, key, progress)
        else:
            _put(bucket, key, passing.told(progress, file.total), file.total)
    _check_stored(bucket, key, passing.size)
    on_progress(passing.size, passing.size)
    return Copied(passing.size, passing.sha256.hexdigest(), VIDEO_TYPE)


class _Hashed:
    """Counts and hashes the pieces that pass through."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()
        self._pieces = pieces

    def told(self, progress: Progress, total: int | None) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            self.sha256.update(piece)
            progress(self.size, total)
            yield piece


def _by_way_of_disk(passing: _Hashed, bucket: Bucket, key: str, progress: Progress) -> None:
    """S3 wants to know the length first, and this provider's server doesn't tell it."""
    with tempfile.TemporaryFile() as spool:
        for piece in passing.told(progress, None):
            spool.write(piece)
        spool.seek(0)
        _put(bucket, key, _blocks(spool, partial(progress, passing.size, passing.size)), passing.size)


def _blocks(file: IO[bytes], beat: Callable[[], None]) -> Iterator[bytes]:
    while block := file.read(1 << 16):
        beat()
        yield block


def _put(bucket: Bucket, key: str, body: Iterator[bytes], size: int) -> None:
    """A body that raises leaves no object behind: S3 takes a PUT whole or not at all."""
    headers = {"Content-Type": VIDEO_TYPE, "Cache-Control": CACHE_CONTROL, "Content-Length": str(size)}
    with storage_errors():
        response = _client().put(_presigned(bucket, key), content=body, headers=headers)
    if not response.is_success:
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, f"The bucket refused the video: {_words(response)}")


def _presigned(bucket: Bucket, key: str) -> str:
    """S3 looks at the expiry when the request begins; how long the upload takes doesn't matter."""
    wanted = {"Bucket": bucket.name, "Key": key, "ContentType": VIDEO_TYPE, "CacheControl": CACHE_CONTROL}
    return bucket.client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=600)


def _words(response: httpx.Response) -> str:
    """S3's code and message, out of its XML."""
    found = [re.search(rf"<{tag}>([^<]*)</{tag}>", response.text) for tag in ("Code", "Message")]
    return ": ".join(match[1] for match in found if match) or f"HTTP {response.status_code}"


def _check_stored(bucket: Bucket, key: str, size: int) -> None:
    with storage_errors():
        stored = bucket.client.head_object(Bucket=bucket.name, Key=key)["ContentLength"]
    if stored != size:
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, f"The bucket kept {stored:,} of the video's {size:,} bytes.")


@cache
def _client() -> httpx.Client:
    """One for all threads. Certificates as boto reads them, for a bucket behind a private authority."""
    return httpx.Client(verify=ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE")), timeout=TIMEOUT)


os.register_at_fork(after_in_child=_client.cache_clear)  # two processes must not share a pool's sockets
