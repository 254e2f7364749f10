"""The team's bucket, through Django's default storage. Knows no models."""

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import default_storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

logger = logging.getLogger(__name__)

IMMUTABLE = "private, max-age=31536000, immutable"


class BucketDownError(Exception):
    """The bucket does not take a user's file; str() is a sentence for them, the cause has the bucket's own error."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    key: str
    size: int  # bytes
    modified_at: datetime


def client() -> "S3Client":
    """One client for all threads: it is thread-safe, and a new session each would cost 100 ms and 16 MB."""
    with _client_lock:
        return _client()


_client_lock: Final = threading.Lock()  # `cache` alone lets threads that begin together make one each


@cache
def _client() -> "S3Client":
    return cast("S3Client", cast("Any", default_storage).connection.meta.client)


def name() -> str:
    return str(cast("Any", default_storage).bucket_name)


def put(key: str, data: bytes, media_type: str) -> None:
    """Raises BucketDownError."""
    with _bucket_errors():
        client().put_object(Bucket=name(), Key=key, Body=data, ContentType=media_type, CacheControl=IMMUTABLE)


def put_webp(directory: str, data: bytes) -> str:
    """Under a key of its content, so that each picture has an address of its own. Raises BucketDownError."""
    key = f"{directory}/{hashlib.sha256(data).hexdigest()}.webp"
    put(key, data, "image/webp")
    return key


def get(key: str) -> bytes:
    return client().get_object(Bucket=name(), Key=key)["Body"].read()


def size(key: str) -> int:
    """Bytes of the object. Raises botocore's ClientError when there is none."""
    return client().head_object(Bucket=name(), Key=key)["ContentLength"]


def size_or_none(key: str) -> int | None:
    """Bytes of the object, None when there is none."""
    try:
        return size(key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def open_range(key: str, first: int, last: int) -> "GetObjectOutputTypeDef":
    """The object's bytes from `first` to `last`, both included."""
    return client().get_object(Bucket=name(), Key=key, Range=f"bytes={first}-{last}")


def copy(source: str, target: str) -> None:
    """Copy inside the bucket; harmless when repeated. Raises BucketDownError."""
    with _bucket_errors():
        client().copy_object(Bucket=name(), Key=target, CopySource={"Bucket": name(), "Key": source})


def delete(key: str) -> None:
    """Harmless when there is no such object."""
    client().delete_object(Bucket=name(), Key=key)


def list_objects(prefix: str) -> Iterator[StoredObject]:
    """Every object whose key begins so, a page of a thousand at a time. S3 sorts them by the keys' UTF-8 bytes."""
    for page in client().get_paginator("list_objects_v2").paginate(Bucket=name(), Prefix=prefix):
        for found in page.get("Contents", []):
            yield StoredObject(found["Key"], found["Size"], found["LastModified"])


def presigned_url(key: str, *, seconds: int, **response_headers: str) -> str:
    """An address that answers without sign-in for `seconds`; e.g. `ResponseContentDisposition="attachment"`."""
    parameters = {"Bucket": name(), "Key": key, **response_headers}
    return client().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


def origin() -> str:
    """Where presigned addresses lead, such as https://videos.s3.amazonaws.com; empty while there are no keys."""
    try:
        return _origin(client(), name())
    except BotoCoreError as error:
        logger.warning("The bucket's address is not known: %s", error)
        return ""


@cache
def _origin(asked: "S3Client", bucket: str) -> str:
    address = urlsplit(asked.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"}))
    return f"{address.scheme}://{address.netloc}"


def check() -> str:
    """The bucket's region where the server tells it, else nothing; raises botocore's errors when it doesn't answer."""
    return client().head_bucket(Bucket=name())["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", "")


@contextmanager
def _bucket_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise BucketDownError("The studio's bucket does not take pictures at the moment. Try again soon.") from error
