"""Whether the bucket takes videos is tried on their very way, and what fails is said so that a person can mend it."""

import re
from typing import Any

import boto3
import pytest
from botocore.config import Config
from django.core.cache import cache

from devserver.s3 import S3Address
from generations import bucket
from generations.bucket_check import PREFIX, BucketCheckError, known_problem, try_bucket
from tests.scripted_server import Reply, scripted_server

pytestmark = pytest.mark.django_db


def aim(monkeypatch: pytest.MonkeyPatch, s3: S3Address, **changes: str) -> None:
    arguments: dict[str, Any] = {
        "endpoint_url": s3.endpoint_url,
        "aws_access_key_id": s3.access_key,
        "aws_secret_access_key": s3.secret_key,
        "region_name": s3.region,
    } | changes
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    client = boto3.client("s3", config=config, **arguments)
    monkeypatch.setattr(bucket, "client", lambda: client)


def refused(monkeypatch: pytest.MonkeyPatch, s3: S3Address, reply: Reply) -> str:
    with scripted_server() as server:
        server.will(reply)
        aim(monkeypatch, s3, endpoint_url=server.url)
        with pytest.raises(BucketCheckError) as caught:
            try_bucket()
    return str(caught.value)


def xml(status: int, code: str, region: str = "") -> Reply:
    headers = {"x-amz-bucket-region": region} if region else {}
    return Reply(status, f"<Error><Code>{code}</Code><Message>In S3's words</Message></Error>".encode(), headers)


def test_it_leaves_nothing_behind(s3: S3Address) -> None:
    try_bucket()
    assert list(bucket.list_objects(PREFIX)) == []


def test_wrong_secret(monkeypatch: pytest.MonkeyPatch, s3: S3Address) -> None:
    aim(monkeypatch, s3, aws_secret_access_key="stolen")
    with pytest.raises(BucketCheckError, match="AWS_SECRET_ACCESS_KEY doesn't belong to the key"):
        try_bucket()


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, s3: S3Address) -> None:
    aim(monkeypatch, s3, endpoint_url="http://127.0.0.1:9")
    with pytest.raises(BucketCheckError, match=r"(?i)connect"):
        try_bucket()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (xml(403, "RequestTimeTooSkewed"), "clock is wrong"),
        (xml(403, "AccessDenied"), "may not do this (s3:PutObject)"),
        (xml(404, "NoSuchBucket"), "There is no bucket kling-studio"),
        (xml(403, "InvalidAccessKeyId"), "doesn't know AWS_ACCESS_KEY_ID"),
        (xml(400, "ExpiredToken"), "have run out"),
        (xml(400, "IllegalLocationConstraintException", "me-south-1"), "set AWS_S3_REGION_NAME=me-south-1"),
        (xml(307, "TemporaryRedirect", "eu-west-1"), "set AWS_S3_REGION_NAME=eu-west-1"),
        (xml(301, "PermanentRedirect", "eu-west-1"), "set AWS_S3_REGION_NAME=eu-west-1"),
        (xml(400, "AuthorizationQueryParametersError", "il-central-1"), "set AWS_S3_REGION_NAME=il-central-1"),
        (Reply(502, b"<html>Bad gateway</html>"), "HTTP 502"),
    ],
)
def test_steps_say_what_to_do(monkeypatch: pytest.MonkeyPatch, s3: S3Address, reply: Reply, words: str) -> None:
    said = refused(monkeypatch, s3, reply)
    assert re.match("PUT: ", said)
    assert words in said


def test_pages_ask_the_bucket_once_a_minute(monkeypatch: pytest.MonkeyPatch, s3: S3Address) -> None:
    cache.clear()
    aim(monkeypatch, s3, aws_secret_access_key="stolen")
    problem = known_problem()
    aim(monkeypatch, s3)

    assert problem == known_problem() != ""
    cache.clear()  # a minute later
    assert known_problem() == ""
