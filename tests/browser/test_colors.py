"""Colours as people see them: the same in the player, the poster, the kept frame and the next clip.

Chromium draws with its shaders here, as with a graphics card: without one it rounds BT.709's blue by up to 8 of 255.
"""

import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import Browser, Page

from accounts.models import Team, User
from generations import bucket
from generations.mirror import extract_frame, poster, probe
from generations.models import Status, Upload
from sandbox.render.video import Recipe, encode, frames
from tests.browser.conftest import TIMEOUT, chromium_program
from tests.cast import make_generation, make_video, signed_in
from tests.generations.mirror.color_videos import Clip
from tests.generations.mirror.test_display_matrix import SHOWN
from tests.generations.mirror.test_frame_color import CASES, HD, SD, TAGGED, TAGGED_601
from tests.generations.mirror.videos import quarters_mp4, with_matrix

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SWITCHES = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
_PLAYED = """async (source) => {
    const video = Object.assign(document.createElement("video"), { muted: true, src: source });
    await new Promise((done, failed) => {
        video.addEventListener("error", () => failed(new Error(video.error.message)));
        video.requestVideoFrameCallback(done);
        video.play();
    });
    video.pause();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const pen = canvas.getContext("2d");
    pen.drawImage(video, 0, 0);
    const at = (x, y) => [...pen.getImageData(canvas.width * x, canvas.height * y, 1, 1).data.slice(0, 3)];
    return [[0.2, 0.3], [0.8, 0.3], [0.2, 0.7], [0.8, 0.7]].map(([x, y]) => at(x, y));
}"""
"""The colours of four places of a video's first frame."""
_SIZE = """async (source) => {
    const video = Object.assign(document.createElement("video"), { muted: true, src: source });
    await new Promise((done) => video.addEventListener("loadedmetadata", done));
    return [video.videoWidth, video.videoHeight];
}"""


@pytest.fixture(scope="module")
def shaders(chromium: Browser) -> Iterator[Browser]:
    arguments = [*_SWITCHES, "--autoplay-policy=no-user-gesture-required"]
    browser = chromium.browser_type.launch(executable_path=chromium_program(), args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def canvas(shaders: Browser) -> Iterator[Page]:
    page = shaders.new_page()
    page.set_default_timeout(TIMEOUT)
    yield page
    page.close()


def played(canvas: Page, data: bytes) -> list[list[int]]:
    canvas.route("**/clip.mp4", lambda route: route.fulfill(body=data, content_type="video/mp4"))
    canvas.route("**/blank", lambda route: route.fulfill(body="<title>Blank</title>", content_type="text/html"))
    canvas.goto("http://colors.test/blank")
    colors: list[list[int]] = canvas.evaluate(_PLAYED, "/clip.mp4")
    return colors


def distance(data: bytes, wanted: list[list[int]]) -> int:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    places = [(0.2, 0.3), (0.8, 0.3), (0.2, 0.7), (0.8, 0.7)]
    return farthest([image.getpixel((int(image.width * x), int(image.height * y))) for x, y in places], wanted)


def farthest(found: Sequence[Any], wanted: Sequence[Any]) -> int:
    """The most by which a value differs."""
    values: Iterator[int] = chain.from_iterable(found)
    others: Iterator[int] = chain.from_iterable(wanted)
    return max(abs(one - other) for one, other in zip(values, others, strict=True))


CLIPS = [
    *(Clip(size) for size in [SD, (720, 576), (1280, 718), HD, (320, 720), (1080, 1920)]),
    *(Clip(size, **tags) for size in [SD, HD] for tags in (TAGGED, TAGGED_601)),
    *(Clip(size, "yuvj420p", range=2) for size in [SD, HD]),
    Clip(HD, "yuvj420p", **TAGGED, range=2),
    Clip(SD, matrix=1),
    Clip(HD, matrix=6),
    Clip(SD, matrix=5, primaries=5, transfer=6),
    Clip(SD, matrix=1, primaries=12, transfer=1),
    Clip(SD, matrix=9, primaries=9, transfer=14),
    Clip(SD, "yuv420p10le", **TAGGED, halves=((60, 128, 128), (180, 128, 128))),
    *(Clip(SD, "yuv420p10le", 9, 9, curve, halves=((126, 128, 128), (100, 120, 140))) for curve in (16, 18)),
]


@pytest.mark.parametrize("data", [pytest.param(clip.mp4(), id=repr(clip)[:99]) for clip in CLIPS])
def test_poster_and_kept_frame_are_the_players(canvas: Page, data: bytes) -> None:
    shown = played(canvas, data)

    assert distance(extract_frame(io.BytesIO(data), 0.0), shown) <= 3
    assert distance(poster(io.BytesIO(data)).data, shown) <= 3


@pytest.mark.parametrize("name", ["bt709_tagged.mp4", "bt709_untagged_hd.mp4"])
def test_cases_of_hd(canvas: Page, name: str) -> None:
    data = (CASES / name).read_bytes()
    shown = played(canvas, data)

    assert distance(extract_frame(io.BytesIO(data), 0.0), shown) <= 3
    assert distance(poster(io.BytesIO(data)).data, shown) <= 3


@pytest.mark.parametrize("matrix", [matrix for matrix, *_ in SHOWN], ids=str)
def test_turned_video_is_as_upright_as_in_the_player(canvas: Page, matrix: tuple[float, ...]) -> None:
    data = with_matrix(quarters_mp4(), matrix)
    shown, size = played(canvas, data), canvas.evaluate(_SIZE, "/clip.mp4")
    found = probe(io.BytesIO(data))

    assert [found.width, found.height] == size
    assert distance(extract_frame(io.BytesIO(data), 0.0), shown) <= 3
    assert distance(poster(io.BytesIO(data)).data, shown) <= 5  # lossy WebP


def test_next_clip_begins_as_the_last_one_ended(canvas: Page, film: Team, bob: User, tmp_path: Path) -> None:
    """What the player shows of an untagged video, kept as a picture, is what the player shows of the next video."""
    data = (CASES / "bt709_untagged_hd.mp4").read_bytes()
    generation = make_generation(bob, film, Status.DONE)
    make_video(generation, data)
    signed_in(bob).post(reverse("generation-frame", args=[generation.pk]), {"at": "0"})
    kept = bucket.get(Upload.objects.get().key)
    (tmp_path / "kept").write_bytes(kept)
    recipe = Recipe("And then", 5, "seed", picture="kept")
    list(encode(islice(frames(recipe, tmp_path), 24), tmp_path / "next.mp4"))
    shown = played(canvas, data)
    canvas.unroute_all()

    assert distance(kept, shown) <= 3
    following = played(canvas, (tmp_path / "next.mp4").read_bytes())
    assert farthest(following, shown) <= 3
