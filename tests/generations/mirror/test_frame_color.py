"""Posters, kept frames and previews have the colours that Chromium's player shows; its numbers were read there.

`tests/browser/test_colors.py` asks Chromium itself.
"""

import io
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from generations.mirror import extract_frame, poster, preview
from generations.mirror.frame_color import image_of
from tests.generations.mirror.color_videos import Clip

CASES = Path(__file__).parents[2] / "cases"
SD, HD = (320, 180), (1280, 720)
BT601 = ((118, 20, 35), (47, 226, 79))
BT709 = ((127, 31, 34), (34, 200, 76))
FULL_601 = ((119, 33, 46), (55, 212, 83))
TAGGED: Any = {"matrix": 1, "primaries": 1, "transfer": 1}
TAGGED_601: Any = {"matrix": 6, "primaries": 6, "transfer": 6}
WIDE: Any = {"matrix": 9, "primaries": 9, "pixels": "yuv420p10le"}

TABLE = [
    # untagged: the number of lines decides, whatever the width
    *((Clip(size), BT601) for size in [SD, (720, 576), (1280, 718), (1280, 320)]),
    *((Clip(size), BT709) for size in [HD, (1080, 1920), (320, 720), (1920, 1080)]),
    (Clip(SD, "yuv420p10le"), BT601),
    (Clip(HD, "yuv420p10le"), BT709),
    (Clip(HD, "yuv444p"), BT709),
    # partly tagged is untagged
    (Clip(SD, matrix=1), BT601),
    (Clip(HD, matrix=6), BT709),
    (Clip(SD, primaries=5, transfer=6), BT601),
    (Clip(HD, matrix=8), BT709),
    # tagged
    (Clip(SD, **TAGGED), BT709),
    (Clip(SD, **TAGGED, range=1), BT709),
    (Clip(HD, **TAGGED_601), BT601),
    (Clip(SD, matrix=1, primaries=1, transfer=13), BT709),
    (Clip(SD, matrix=7, primaries=7, transfer=7), ((127, 31, 35), (34, 203, 77))),
    # full range
    (Clip(SD, "yuvj420p", range=2), FULL_601),
    (Clip(HD, "yuvj420p", range=2), FULL_601),
    (Clip(HD, "yuv420p10le", range=2), FULL_601),
    (Clip(SD, "yuvj420p", **TAGGED, range=2), ((126, 42, 45), (43, 189, 79))),
    # other primaries and curves
    (Clip(SD, matrix=5, primaries=5, transfer=6), ((120, 20, 35), (0, 226, 83))),
    (Clip(SD, matrix=1, primaries=12, transfer=1), ((139, 16, 29), (0, 204, 51))),
    (Clip(SD, matrix=1, primaries=1, transfer=4), ((128, 25, 28), (28, 201, 75))),
    (Clip(SD, matrix=1, primaries=1, transfer=5), ((105, 9, 12), (12, 189, 52))),
    (Clip(SD, matrix=1, primaries=1, transfer=8), ((187, 98, 102), (102, 229, 148))),
    (Clip(SD, matrix=9, primaries=9, transfer=14), ((153, 0, 31), (0, 218, 33))),
    (Clip(SD, **WIDE, transfer=14), ((153, 0, 31), (0, 218, 33))),
    # HDR
    (Clip(SD, **WIDE, transfer=16), ((147, 0, 0), (0, 255, 0))),
    (Clip(SD, **WIDE, transfer=18), ((105, 0, 18), (0, 218, 0))),
    (Clip(SD, **WIDE, transfer=16, halves=((235, 128, 128), (126, 128, 128))), ((255,) * 3, (132,) * 3)),
    (Clip(SD, **WIDE, transfer=18, halves=((180, 128, 128), (60, 128, 128))), ((185,) * 3, (31,) * 3)),
]


def halves(image: Image.Image) -> list[tuple[int, ...]]:
    rgb = image.convert("RGB")
    return [rgb.getpixel((round(rgb.width * part), rgb.height // 2)) for part in (0.2, 0.8)]  # type: ignore[misc]


def distance(image: Image.Image, wanted: tuple[tuple[int, ...], ...]) -> int:
    pairs = zip(halves(image), wanted, strict=True)
    return max(abs(one - other) for pixel, want in pairs for one, other in zip(pixel, want, strict=True))


@pytest.mark.parametrize(("clip", "shown"), TABLE, ids=lambda value: repr(value)[:100])
def test_poster_and_frame_are_what_the_player_shows(clip: Clip, shown: tuple[tuple[int, ...], ...]) -> None:
    data = clip.mp4()

    assert distance(Image.open(io.BytesIO(extract_frame(io.BytesIO(data), 0.0))), shown) <= 3
    assert distance(Image.open(io.BytesIO(poster(io.BytesIO(data)).data)), shown) <= 4  # lossy WebP


@pytest.mark.parametrize("clip", [Clip(HD), Clip(HD, **TAGGED), Clip(SD), Clip(SD, **WIDE, transfer=16)], ids=repr)
def test_preview_is_tagged_and_shows_the_same(clip: Clip) -> None:
    """Scaled down from HD, an untagged one would be taken for BT.601."""
    data = clip.mp4()
    wanted = tuple(halves(Image.open(io.BytesIO(extract_frame(io.BytesIO(data), 0.0)))))

    with av.open(io.BytesIO(preview(io.BytesIO(data))), "r") as container:
        frame = next(container.decode(video=0))
    tags = frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range
    assert [int(tag) for tag in tags] == [1, 1, 1, 1]
    assert distance(image_of(frame), wanted) <= 4


@pytest.mark.parametrize("name", ["bt709_tagged.mp4", "bt709_untagged_hd.mp4"])
def test_cases_of_hd(name: str) -> None:
    image = Image.open(io.BytesIO(extract_frame(str(CASES / name), 0.0)))

    quarters = [image.getpixel((x, y)) for x, y in ((60, 300), (1260, 300), (60, 800), (1260, 800))]
    wanted = [(200, 41, 41), (39, 180, 40), (40, 40, 199), (230, 180, 151)]
    pairs = zip(quarters, wanted, strict=True)
    assert max(abs(a - b) for pixel, want in pairs for a, b in zip(pixel, want, strict=True)) <= 3  # type: ignore[arg-type]


@pytest.mark.parametrize(("limit", "form"), [(10_000_000, "PNG"), (1000, "JPEG")])
def test_frame_is_kept_without_thinning_its_colours(monkeypatch: pytest.MonkeyPatch, limit: int, form: str) -> None:
    """Lossless, or 4:4:4 where that is too large: a red line of one pixel keeps its colour."""
    monkeypatch.setattr("generations.mirror.stills._MAX_BYTES", limit)
    image = Image.open(io.BytesIO(extract_frame(io.BytesIO(Clip(HD).mp4()), 0.0)))
    assert image.format == form
    if form == "JPEG":
        assert image.layer[0][1:3] == image.layer[1][1:3]  # type: ignore[attr-defined]
