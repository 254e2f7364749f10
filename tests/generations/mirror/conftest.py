from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import boto3
import pytest

from config.s3_endpoint import endpoint
from devserver.s3 import S3Address
from generations.mirror import Bucket, CopyResult, MirroredVideo, OnProgress, copy_file, mirror_video, source
from tests.generations.mirror import provider as providers


def bucket_at(address: S3Address, **changes: str) -> Bucket:
    """No retries of boto's own: the tests of a bucket that is down shan't take a minute."""
    arguments = {
        "endpoint_url": address.endpoint_url,
        "aws_access_key_id": address.access_key,
        "aws_secret_access_key": address.secret_key,
        "region_name": address.region,
    } | changes
    config = endpoint(str(arguments["endpoint_url"])).config(
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Bucket(boto3.client("s3", config=config, **arguments), address.bucket)  # type: ignore[call-overload]


@dataclass
class Mirror:
    """The calls under test with this test's own keys."""

    bucket: Bucket
    trusted_origins: frozenset[str]
    key: str = field(default_factory=lambda: f"teams/{uuid4()}/video.mp4")
    poster_key: str = field(default_factory=lambda: f"teams/{uuid4()}/poster.webp")
    preview_key: str = field(default_factory=lambda: f"teams/{uuid4()}/preview.mp4")

    def copy(self, url: str, *, max_bytes: int = 1 << 30, on_progress: OnProgress = lambda *_: None) -> CopyResult:
        return copy_file(
            url,
            bucket=self.bucket,
            key=self.key,
            trusted_origins=self.trusted_origins,
            max_bytes=max_bytes,
            on_progress=on_progress,
        )

    def mirror(self, url: str, *, on_progress: OnProgress = lambda *_: None) -> MirroredVideo:
        return mirror_video(
            url,
            bucket=self.bucket,
            video_key=self.key,
            poster_key=self.poster_key,
            preview_key=self.preview_key,
            trusted_origins=self.trusted_origins,
            max_bytes=1 << 30,
            on_progress=on_progress,
        )

    def stored(self, key: str = "") -> bytes | None:
        """The object's bytes, None when there is none."""
        try:
            return self.bucket.client.get_object(Bucket=self.bucket.name, Key=key or self.key)["Body"].read()
        except self.bucket.client.exceptions.NoSuchKey:
            return None


@pytest.fixture(scope="session")
def bucket(s3: S3Address) -> Bucket:
    return bucket_at(s3)


@pytest.fixture
def provider() -> Iterator[providers.Provider]:
    with providers.running() as provider:
        yield provider


@pytest.fixture
def mirror(bucket: Bucket, provider: providers.Provider) -> Mirror:
    return Mirror(bucket, frozenset({provider.origin}))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "RETRY_DELAYS", (0.01,) * 4)
