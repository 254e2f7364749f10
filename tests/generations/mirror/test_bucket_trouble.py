"""A bucket that is down, refuses or is busy: said in its own words, and harmless."""

from pathlib import Path

import pytest

from devserver.s3 import PORTS, S3Address, address, free_ports, running_s3
from generations.mirror import MirrorError, Reason
from tests.generations.mirror.conftest import Mirror, bucket_at
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import like_mp4, mp4


def test_bucket_down_and_up_again(provider: Provider, tmp_path: Path) -> None:
    port = free_ports(PORTS)
    mirror = Mirror(bucket_at(address(port)), frozenset({provider.origin}))
    url = provider.serve(File(mp4()))
    with pytest.raises(MirrorError, match="can't be reached") as caught:
        mirror.mirror(url)
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
    with running_s3(tmp_path, port):
        assert mirror.mirror(url).size == len(mp4())
    with pytest.raises(MirrorError) as caught:  # with a connection left in the pool, too
        mirror.mirror(url)
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


@pytest.mark.parametrize("size", [100_000, 20_000_000])
def test_wrong_key(mirror: Mirror, provider: Provider, s3: S3Address, size: int) -> None:
    mirror.bucket = bucket_at(s3, aws_secret_access_key="stolen")
    with pytest.raises(MirrorError, match="refused the video: SignatureDoesNotMatch: ") as caught:
        mirror.copy(provider.serve(File(like_mp4(size))))
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


def test_busy_bucket(mirror: Mirror, provider: Provider, s3: S3Address) -> None:
    mirror.bucket = bucket_at(s3, endpoint_url=provider.origin)
    with pytest.raises(MirrorError, match="SlowDown: Reduce your request rate"):
        mirror.copy(provider.serve(File(like_mp4(100_000))))


def test_forbidden_to_look(mirror: Mirror, provider: Provider, s3: S3Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto's own error, told apart from the upload's."""
    stranger = bucket_at(s3, aws_secret_access_key="stolen").client
    monkeypatch.setattr(mirror.bucket.client, "put_object", stranger.put_object)
    with pytest.raises(MirrorError, match="The bucket refused: SignatureDoesNotMatch: ") as caught:
        mirror.mirror(provider.serve(File(mp4())))
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


def test_bucket_that_loses_bytes(mirror: Mirror, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror.bucket.client, "head_object", lambda **_: {"ContentLength": 7})
    with pytest.raises(MirrorError, match="kept 7 of"):
        mirror.copy(provider.serve(File(like_mp4(100_000))))


def test_bucket_that_breaks_while_the_copy_is_checked(
    mirror: Mirror, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = bucket_at(S3Address("http://127.0.0.1:9")).client
    monkeypatch.setattr(mirror.bucket.client, "get_object", dead.get_object)
    with pytest.raises(MirrorError, match="can't be reached") as caught:
        mirror.mirror(provider.serve(File(mp4())))
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
