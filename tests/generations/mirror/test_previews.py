"""The few silent seconds of a video that a gallery plays, and the pixels that come with its HTML."""

import base64
import io
import random
from functools import cache
from typing import Any

import av
import pytest
from PIL import Image

from generations import mirror as mirrors
from generations.mirror import MirrorError, Poster, placeholder, preview, previews
from tests.generations.mirror.conftest import Mirror
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import mp4

LIMIT = 400_000  # bytes


@cache
def noise(seconds: int = 5, size: tuple[int, int] = (640, 360)) -> bytes:
    """The hardest there is for an encoder, with a sound track."""
    out, seed = io.BytesIO(), random.Random(1)
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        for _ in range(seconds * 24):
            image = Image.frombytes("RGB", size, seed.randbytes(size[0] * size[1] * 3))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
        for number in range(10):
            silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            silence.planes[0].update(bytes(4096))
            silence.sample_rate, silence.pts = 48_000, number * 1024
            container.mux(sound.encode(silence))
    return out.getvalue()


def facts(data: bytes) -> dict[str, Any]:
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        frames = sum(1 for _ in container.decode(stream))
        return {
            "codec": context.name,
            "pixels": context.pix_fmt,
            "size": (context.width, context.height),
            "seconds": float((stream.duration or 0) * (stream.time_base or 0)),
            "frames": frames,
            "sounds": len(container.streams.audio),
        }


def test_first_seconds_small_and_silent() -> None:
    found = facts(preview(io.BytesIO(noise())))
    assert (found["codec"], found["pixels"], found["size"]) == ("h264", "yuv420p", (480, 270))
    assert found["seconds"] == pytest.approx(4, abs=0.1)
    assert found["frames"] == 48
    assert found["sounds"] == 0


def test_even_noise_keeps_to_the_budget() -> None:
    assert len(noise()) > 10 * LIMIT
    assert len(preview(io.BytesIO(noise()))) <= LIMIT


def test_head_lies_in_front_so_that_it_plays_at_once() -> None:
    clip = preview(io.BytesIO(mp4()))
    assert clip.index(b"moov") < clip.index(b"mdat")


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((1280, 720), (480, 270)), ((720, 1280), (270, 480)), ((322, 182), (322, 182)), ((962, 542), (480, 270))],
)
def test_sides_are_even_and_never_grow(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert facts(preview(io.BytesIO(mp4(seconds=0.25, size=size))))["size"] == wanted


def test_what_came_out_too_large_is_tried_with_fewer_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    first = len(preview(io.BytesIO(noise())))
    monkeypatch.setattr(previews, "MAX_CLIP_BYTES", first // 2)
    assert len(preview(io.BytesIO(noise()))) <= first // 2


def test_a_budget_that_nothing_meets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MAX_CLIP_BYTES", 500)
    with pytest.raises(MirrorError, match="small enough"):
        preview(io.BytesIO(mp4()))


def test_no_video_at_all() -> None:
    with pytest.raises(MirrorError, match="doesn't play"):
        preview(io.BytesIO(b"no video"))


def _poster(size: tuple[int, int]) -> Poster:
    image = Image.frombytes("RGB", size, random.Random(2).randbytes(size[0] * size[1] * 3))
    data = io.BytesIO()
    image.save(data, "WEBP", quality=100)
    return Poster(data.getvalue(), *size)


@pytest.mark.parametrize(
    ("size", "wanted"), [((960, 540), (12, 7)), ((540, 960), (7, 12)), ((600, 600), (12, 12)), ((960, 4), (12, 1))]
)
def test_placeholder_is_tiny_and_has_the_shape_of_the_poster(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    address = placeholder(_poster(size))
    head, _, data = address.partition(",")
    assert head == "data:image/webp;base64"
    assert len(address) <= 400
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert (image.format, image.size) == ("WEBP", wanted)


def test_mirrored_with_preview_and_placeholder(mirror: Mirror, provider: Provider) -> None:
    video = mirror.mirror(provider.serve(File(mp4())))
    stored = mirror.bucket.client.get_object(Bucket=mirror.bucket.name, Key=mirror.preview_key)
    assert (stored["ContentType"], stored["CacheControl"]) == ("video/mp4", "private, max-age=31536000, immutable")
    assert facts(stored["Body"].read())["frames"] == 12
    assert video.preview_key == mirror.preview_key
    assert video.placeholder.startswith("data:image/webp;base64,")


def test_video_is_mirrored_even_when_no_preview_can_be_made(
    mirror: Mirror, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(previews, "MAX_CLIP_BYTES", 500)
    video = mirror.mirror(provider.serve(File(mp4())))
    assert mirror.stored() == mp4()
    assert (video.preview_key, mirror.stored(mirror.preview_key)) == ("", None)
    assert video.placeholder
    assert "No preview" in caplog.text


def test_made_once_more(mirror: Mirror, provider: Provider) -> None:
    video = mirror.mirror(provider.serve(File(mp4())))
    mirror.bucket.client.delete_object(Bucket=mirror.bucket.name, Key=mirror.preview_key)
    again = mirrors.make_preview(
        mirror.bucket, video_key=mirror.key, video_size=video.size, preview_key=mirror.preview_key
    )
    assert again == video.placeholder
    assert facts(mirror.stored(mirror.preview_key) or b"")["codec"] == "h264"
