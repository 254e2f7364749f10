"""Pictures that ask for too much or are odd: taken as a browser shows them, or refused in words, within limits."""

import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from PIL import Image

from generations.fal.arguments import MAX_PICTURE_BYTES
from generations.picture_decoder.outcome import Change
from generations.pictures import read
from tests.generations.pictures.examples import corners, encoded, quarters
from tests.generations.pictures.hostile import grid, hidden_default_png, many_scans, with_gain_map, ycck
from tests.generations.pictures.test_read import NAME, UPRIGHT, check, problem

FRAMES = 2000
MOST_MEMORY = 200  # MB


def animation(format_: str) -> bytes:
    """The quarters, then thousands of others."""
    others = (Image.new("RGB", (400, 400), (number % 256, number // 256, 9)) for number in range(FRAMES))
    options: dict[str, Any] = {"WEBP": {"lossless": True, "method": 0}}.get(format_, {})
    return encoded(quarters(400, 400), format_, save_all=True, append_images=others, **options)


def gif_of_canvas(width: int, height: int) -> bytes:
    data = bytearray(animation("GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def claims(format_: str, width: int, height: int) -> bytes:
    """A small picture whose property says that it is large."""
    return encoded(quarters(), format_).replace(struct.pack(">II", 640, 480), struct.pack(">II", width, height))


TAKEN: dict[str, Callable[[], bytes]] = {
    "gif": partial(animation, "GIF"),
    "apng": partial(animation, "PNG"),
    "webp": partial(animation, "WEBP"),
    "ycck": lambda: ycck(quarters()),
    "gain map": lambda: with_gain_map(quarters()),
    "a few scans": partial(many_scans, 400, 40),
    "heif grid": partial(grid, "HEIF", (6, 6), (3840, 2880)),
    "avif grid": partial(grid, "AVIF", (6, 6), (3840, 2880)),
}
COSTLY = "The picture takes too much memory or time to read. Make it smaller, or save it again as a plain JPEG."
DAMAGED = "The picture is damaged. Save it again and try with that."
MANY = "The picture has more than 25 million pixels. Make it smaller, or save it as JPEG: that may have 100 million."
REFUSED: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "100,000 scans": (partial(many_scans, 1000, 100_000), {COSTLY}),
    "100,000 scans of many": (partial(many_scans, 4000, 100_000), {COSTLY}),
    "48 MP of a phone": (lambda: encoded(Image.new("RGB", (8064, 6048), "teal"), "HEIF", quality=10), {MANY}),
    "gif of a huge canvas": (partial(gif_of_canvas, 65_535, 65_535), {MANY}),
    "heif grid": (partial(grid, "HEIF", (250, 250), (160_000, 120_000)), {DAMAGED, MANY, COSTLY}),
    "avif grid": (partial(grid, "AVIF", (250, 250), (160_000, 120_000)), {DAMAGED, COSTLY}),
    "heif grid that lies": (partial(grid, "HEIF", (10, 10), (6400, 4800), (640, 480)), {DAMAGED, COSTLY}),
    "avif grid that lies": (partial(grid, "AVIF", (10, 10), (6400, 4800), (640, 480)), {DAMAGED, COSTLY}),
    "heif that claims": (partial(claims, "HEIF", 65_535, 65_535), {MANY}),
    "avif that claims": (partial(claims, "AVIF", 20_000, 20_000), {COSTLY}),
}


_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def memory(data: bytes) -> float:
    """MB that the decoder had at most. A small program asks: for a while its child has what it has itself."""
    decoder = [sys.executable, "-m", "generations.picture_decoder", str(MAX_PICTURE_BYTES)]
    done = subprocess.run([sys.executable, "-c", _MEASURE, *decoder], input=data, capture_output=True, check=True)
    return int(done.stdout) / 1024


@pytest.mark.parametrize("make", TAKEN.values(), ids=TAKEN)
def test_taken_as_a_browser_shows_it(make: Callable[[], bytes]) -> None:
    data = make()
    image = check(read(NAME, data))

    if make not in {TAKEN["a few scans"], TAKEN["heif grid"], TAKEN["avif grid"]}:
        assert corners(image) == UPRIGHT
    assert memory(data) <= MOST_MEMORY


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_in_words_within_limits(make: Callable[[], bytes], words: set[str]) -> None:
    data = make()

    assert problem(data).message in words
    assert memory(data) <= MOST_MEMORY


@pytest.mark.parametrize("format_", ["HEIF", "AVIF"])
def test_tiles_of_a_grid_lie_side_by_side(format_: str) -> None:
    image = check(read(NAME, grid(format_, (2, 2), (1280, 960))))

    assert image.size == (1280, 960)
    assert all(corners(image.crop((x, y, x + 640, y + 480))) == UPRIGHT for x in (0, 640) for y in (0, 480))


def test_nothing_of_a_gain_map_stays() -> None:
    picture = read(NAME, with_gain_map(quarters()))

    assert picture.changes == (Change.METADATA,)
    assert picture.data.count(b"\xff\xd8\xff") == 1
    assert b"hdrgm" not in picture.data
    assert b"MPF" not in picture.data


class TestAnimatedPngWhoseDefaultIsNoFrame:
    """Browsers begin with the first frame, and never show the default."""

    @pytest.mark.parametrize("frames", [1, 3])
    def test_first_frame_is_taken(self, frames: int) -> None:
        data = hidden_default_png(Image.new("RGB", (640, 480), "black"), quarters(), controls=frames)
        picture = read(NAME, data)

        assert corners(check(picture)) == UPRIGHT
        assert picture.changes == (Change.FIRST_FRAME,)

    def test_small_frame_lies_on_white(self) -> None:
        data = hidden_default_png(Image.new("RGB", (640, 480), "black"), quarters(320, 240), (320, 0))
        picture = read(NAME, data)

        assert corners(check(picture)) == ["white", "lime", "white", "white"]
        assert set(picture.changes) == {Change.FIRST_FRAME, Change.FLATTENED}

    def test_frame_beyond_its_canvas_is_damage(self) -> None:
        data = hidden_default_png(Image.new("RGB", (400, 400), "black"), quarters())

        assert problem(data).message == DAMAGED

    def test_canvas_of_too_many_pixels_is_not_unpacked(self) -> None:
        data = hidden_default_png(Image.new("1", (20_000, 20_000)), Image.new("1", (400, 400)))

        assert problem(data).type == "image_too_large"
