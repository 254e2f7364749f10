"""One presigned PUT into the bucket, of a body that may be long."""

import os
import re
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import httpx

from generations.mirror.errors import MirrorError, Reason, storage_errors
from generations.mirror.transfer_rate import Pace

if TYPE_CHECKING:  # boto's types aren't installed in production
    from mypy_boto3_s3 import S3Client

CACHE_CONTROL: Final = "private, max-age=31536000, immutable"  # a key's content never changes
TIMEOUT: Final = httpx.Timeout(20, connect=10, read=300)  # a server may want time to put a large body together
ANSWER_SECONDS: Final = 15.0  # and so much more for each of these bytes; `pace` breaks it off after that
ANSWER_RATE: Final = 5_000_000  # bytes a second


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where to: a client is dear (3 ms) and safe to share between threads. Give it `signature_version="s3v4"`."""

    client: "S3Client"
    name: str


@dataclass(frozen=True, slots=True)
class Target:
    """One object to be."""

    bucket: Bucket
    key: str
    media_type: str


def put(target: Target, body: Iterable[bytes], size: int, pace: Pace) -> None:
    """A body that raises leaves no object behind: S3 takes a PUT whole or not at all. Raises MirrorError."""
    headers = {"Content-Type": target.media_type, "Cache-Control": CACHE_CONTROL, "Content-Length": str(size)}
    with storage_errors():
        response = client().put(
            _presigned_url(target),
            content=_body_then_idle(body, size, pace),
            headers=headers,
            extensions={"trace": pace.trace},
        )
    if not response.is_success:
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, f"The bucket refused the video: {_error_text(response)}")


def _body_then_idle(body: Iterable[bytes], size: int, pace: Pace) -> Iterator[bytes]:
    yield from body
    pace.allow_idle(ANSWER_SECONDS + size / ANSWER_RATE)


def _presigned_url(target: Target) -> str:
    """S3 looks at the expiry when the request begins; how long the upload takes doesn't matter."""
    wanted = {
        "Bucket": target.bucket.name,
        "Key": target.key,
        "ContentType": target.media_type,
        "CacheControl": CACHE_CONTROL,
    }
    return target.bucket.client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=600)


def _error_text(response: httpx.Response) -> str:
    """S3's code and message, out of its XML."""
    found = [re.search(rf"<{tag}>([^<]*)</{tag}>", response.text) for tag in ("Code", "Message")]
    return ": ".join(match[1] for match in found if match) or f"HTTP {response.status_code}"


@cache
def client() -> httpx.Client:
    """One for all threads. Certificates as boto reads them, for a bucket behind a private authority.

    Connections aren't kept: one that S3 has closed meanwhile would cost a whole body, which can't be sent twice.
    """
    certificates = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    return httpx.Client(verify=certificates, timeout=TIMEOUT, limits=httpx.Limits(max_keepalive_connections=0))


os.register_at_fork(after_in_child=client.cache_clear)  # two processes must not share a pool's sockets
