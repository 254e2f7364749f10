"""The team's bucket, through Django's default storage. Knows no models."""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from django.core.files.storage import default_storage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

IMMUTABLE = "private, max-age=31536000, immutable"


@cache
def client() -> "S3Client":
    """One client for all threads: it is thread-safe, and a new session each would cost 100 ms."""
    return cast("S3Client", cast("Any", default_storage).connection.meta.client)


def name() -> str:
    return str(cast("Any", default_storage).bucket_name)


def put(key: str, data: bytes, media_type: str) -> None:
    client().put_object(Bucket=name(), Key=key, Body=data, ContentType=media_type, CacheControl=IMMUTABLE)


def get(key: str) -> bytes:
    return client().get_object(Bucket=name(), Key=key)["Body"].read()


def size(key: str) -> int:
    """Bytes of the object. Raises botocore's ClientError when there is none."""
    return client().head_object(Bucket=name(), Key=key)["ContentLength"]


def open_range(key: str, first: int, last: int) -> "GetObjectOutputTypeDef":
    """The object's bytes from `first` to `last`, both included."""
    return client().get_object(Bucket=name(), Key=key, Range=f"bytes={first}-{last}")


def copy(source: str, target: str) -> None:
    """Copy inside the bucket; harmless when repeated."""
    client().copy_object(Bucket=name(), Key=target, CopySource={"Bucket": name(), "Key": source})


def presigned(key: str, *, seconds: int, **response_headers: str) -> str:
    """An address that answers without sign-in for `seconds`; e.g. `ResponseContentDisposition="attachment"`."""
    parameters = {"Bucket": name(), "Key": key, **response_headers}
    return client().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


def check() -> None:
    """Raises botocore's errors when the bucket does not answer."""
    client().head_bucket(Bucket=name())
