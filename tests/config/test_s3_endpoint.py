"""What the environment makes of a presigned address: host and path, for AWS under its names and for other providers."""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from tests.config.test_settings import problems, read
from tests.environment import without_ours

KEYS = {"AWS_STORAGE_BUCKET_NAME": "videos", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in set(os.environ) - set(without_ours()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.delitem(sys.modules, "config.settings")


def signed(values: dict[str, Any], method: str) -> str:
    client = boto3.client(
        "s3",
        endpoint_url=values["AWS_S3_ENDPOINT_URL"],
        region_name=values["AWS_S3_REGION_NAME"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=values["AWS_SESSION_TOKEN"],
        config=values["STORAGES"]["default"]["OPTIONS"]["client_config"],
    )
    parameters = {"Bucket": values["AWS_STORAGE_BUCKET_NAME"], "Key": "a/b.mp4"}
    return client.generate_presigned_url(method, Params=parameters, ExpiresIn=60)


AWS = [
    *(
        ({"AWS_S3_REGION_NAME": region}, f"videos.s3.{region}.amazonaws.com/a/b.mp4", region)
        for region in (
            *("us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-southeast-1", "sa-east-1"),
            *("me-south-1", "af-south-1", "eu-south-1", "ap-east-1", "il-central-1", "ca-west-1", "mx-central-1"),
            *("eu-south-2", "ap-southeast-5", "me-central-1", "us-gov-west-1"),
        )
    ),
    ({}, "videos.s3.us-east-1.amazonaws.com/a/b.mp4", "us-east-1"),
    ({"AWS_REGION": "af-south-1"}, "videos.s3.af-south-1.amazonaws.com/a/b.mp4", "af-south-1"),
    ({"AWS_DEFAULT_REGION": "ca-west-1"}, "videos.s3.ca-west-1.amazonaws.com/a/b.mp4", "ca-west-1"),
    (
        {"AWS_S3_REGION_NAME": "eu-south-1", "AWS_REGION": "us-east-1"},
        *("videos.s3.eu-south-1.amazonaws.com/a/b.mp4", "eu-south-1"),
    ),
    ({"AWS_S3_REGION_NAME": "cn-north-1"}, "videos.s3.cn-north-1.amazonaws.com.cn/a/b.mp4", "cn-north-1"),
    ({"AWS_S3_REGION_NAME": "eusc-de-east-1"}, "videos.s3.eusc-de-east-1.amazonaws.eu/a/b.mp4", "eusc-de-east-1"),
    (  # no certificate covers a dot, so the path has the name
        {"AWS_STORAGE_BUCKET_NAME": "my.studio.videos", "AWS_S3_REGION_NAME": "me-south-1"},
        *("s3.me-south-1.amazonaws.com/my.studio.videos/a/b.mp4", "me-south-1"),
    ),
    (
        {"AWS_STORAGE_BUCKET_NAME": "my.studio.videos"},
        *("s3.us-east-1.amazonaws.com/my.studio.videos/a/b.mp4", "us-east-1"),
    ),
    (
        {"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_S3_REGION_NAME": "eu-west-1"},
        *("videos.s3.dualstack.eu-west-1.amazonaws.com/a/b.mp4", "eu-west-1"),
    ),
    (
        {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_S3_REGION_NAME": "us-gov-east-1"},
        *("videos.s3-fips.us-gov-east-1.amazonaws.com/a/b.mp4", "us-gov-east-1"),
    ),
]
AWS_BY_ADDRESS = [
    ("https://s3.amazonaws.com", "videos.s3.us-east-1.amazonaws.com"),
    ("https://s3.eu-central-1.amazonaws.com", "videos.s3.eu-central-1.amazonaws.com"),
    ("https://s3.eu-central-1.amazonaws.com/", "videos.s3.eu-central-1.amazonaws.com"),
    ("https://s3-eu-west-1.amazonaws.com", "videos.s3.eu-west-1.amazonaws.com"),
    ("https://s3-external-1.amazonaws.com", "videos.s3.us-east-1.amazonaws.com"),
    ("https://videos.s3.eu-south-1.amazonaws.com", "videos.s3.eu-south-1.amazonaws.com"),
    ("https://S3.EU-South-1.amazonaws.com", "videos.s3.eu-south-1.amazonaws.com"),
    ("https://s3.dualstack.eu-west-1.amazonaws.com", "videos.s3.dualstack.eu-west-1.amazonaws.com"),
    ("https://s3-fips.us-gov-west-1.amazonaws.com", "videos.s3-fips.us-gov-west-1.amazonaws.com"),
    ("https://s3-fips.dualstack.us-east-2.amazonaws.com", "videos.s3-fips.dualstack.us-east-2.amazonaws.com"),
    ("https://s3-accelerate.amazonaws.com", "videos.s3-accelerate.amazonaws.com"),
    ("https://s3.cn-north-1.amazonaws.com.cn", "videos.s3.cn-north-1.amazonaws.com.cn"),
]
OTHERS = [
    ("https://minio.example.com:9000", "minio.example.com:9000/videos", "us-east-1"),
    ("http://127.0.0.1:9000", "127.0.0.1:9000/videos", "us-east-1"),
    ("https://minio.example.com/videos", "minio.example.com/videos", "us-east-1"),
    ("https://x.supabase.co/storage/v1/s3", "x.supabase.co/storage/v1/s3/videos", "us-east-1"),
    ("https://abc.r2.cloudflarestorage.com", "abc.r2.cloudflarestorage.com/videos", "auto"),
    ("https://abc.eu.r2.cloudflarestorage.com", "abc.eu.r2.cloudflarestorage.com/videos", "auto"),
    ("https://s3.eu-central-1.wasabisys.com", "s3.eu-central-1.wasabisys.com/videos", "eu-central-1"),
    ("https://videos.s3.eu-central-1.wasabisys.com", "s3.eu-central-1.wasabisys.com/videos", "eu-central-1"),
    ("https://s3.us-west-004.backblazeb2.com", "s3.us-west-004.backblazeb2.com/videos", "us-west-004"),
    ("https://s3.fr-par.scw.cloud", "s3.fr-par.scw.cloud/videos", "fr-par"),
    ("https://fra1.digitaloceanspaces.com", "fra1.digitaloceanspaces.com/videos", "us-east-1"),
    ("https://videos.fra1.digitaloceanspaces.com", "fra1.digitaloceanspaces.com/videos", "us-east-1"),
    ("https://s3.my-company.com", "s3.my-company.com/videos", "us-east-1"),
    ("https://s3.oss-cn-hangzhou.aliyuncs.com", "videos.s3.oss-cn-hangzhou.aliyuncs.com", "us-east-1"),
]


def expect(values: dict[str, Any], host_and_path: str, region: str) -> None:
    """The same for what is sent and what is fetched, signed for the region."""
    for method in ("put_object", "get_object"):
        parts = urlsplit(signed(values, method))
        assert parts.netloc + parts.path == host_and_path
        assert parse_qs(parts.query)["X-Amz-Credential"][0].split("/")[2] == region


@pytest.mark.parametrize(("environment", "host_and_path", "region"), AWS)
def test_aws(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host_and_path: str, region: str) -> None:
    expect(read(monkeypatch, **(KEYS | environment)), host_and_path, region)


@pytest.mark.parametrize(("url", "host"), AWS_BY_ADDRESS)
def test_aws_by_an_address_of_its_own(monkeypatch: pytest.MonkeyPatch, url: str, host: str) -> None:
    values = read(monkeypatch, **KEYS, AWS_S3_ENDPOINT_URL=url)
    assert urlsplit(signed(values, "put_object")).netloc == host
    assert urlsplit(signed(values, "get_object")).path == "/a/b.mp4"


@pytest.mark.parametrize(("url", "host_and_bucket", "region"), OTHERS)
@pytest.mark.parametrize("of_aws", [{}, {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}])
def test_other_providers(
    monkeypatch: pytest.MonkeyPatch, url: str, host_and_bucket: str, region: str, of_aws: dict[str, str]
) -> None:
    expect(read(monkeypatch, **KEYS, **of_aws, AWS_S3_ENDPOINT_URL=url), f"{host_and_bucket}/a/b.mp4", region)


def test_region_that_is_named_holds_at_other_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"AWS_S3_ENDPOINT_URL": "https://s3.eu-central-1.wasabisys.com", "AWS_S3_REGION_NAME": "here-1"}
    expect(read(monkeypatch, **KEYS, **environment), "s3.eu-central-1.wasabisys.com/videos/a/b.mp4", "here-1")


def test_two_regions_of_aws_contradict(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"AWS_S3_ENDPOINT_URL": "https://s3.eu-south-1.amazonaws.com", "AWS_S3_REGION_NAME": "us-east-1"}
    assert problems(monkeypatch, **KEYS, **environment) == [
        "AWS_S3_REGION_NAME: must be eu-south-1, as AWS_S3_ENDPOINT_URL says"
    ]


def test_token_of_temporary_keys_is_signed_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    values = read(monkeypatch, **KEYS, AWS_SESSION_TOKEN="of today")
    assert parse_qs(urlsplit(signed(values, "put_object")).query)["X-Amz-Security-Token"] == ["of today"]


def test_nothing_of_a_developers_aws_reaches_the_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"AWS_SESSION_TOKEN": "theirs", "AWS_REGION": "eu-south-1", "AWS_USE_FIPS_ENDPOINT": "true"}
    values = read(monkeypatch, **theirs)
    address = urlsplit(signed(values, "put_object"))
    assert (address.hostname, "X-Amz-Security-Token" in address.query) == ("127.0.0.1", False)
