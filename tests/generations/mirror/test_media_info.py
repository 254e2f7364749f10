"""What a video is, whether it plays, and its picture."""

import io
import random
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image, ImageStat

from generations.mirror import MirrorError, Reason, media_info, poster, probe
from tests.generations.mirror.videos import faststart, mp4


def test_probe_of_a_path(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(mp4(seconds=1.5))
    found = probe(path)
    assert (found.width, found.height, found.codec) == (320, 180, "h264")
    assert found.duration == pytest.approx(1.5)
    assert found.fps == pytest.approx(24)


def test_each_frame_is_told() -> None:
    frames: list[None] = []
    probe(io.BytesIO(mp4()), on_frame=lambda: frames.append(None))
    assert len(frames) == 24


def test_what_on_frame_raises_reaches_the_caller() -> None:
    def fail() -> None:
        raise KeyError("lease")

    with pytest.raises(KeyError):
        probe(io.BytesIO(mp4()), on_frame=fail)


def _garbled(data: bytes) -> bytes:
    """Everything but `moov` and the first bytes is noise."""
    begin = data.index(b"mdat") + 2000
    return data[:begin] + random.Random(1).randbytes(4000) + data[begin + 4000 :]


def _cut_in_half(data: bytes) -> bytes:
    return data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2]


@pytest.mark.parametrize("spoil", [_garbled, _cut_in_half, lambda _: b"", lambda data: data[:500]])
def test_undecodable(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    data = spoil(faststart(mp4(seconds=2), tmp_path))
    with pytest.raises(MirrorError, match=r"doesn't play: .") as caught:
        probe(io.BytesIO(data))
    assert caught.value.reason is Reason.UNDECODABLE


def test_lost_end(tmp_path: Path) -> None:
    """The box in front tells of frames that aren't there; the last one that is there is whole."""
    data = faststart(mp4(seconds=2), tmp_path)
    with av.open(io.BytesIO(data), "r") as container:
        packets = [packet for packet in container.demux(video=0) if packet.pos is not None and packet.size]
    with pytest.raises(MirrorError, match=r"doesn't play: 1\.\d\d of 2\.00 s"):
        probe(io.BytesIO(data[: packets[30].pos]))


def test_corrupt_frame(tmp_path: Path) -> None:
    """FFmpeg conceals it; a person would see it."""
    data = bytearray(faststart(mp4(seconds=2), tmp_path))
    with av.open(io.BytesIO(bytes(data)), "r") as container:
        packet = max((packet for packet in container.demux(video=0) if not packet.is_keyframe), key=lambda p: p.size)
        middle = (packet.pos or 0) + packet.size // 2
    data[middle : middle + 20] = random.Random(1).randbytes(20)
    with pytest.raises(MirrorError, match=r"doesn't play: ."):
        probe(io.BytesIO(bytes(data)))


def test_nonsense_in_the_head() -> None:
    shown = media_info._DecodedSpan(frames=2, begin=0.0, end=0.0)
    assert shown.rate == shown.seconds == 0.0


def _sound() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        frame.sample_rate = 44_100
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


@pytest.mark.parametrize("look", [probe, poster])
def test_sound_alone_is_no_video(look: Callable[[io.BytesIO], object]) -> None:
    with pytest.raises(MirrorError, match="no picture"):
        look(io.BytesIO(_sound()))


def test_of_a_long_video_only_key_frames_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_info, "MAX_FULL_DECODE_SECONDS", 1.0)
    frames: list[None] = []
    assert probe(io.BytesIO(mp4(seconds=2)), on_frame=lambda: frames.append(None)).duration == pytest.approx(2)
    assert 0 < len(frames) < 10


@pytest.mark.parametrize(
    ("size", "expected"), [((320, 180), (320, 180)), ((1280, 720), (960, 540)), ((1080, 1920), (540, 960))]
)
def test_poster_fits(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = poster(io.BytesIO(mp4(seconds=0.6, size=size)))
    assert (picture.width, picture.height) == expected
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == ("WEBP", expected)


def _brightness(data: bytes) -> float:
    with Image.open(io.BytesIO(data)) as image:
        return ImageStat.Stat(image.convert("L")).mean[0]


def test_poster_waits_for_the_light() -> None:
    assert _brightness(poster(io.BytesIO(mp4(seconds=2, black_until=1.4))).data) > 40


def test_black_video_has_a_poster_nevertheless() -> None:
    assert _brightness(poster(io.BytesIO(mp4(seconds=1, black_until=1))).data) < 5


def test_poster_is_sought_in_the_first_seconds_only() -> None:
    assert _brightness(poster(io.BytesIO(mp4(seconds=4, black_until=3.5))).data) < 5


def test_poster_of_a_single_frame() -> None:
    assert poster(io.BytesIO(mp4(seconds=1 / 24))).width == 320
