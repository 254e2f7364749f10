"""Next to a picture the composer says in words what was changed or dropped before it is sent."""

import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import desk_alone
from tests.browser.test_picture_colors import P3
from tests.browser.test_pictures import expect_kept
from tests.generations.pictures.examples import encoded, quarters, turned
from tests.generations.pictures.hostile import hidden_default_png, with_gain_map

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), desk_alone]


def see_through() -> bytes:
    image = quarters(mode="RGBA")
    image.putalpha(100)
    return encoded(image, "PNG")


def moving(format_: str) -> bytes:
    return encoded(quarters(), format_, save_all=True, append_images=[Image.new("RGB", (640, 480))], duration=100)


def with_place() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    return encoded(quarters(), "JPEG", exif=exif)


WIDE = encoded(Image.new("RGB", (400, 400), (200, 60, 40)), "PNG", **P3)
WORDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "transparent": (see_through, "transparency replaced with white"),
    "animated PNG": (lambda: moving("PNG"), "only the first frame of the animation"),
    "animated GIF": (lambda: moving("GIF"), "only the first frame of the animation, saved as PNG"),
    "hidden default": (
        lambda: hidden_default_png(Image.new("RGB", (640, 480)), quarters()),
        "only the first frame of the animation",
    ),
    "wide colours": (lambda: WIDE, "colors converted to sRGB"),
    "turned": (
        lambda: encoded(turned(quarters(), 6), "JPEG", 6),
        "turned upright, location and other metadata removed",
    ),
    "GPS": (with_place, "location and other metadata removed"),
    "gain map": (lambda: with_gain_map(quarters()), "location and other metadata removed"),
    "16 bits": (lambda: encoded(Image.new("I;16", (400, 400), 0x80FF), "PNG"), "reduced to 8 bits per color"),
    "HEIC": (lambda: encoded(quarters(), "HEIF"), "saved as JPEG"),
    "large": (lambda: encoded(Image.new("RGB", (8064, 6048)), "JPEG", quality=20), "scaled down"),
}


def choose(page: Page, data: bytes) -> None:
    page.locator("#id_start_file").set_input_files(
        {"name": "fox", "mimeType": "application/octet-stream", "buffer": data}
    )


@pytest.mark.parametrize(("make", "words"), WORDS.values(), ids=WORDS)
def test_what_is_sent_is_said_and_said_again_after_a_reload(
    bobs_page: Page, make: Callable[[], bytes], words: str
) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    choose(page, make())
    expect_kept(page, "start")
    said = page.locator("[data-picture=start] [data-upload-changes]")
    expect(said).to_be_visible()
    expect(said).to_have_text(f"What is sent: {words}.")

    page.reload()
    expect(said).to_have_text(f"What is sent: {words}.")


def test_nothing_is_said_of_a_picture_that_goes_as_it_came(bobs_page: Page) -> None:
    page = bobs_page
    page.goto("/generations/new/?kind=image")
    choose(page, see_through())
    said = page.locator("[data-picture=start] [data-upload-changes]")
    expect(said).to_have_text(re.compile("white"))
    choose(page, encoded(quarters(), "JPEG"))
    expect(said).to_be_hidden()
