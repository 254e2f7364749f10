"""Upload and download, at the S3 servers of three providers, and at an AWS that is strict about regions."""

import socket
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from django.test import Client

from accounts.models import User
from config.s3_endpoint import endpoint
from devserver.s3 import S3Address
from generations import bucket
from generations.bucket_check import BucketCheckError, try_bucket
from generations.mirror import Bucket, MirrorError, upload
from generations.models import Generation, Status, Video
from tests.cast import make_generation, signed_in
from tests.generations.mirror.aws import FakeAws, fake_aws
from tests.generations.mirror.conftest import Mirror, bucket_at
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.s3_providers import S3_PROVIDERS
from tests.generations.mirror.videos import mp4


@pytest.fixture(scope="module", params=list(S3_PROVIDERS))
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Address]:
    with S3_PROVIDERS[request.param](tmp_path_factory.mktemp(request.param)) as address:
        yield address


def test_a_video_is_copied(storage: S3Address, provider: Provider) -> None:
    mirror = Mirror(bucket_at(storage), frozenset({provider.origin}))
    data = mp4(seconds=2, size=(640, 360))
    video = mirror.mirror(provider.serve(File(data, cuts=[9_000], chunked=False)))
    assert mirror.stored() == data
    assert (video.width, video.height, video.content_type) == (640, 360, "video/mp4")
    assert video.preview_key
    head = mirror.bucket.client.head_object(Bucket=storage.bucket, Key=mirror.key)
    assert head["ContentType"] == "video/mp4"


def test_of_unknown_length_too(storage: S3Address, provider: Provider) -> None:
    mirror = Mirror(bucket_at(storage), frozenset({provider.origin}))
    mirror.copy(provider.serve(File(mp4(), chunked=True)))
    assert mirror.stored() == mp4()


@pytest.mark.django_db
@pytest.mark.parametrize("delivery", ["proxy", "redirect"])
def test_a_video_is_handed_out(
    storage: S3Address, alice: User, monkeypatch: pytest.MonkeyPatch, settings: Any, delivery: str
) -> None:
    settings.MEDIA_DELIVERY = delivery
    there = bucket_at(storage)
    monkeypatch.setattr(bucket, "client", lambda: there.client)
    monkeypatch.setattr(bucket, "name", lambda: there.name)
    row = _with_video(alice, mp4())
    answer = _ask(signed_in(alice), row, Range="bytes=10-19")
    assert answer[1][:10] == mp4()[10:20] or answer == (200, mp4()), "rclone answers a Range with 200"
    assert _ask(signed_in(alice), row)[1] == mp4()
    try_bucket()


def _with_video(user: User, data: bytes) -> Generation:
    row = make_generation(user, user.personal_team, status=Status.DONE)
    bucket.put(row.video_key, data, "video/mp4")
    measured = {"width": 320, "height": 180, "duration": 1, "fps": 24, "codec": "h264", "content_type": "video/mp4"}
    found = {"key": row.video_key, "poster_key": row.poster_key, "size": len(data), "sha256": "0" * 64}
    Video.objects.update_or_create(generation=row, defaults={**measured, **found})
    return row


def _ask(client: Client, row: Generation, **headers: str) -> tuple[int, bytes]:
    answer = client.get(f"/generations/{row.pk}/video", headers=headers)
    if answer.status_code == 302:
        there = httpx.get(answer.headers["Location"], headers=headers)
        return there.status_code, there.content
    return answer.status_code, b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def aws_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeAws]:
    with fake_aws(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture
def aws(aws_of: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """Every name of AWS leads to it."""
    resolve = socket.getaddrinfo

    def lead(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(host, str) and "amazonaws" in host:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", aws_of.port))]
        return resolve(host, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lead)
    connect = socket.create_connection

    def to(address: tuple[str, int], *rest: Any, **options: Any) -> socket.socket:
        is_aws = "amazonaws" in address[0]
        return connect(("127.0.0.1", aws_of.port) if is_aws else address, *rest, **options)

    monkeypatch.setattr(socket, "create_connection", to)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(aws_of.certificate))
    upload.client.cache_clear()
    aws_of.objects.clear()
    yield aws_of
    upload.client.cache_clear()


def at_aws(name: str, region: str, config: Config) -> Bucket:
    keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret"}
    return Bucket(boto3.client("s3", region_name=region, config=config, **keys), name)  # type: ignore[call-overload]


OURS = endpoint("").config(retries={"total_max_attempts": 1})
BEFORE = Config(signature_version="s3v4", s3={"addressing_style": "auto"}, retries={"total_max_attempts": 1})


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "me-south-1", "af-south-1", "il-central-1", "cn-north-1"])
@pytest.mark.parametrize("name", ["videos", "my.studio.videos"])
def test_aws_in_each_region(aws: FakeAws, provider: Provider, region: str, name: str) -> None:
    aws.buckets[name] = region
    mirror = Mirror(at_aws(name, region, OURS), frozenset({provider.origin}))
    mirror.mirror(provider.serve(File(mp4())))
    assert aws.objects[name, mirror.key] == mp4()


@pytest.mark.parametrize(("region", "words"), [("eu-west-1", "TemporaryRedirect"), ("me-south-1", "IllegalLocation")])
def test_the_global_host_would_not_do(aws: FakeAws, provider: Provider, region: str, words: str) -> None:
    """What the fake is for: it refuses what the real one refuses."""
    aws.buckets["videos"] = region
    mirror = Mirror(at_aws("videos", region, BEFORE), frozenset({provider.origin}))
    with pytest.raises(MirrorError, match=words):
        mirror.copy(provider.serve(File(mp4())))


@pytest.mark.django_db
@pytest.mark.parametrize("there", ["eu-south-1", "eu-west-1"])
def test_a_wrong_region_is_named(aws: FakeAws, monkeypatch: pytest.MonkeyPatch, there: str) -> None:
    aws.buckets["videos"] = there
    ours = at_aws("videos", "us-east-1", OURS)
    monkeypatch.setattr(bucket, "client", lambda: ours.client)
    monkeypatch.setattr(bucket, "name", lambda: "videos")
    with pytest.raises(BucketCheckError, match=f"set AWS_S3_REGION_NAME={there}"):
        try_bucket()
