"""Videos as they are found, not as we would make them: what plays is taken, what lacks its end is not."""

import io
from pathlib import Path

import av
import pytest

from generations.mirror import MirrorError, Reason, poster, probe
from tests.generations.mirror.conftest import Mirror
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import edited, faststart, mp4, written

CASES = Path(__file__).parents[2] / "cases"
USUAL = [number / 24 for number in range(48)]
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        pytest.param((CASES / "edit_cut.mp4").read_bytes(), 5.03, id="a trim by stream copy"),
        pytest.param(edited(mp4(seconds=2), (1000, 6 * 512)), 1, id="an edit list that hides both ends"),
        pytest.param(edited(mp4(seconds=2), (1500, -1), (2000, 1024)), 2, id="an edit that begins with nothing"),
        pytest.param(edited(mp4(seconds=2), (500, 1024), (500, 13312)), 1, id="two edits"),
        pytest.param(edited(mp4(seconds=2), (1000, 1024), (1000, 1024)), 2, id="an edit shown twice"),
        pytest.param(edited(mp4(seconds=2), (60_000, 1024)), 2, id="an edit list longer than the video"),
        pytest.param(edited(mp4(seconds=2)), 2, id="an empty edit list"),
        pytest.param(written(USUAL, movflags=FRAGMENTS), 2, id="fragments"),
        pytest.param(written(USUAL, movflags="frag_keyframe+delay_moov"), 2, id="fragments with an edit list"),
        pytest.param(written([t + 3 for t in USUAL]), 2, id="a clock that begins late"),
        pytest.param(written([0, *(1 + n / 24 for n in range(24)), 2.5]), 2.6, id="frames of unequal length"),
        pytest.param(written([0, 5]), 10, id="two frames in ten seconds"),
        pytest.param(written(USUAL, sound=6), 2, id="sound that lasts longer"),
        pytest.param(written(USUAL, sound=0.5), 2, id="sound that ends before"),
        pytest.param(written(USUAL, kind="mov"), 2, id="QuickTime"),
        pytest.param(written(USUAL, codec="libx265"), 2, id="HEVC"),
        pytest.param(written(USUAL[:24], kind="webm", codec="libvpx-vp9"), 1, id="WebM"),
    ],
)
def test_what_plays_is_whole(data: bytes, seconds: float) -> None:
    assert probe(io.BytesIO(data)).duration == pytest.approx(seconds, rel=0.55 if seconds == 10 else 0.05)
    assert poster(io.BytesIO(data)).width in {320, 640}


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.98, 0.999])
@pytest.mark.parametrize("kind", ["faststart", "fragments", "edit list", "sound"])
def test_what_lost_its_end_is_not(mirror: Mirror, provider: Provider, tmp_path: Path, kind: str, kept: float) -> None:
    """The server sends all that it announces; only the file itself tells."""
    data = {
        "faststart": lambda: faststart(mp4(seconds=2), tmp_path),
        "fragments": lambda: written(USUAL, movflags=FRAGMENTS + "+skip_trailer"),
        "edit list": lambda: edited(mp4(seconds=2), (1000, 1024)),
        "sound": lambda: written(USUAL, sound=2, movflags=FRAGMENTS + "+skip_trailer"),
    }[kind]()
    with pytest.raises(MirrorError, match="doesn't play") as caught:
        mirror.mirror(provider.serve(File(data[: int(len(data) * kept)])))
    assert caught.value.reason is Reason.UNDECODABLE


@pytest.mark.parametrize(
    "media_type",
    [
        *("text/plain", "mp4", "application/octet-stream", "binary/octet-stream", "", "VIDEO/MP4", "application/json"),
        *("text/html; charset=utf-8", "image/png", "video/x-m4v", "application/x-mp4", "; ;", "caf\xe9"),
    ],
)
def test_bytes_count_and_not_the_type(mirror: Mirror, provider: Provider, media_type: str) -> None:
    assert mirror.copy(provider.serve(File(mp4(), content_type=media_type))).content_type == "video/mp4"
    assert mirror.stored() == mp4()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (written(USUAL, kind="mov"), "video/quicktime"),
        (written(USUAL[:24], kind="webm", codec="libvpx-vp9"), "video/webm"),
    ],
)
def test_object_has_the_type_that_it_is(mirror: Mirror, provider: Provider, data: bytes, media_type: str) -> None:
    assert mirror.mirror(provider.serve(File(data))).content_type == media_type
    head = mirror.bucket.client.head_object(Bucket=mirror.bucket.name, Key=mirror.key)
    assert head["ContentType"] == media_type


@pytest.mark.parametrize(
    "page",
    [
        *(b"<html><body>Sign in</body></html>", b'{"detail": "gone, and for good"}', b"<?xml version='1.0'?><Error/>"),
        *(b"", b"short", b"\x89PNG\r\n\x1a\n" + bytes(99), b"\0\0\0\x18ftypheic" + bytes(99), b"\0\0\0\x18ftypavif"),
    ],
)
@pytest.mark.parametrize("media_type", ["video/mp4", "text/html", ""])
def test_pages_and_pictures_are_no_video(mirror: Mirror, provider: Provider, page: bytes, media_type: str) -> None:
    with pytest.raises(MirrorError) as caught:
        mirror.copy(provider.serve(File(page, content_type=media_type)))
    assert caught.value.reason is Reason.NOT_A_VIDEO
    assert mirror.stored() is None


def test_long_address(mirror: Mirror, provider: Provider) -> None:
    mirror.copy(provider.serve(File(mp4()), "/video.mp4?signature=" + "a" * 8000))
    assert mirror.stored() == mp4()


@pytest.mark.parametrize(
    "location", ["/vid\xe9o.mp4", "/vid\xc3\xa9o.mp4", "", "http://a:99999/", "https://xn--a/", "//"]
)
def test_odd_redirects(mirror: Mirror, provider: Provider, location: str) -> None:
    """A place that can be read is found; any other is said in words."""
    for path in ("/vid%E9o.mp4", "/vid%C3%A9o.mp4"):
        provider.serve(File(mp4()), path)
    url = provider.serve(File(location=location or " "), "/old.mp4")
    if "vid" in location:
        assert mirror.copy(url).size == len(mp4())
        return
    with pytest.raises(MirrorError, match=r"The provider's|isn't"):
        mirror.copy(url)


def test_a_last_frame_that_is_broken_is_no_loss() -> None:
    data = bytearray(mp4(seconds=2))
    at = _last_packet(bytes(data))
    data[at + 6 : at + 30] = bytes(24)
    assert probe(io.BytesIO(bytes(data))).duration == pytest.approx(2)


def _last_packet(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    return max(packets, key=lambda packet: packet.pts or 0).pos or 0
