"""The whole of it: copied, decoded as it lies in the bucket, with a poster."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generations import mirror as mirrors
from generations.mirror import MirrorError, Reason, StoredFile
from tests.generations.mirror.conftest import Mirror
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import faststart, like_mp4, mp4


@pytest.mark.parametrize("moov_in_front", [False, True])
def test_mirrored(mirror: Mirror, provider: Provider, tmp_path: Path, moov_in_front: bool) -> None:
    data = mp4(seconds=2, size=(1280, 720))
    data = faststart(data, tmp_path) if moov_in_front else data
    video = mirror.mirror(provider.serve(File(data)))
    assert mirror.stored() == data
    assert (video.size, video.width, video.height, video.codec) == (len(data), 1280, 720, "h264")
    assert video.duration == pytest.approx(2)
    assert video.fps == pytest.approx(24)
    assert (video.poster_width, video.poster_height) == (960, 540)


def test_poster_lies_beside_the_video(mirror: Mirror, provider: Provider) -> None:
    video = mirror.mirror(provider.serve(File(mp4())))
    stored = mirror.bucket.client.get_object(Bucket=mirror.bucket.name, Key=mirror.poster_key)
    assert (stored["ContentType"], stored["CacheControl"]) == ("image/webp", "private, max-age=31536000, immutable")
    with Image.open(io.BytesIO(stored["Body"].read())) as image:
        assert (image.format, image.size) == ("WEBP", (video.poster_width, video.poster_height))


@pytest.mark.parametrize("data", [like_mp4(200_000), mp4()[:-2000]])
def test_right_length_that_does_not_play(mirror: Mirror, provider: Provider, data: bytes) -> None:
    with pytest.raises(MirrorError, match="doesn't play") as caught:
        mirror.mirror(provider.serve(File(data)))
    assert caught.value.reason is Reason.UNDECODABLE
    assert mirror.stored(mirror.poster_key) is None


def test_a_good_try_after_a_bad_one(mirror: Mirror, provider: Provider) -> None:
    with pytest.raises(MirrorError):
        mirror.mirror(provider.serve(File(like_mp4(200_000))))
    mirror.mirror(provider.serve(File(mp4())))
    assert mirror.stored() == mp4()


def test_two_at_once(mirror: Mirror, provider: Provider) -> None:
    url = provider.serve(File(mp4()))
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(mirror.mirror, [url, url])
    assert first == second
    assert mirror.stored() == mp4()


def test_progress_goes_on_while_decoding(mirror: Mirror, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease lives on it."""
    monkeypatch.setattr(mirrors.transfer, "PROGRESS_INTERVAL", 0.0)
    told: list[tuple[int, int | None]] = []
    mirror.mirror(provider.serve(File(mp4())), on_progress=lambda *now: told.append(now))
    assert told.count((len(mp4()), len(mp4()))) >= 24


def test_stored_file_reads_like_a_file(mirror: Mirror, provider: Provider) -> None:
    data = like_mp4(1_000_000)
    mirror.copy(provider.serve(File(data)))
    with StoredFile(mirror.bucket, mirror.key, len(data)) as stored:
        assert stored.readable()
        assert stored.seekable()
        assert stored.read(10) == data[:10]
        assert (stored.tell(), stored.read(10)) == (10, data[10:20])
        assert (stored.seek(-5, io.SEEK_END), stored.read()) == (len(data) - 5, data[-5:])
        assert stored.read(1) == b""
        stored.seek(500)
        assert stored.seek(20, io.SEEK_CUR) == 520
        assert stored.read(7) == data[520:527]


def test_stored_file_opens_few_streams(
    mirror: Mirror, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every one costs a round trip to the bucket."""
    data = faststart(mp4(seconds=4, size=(640, 360)), tmp_path)
    mirror.copy(provider.serve(File(data)))
    wanted: list[str] = []
    get = mirror.bucket.client.get_object

    def counted(**how: Any) -> Any:
        wanted.append(how["Range"])
        return get(**how)

    monkeypatch.setattr(mirror.bucket.client, "get_object", counted)
    with StoredFile(mirror.bucket, mirror.key, len(data)) as stored:
        mirrors.probe(stored)
    assert len(wanted) <= 4, wanted
