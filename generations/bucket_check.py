"""Check whether the bucket takes videos, by a small object that is sent as copies are, and say what to do."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Final

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.cache import cache

from generations import bucket
from generations.mirror import Bucket, MirrorError, upload
from generations.mirror.transfer_rate import MIN_RATE, Pace

CONTENT: Final = b"Kling Studio looks whether it can write here."
PREFIX: Final = "trial/"
CACHE_SECONDS: Final = 60.0  # s

_TIMEOUT: Final = httpx.Timeout(10)

# S3's codes (API reference, Error responses) and what to do about each
_HINTS: Final[dict[str, str]] = {
    "NoSuchBucket": "There is no bucket {bucket} in {region}. Make it, or set AWS_STORAGE_BUCKET_NAME.",
    "RequestTimeTooSkewed": "This machine's clock is wrong. Set it, best by NTP.",
    "RequestExpired": "This machine's clock is wrong. Set it, best by NTP.",
    "InvalidAccessKeyId": "The bucket doesn't know AWS_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY doesn't belong to the key, or a proxy changes the host.",
    "ExpiredToken": "The temporary keys have run out. Renew them with AWS_SESSION_TOKEN, or use the machine's role.",
    "InvalidToken": "AWS_SESSION_TOKEN doesn't belong to the key.",
    "AccessDenied": "The key may not do this ({right}). Allow it in the bucket's policy.",
    "Forbidden": "The key may not do this ({right}). Allow it in the bucket's policy.",
    "403": "The key may not do this ({right}). Allow it in the bucket's policy.",
}
_WRONG_REGION_CODES: Final = (
    *("PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraint", "AuthorizationHeaderMalformed"),
    *("AuthorizationQueryParametersError", "Moved Permanently", "HTTP 301", "HTTP 307", "301"),
)

_PROBLEM_KEY: Final = "bucket-trial:problem"

_last_good: Final[dict[str, float]] = {}  # by bucket, when (of the monotonic clock) it took all of it


class BucketCheckError(Exception):
    """A step of the trial failed; str() names it and says what to do."""


def check_bucket() -> None:
    """The trial, at most once a minute while it succeeds, since each costs a little; else whether the bucket answers.

    Raises BucketCheckError.
    """
    if time.monotonic() - _last_good.get(bucket.name(), -CACHE_SECONDS) >= CACHE_SECONDS:
        try_bucket()
        _last_good[bucket.name()] = time.monotonic()
        return
    _check_exists()


def known_problem() -> str:
    """What the studio's newest trial found wrong, empty when nothing; for pages, which make at most one a minute."""
    key = f"{_PROBLEM_KEY}:{bucket.name()}"
    found: str | None = cache.get(key)
    if found is None:
        found = _problem()
        cache.set(key, found, CACHE_SECONDS)
    return found


def _problem() -> str:
    try:
        try_bucket()
    except BucketCheckError as error:
        return str(error)
    return ""


def try_bucket() -> None:
    """Presigned PUT, HEAD, Range GET by a presigned address, DELETE. Raises BucketCheckError."""
    _check_exists()
    key = f"{PREFIX}{uuid.uuid4()}"
    _step("PUT", "s3:PutObject", lambda: _put(key))
    try:
        _step("HEAD", "s3:GetObject", lambda: _expect(bucket.size(key) == len(CONTENT), "another length came back"))
        _step("Range GET", "s3:GetObject", lambda: _get(key))
    finally:
        _step("DELETE", "s3:DeleteObject", lambda: bucket.delete(key))


def _check_exists() -> None:
    """Some servers make a bucket for the first object that is sent. A key without the right to look may still write."""
    try:
        told = bucket.check()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise BucketCheckError(_hint("NoSuchBucket", "")) from error
        return
    except BotoCoreError as error:
        raise BucketCheckError(_error_text(error, "")) from error
    ours = bucket.client().meta
    if told not in ("", ours.region_name) and "amazonaws" in ours.endpoint_url:  # botocore has asked there by itself
        raise BucketCheckError(_region_hint(told))


def _put(key: str) -> None:
    with Pace(MIN_RATE) as pace:
        target = upload.Target(Bucket(bucket.client(), bucket.name()), key, "text/plain")
        upload.put(target, [CONTENT], len(CONTENT), pace)


def _get(key: str) -> None:
    """As a player asks; a server that knows no Range may answer with 200, but not with other bytes."""
    url = bucket.presigned_url(key, seconds=60)
    answer = upload.client().get(url, headers={"Range": "bytes=6-11"}, timeout=_TIMEOUT)
    if not answer.is_success:
        raise BucketCheckError(f"HTTP {answer.status_code}: {answer.text[:500]}")
    _expect(answer.content in (CONTENT[6:12], CONTENT), "other bytes came back")


def _expect(is_right: bool, otherwise: str) -> None:
    if not is_right:
        raise BucketCheckError(otherwise)


def _step(name: str, right: str, act: Callable[[], None]) -> None:
    try:
        act()
    except (MirrorError, ClientError, BotoCoreError, httpx.HTTPError, BucketCheckError) as error:
        raise BucketCheckError(f"{name}: {_error_text(error, right)}") from error


def _error_text(error: Exception, right: str) -> str:
    said = f"{error}".strip() or type(error).__name__
    if code := next((code for code in _HINTS if re.search(rf"\b{code}\b", said)), ""):
        return f"{_hint(code, right)} ({said})"
    if any(code in said for code in _WRONG_REGION_CODES):
        return f"{_region_hint(_read_region())} ({said})"
    return said


def _hint(code: str, right: str) -> str:
    return _HINTS[code].format(bucket=bucket.name(), region=settings.AWS_S3_REGION_NAME, right=right)


def _region_hint(there: str) -> str:
    ours = f"the studio asks in {settings.AWS_S3_REGION_NAME}"
    if there:
        return f"The bucket is in {there}, and {ours}: set AWS_S3_REGION_NAME={there}."
    return f"The bucket is in another region, and {ours}: set AWS_S3_REGION_NAME to its own."


def _read_region() -> str:
    """S3 tells it in a header of any answer about a bucket."""
    try:
        answer = upload.client().get(_bucket_address(), timeout=_TIMEOUT)
    except httpx.HTTPError:
        return ""
    return str(answer.headers.get("x-amz-bucket-region", ""))


def _bucket_address() -> str:
    url = bucket.client().generate_presigned_url("head_bucket", Params={"Bucket": bucket.name()}, ExpiresIn=60)
    return url.split("?")[0]
