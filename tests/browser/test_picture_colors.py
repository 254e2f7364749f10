"""Pictures reach fal with the colours, and the way up, that Chromium shows of the file that was given."""

import base64
import io
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from generations import color
from generations.fal.arguments import MAX_PICTURE_BYTES
from generations.picture_decoder.decode import decode
from tests.generations.pictures.examples import encoded, quarters
from tests.generations.pictures.hostile import hidden_default_png, with_gain_map, ycck
from tests.generations.pictures.test_read import CASES, chunk, png_with

pytestmark = pytest.mark.browser

_PLACES = [(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)]
_DRAWN = """async ([source, places]) => {
    const image = Object.assign(new Image(), { src: source });
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0);
    return places.map(([x, y]) => [...pen.getImageData(canvas.width * x, canvas.height * y, 1, 1).data.slice(0, 3)]);
}"""


def soft(mode: str = "RGB") -> Image.Image:
    """Four colours that every screen has."""
    image = Image.new("RGB", (400, 400), (200, 60, 40))
    image.paste((40, 180, 60), (200, 0, 400, 200))
    image.paste((50, 60, 190), (0, 200, 200, 400))
    image.paste((210, 200, 150), (200, 200, 400, 400))
    return image.convert(mode)


def see_through() -> Image.Image:
    image = soft("RGBA")
    image.putalpha(100)
    return image


def avif(primaries: int, transfer: int) -> bytes:
    data = encoded(soft(), "AVIF", quality=100, subsampling="4:4:4")
    place = data.index(b"nclx") + 4
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


P3: dict[str, Any] = {"icc_profile": color._profile(color._PRIMARIES[12], color.D65, color._srgb_curve())}
ADOBE: dict[str, Any] = {
    "icc_profile": color._profile((0.64, 0.33, 0.21, 0.71, 0.15, 0.06), color.D65, color._exponent_curve(2.19921875))
}
BEST: dict[str, Any] = {"quality": 98}
PICTURES = {
    "sRGB JPEG": encoded(soft(), "JPEG", **BEST),
    "sRGB PNG": encoded(soft(), "PNG"),
    "P3 JPEG": encoded(soft(), "JPEG", **BEST, **P3),
    "P3 PNG": encoded(soft(), "PNG", **P3),
    "P3 WebP": encoded(soft(), "WEBP", lossless=True, **P3),
    "P3 AVIF": avif(12, 13),
    "Adobe RGB": encoded(soft(), "JPEG", **BEST, **ADOBE),
    "PQ PNG": png_with(chunk(b"cICP", bytes((9, 16, 0, 1))), image=soft()),
    "HLG PNG": png_with(chunk(b"cICP", bytes((9, 18, 0, 1))), image=soft()),
    "PQ AVIF": avif(9, 16),
    "BT.2020 PNG": png_with(chunk(b"cICP", bytes((9, 1, 0, 1))), image=soft()),
    "gamma": png_with(chunk(b"gAMA", struct.pack(">I", 55556)), image=soft()),
    "CMYK": encoded(soft("CMYK"), "JPEG", **BEST),
    "YCCK": ycck(soft()),
    "gain map": with_gain_map(soft()),
    "APNG of hidden default": hidden_default_png(Image.new("RGB", (400, 400)), soft()),
    "APNG of small frame": hidden_default_png(Image.new("RGB", (400, 400)), soft().resize((200, 200)), (200, 0)),
    "grey": encoded(soft("L"), "PNG"),
    "palette": encoded(soft("P"), "PNG"),
    "16 bits": encoded(Image.new("I;16", (400, 400), 0x80FF), "PNG"),
    "on white": encoded(see_through(), "PNG"),
    "turned": encoded(soft(), "JPEG", 6, **BEST),
    "turned PNG": encoded(soft(), "PNG", 8),
    "GIF": encoded(soft(), "GIF"),
    "BMP": encoded(quarters(), "BMP"),
    "broken EXIF": (CASES / "exif_broken.png").read_bytes(),
    "much text": (CASES / "ztxt2mb.png").read_bytes(),
}


@pytest.fixture(scope="module")
def canvas(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_sent_looks_like_what_was_given(canvas: Page, name: str) -> None:
    data = PICTURES[name]
    drawn = canvas.evaluate(_DRAWN, [f"data:image/x;base64,{base64.b64encode(data).decode()}", _PLACES])

    sent = Image.open(io.BytesIO(decode(data, MAX_PICTURE_BYTES).data)).convert("RGB")
    found = [sent.getpixel((int(sent.width * x), int(sent.height * y))) for x, y in _PLACES]
    pairs: list[tuple[Any, Any]] = list(zip(found, drawn, strict=True))
    assert max(abs(a - b) for pixel, want in pairs for a, b in zip(pixel, want, strict=True)) <= 3, (found, drawn)
