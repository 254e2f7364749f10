"""What is rendered: size, length, the same bytes for the same request, and the pictures it begins and ends with."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.render.motion import frame_size
from sandbox.render.text import TextOverlay, strip_unprintable, wrap
from sandbox.render.video import SIZES, Recipe
from tests.sandbox.conftest import picture_bytes
from tests.sandbox.fal import IMAGE, TEXT, Fal
from tests.sandbox.video import first_and_last, probe
from tests.sandbox_process import Sandbox


@pytest.fixture
def camera(studio: Sandbox) -> Iterator[Fal]:
    with Fal(studio) as client:
        yield client


def _render(camera: Fal, endpoint: str = TEXT, **arguments: Any) -> bytes:
    return httpx.get(camera.video("Ночь, 夜, 🌃 and a night", endpoint, **arguments)).raise_for_status().content


def _uri(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


@pytest.mark.parametrize("aspect", ["9:16", "1:1"])
def test_aspect_of_a_video_from_text(camera: Fal, aspect: str) -> None:
    video = probe(_render(camera, aspect_ratio=aspect))
    assert (video.width, video.height) == SIZES[aspect]
    assert (video.frames, video.seconds, video.fps, video.faststart) == (120, 5.0, 24, True)


def test_ten_seconds(camera: Fal) -> None:
    video = probe(_render(camera, IMAGE, image_url=_uri(Image.new("RGB", (401, 301), "navy")), duration="10"))
    assert (video.frames, video.seconds) == (240, 10.0)
    assert (video.width, video.height) == (400, 300)


def test_begins_with_the_picture_and_ends_with_the_tail(camera: Fal) -> None:
    picture = Image.merge("RGB", [Image.linear_gradient("L").resize((480, 360))] * 3)
    tail = Image.merge("RGB", [Image.radial_gradient("L").resize((480, 360))] * 3)
    first, last = first_and_last(_render(camera, IMAGE, image_url=_uri(picture), tail_image_url=_uri(tail)))
    assert _difference(first, picture) < 2
    assert _difference(last, tail) < 2
    assert _difference(first, last) > 20


def test_the_same_request_gives_the_same_bytes(studio: Sandbox, camera: Fal) -> None:
    arguments = {"image_url": _uri(Image.effect_mandelbrot((320, 320), (-2, -1.5, 1, 1.5), 40)), "cfg_scale": 0.25}
    once = _render(camera, IMAGE, **arguments)
    renders = studio.records()["counters"]["renders"]
    assert _render(camera, IMAGE, **arguments) == once
    assert studio.records()["counters"]["renders"] == renders
    for path in (studio.directory / "renders").iterdir():
        path.unlink()
    assert _render(camera, IMAGE, **arguments) == once
    assert studio.records()["counters"]["renders"] == renders + 1


def test_rendering_leaves_http_responsive(studio: Sandbox, camera: Fal) -> None:
    request = camera.submit("something new to render", aspect_ratio="1:1")
    camera.wait(request, "IN_PROGRESS")
    slowest = max(httpx.get(f"{studio.url}/healthz").elapsed.total_seconds() for _ in range(20))
    assert slowest < 0.5
    camera.put(request["cancel_url"])


@pytest.mark.parametrize(
    ("picture", "video"),
    [((4000, 3000), (1440, 1080)), ((3000, 1500), (1920, 960)), ((301, 499), (300, 498)), ((1200, 3000), (768, 1920))],
)
def test_the_picture_decides_the_size(picture: tuple[int, int], video: tuple[int, int]) -> None:
    assert frame_size(Image.new("L", picture)) == video


@pytest.mark.parametrize(
    "prompt", ["", "x" * 2500, "two\nlines\x00\u202e", "\ud800 half", "夜" * 900, "a 🦊 " * 600, "ﷺ" * 50]
)
def test_any_prompt_can_be_written(prompt: str) -> None:
    TextOverlay(strip_unprintable(prompt), "caption", (640, 360))


def test_lines_keep_to_the_width() -> None:
    class Monospaced:
        def getlength(self, text: str) -> float:
            return len(text)

    assert wrap("one three abcdefghijkl z", Monospaced(), 9) == ["one three", "abcdefghi", "jkl z"]  # type: ignore[arg-type]


def test_every_part_of_a_recipe_counts() -> None:
    recipes = [
        Recipe("a", 5, "s"),
        Recipe("b", 5, "s"),
        Recipe("a", 10, "s"),
        Recipe("a", 5, "t"),
        Recipe("a", 5, "s", tail="x"),
    ]
    assert len({recipe.key for recipe in recipes}) == 5


def test_a_turned_picture_is_upright(camera: Fal) -> None:
    picture = Image.open(io.BytesIO(picture_bytes(480, 320, "JPEG")))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(file, "JPEG", exif=exif)
    uri = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
    video = probe(_render(camera, IMAGE, image_url=uri))
    assert (video.width, video.height) == (320, 480)
