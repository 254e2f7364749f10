"""Pictures of every kind, made on the spot."""

from io import BytesIO
from typing import Any

import pillow_heif
from PIL import Image, ImageDraw, ImageFilter

pillow_heif.register_heif_opener()

ORIENTATION = 0x0112


def quarters(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """Red, green, blue and white quarters: it shows at once which way up it is."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    x, y = width // 2, height // 2
    for colour, left, top in (("red", 0, 0), ("lime", x, 0), ("blue", 0, y)):
        draw.rectangle((left, top, max(left, left + x - 1), max(top, top + y - 1)), colour)
    return image.convert(mode)


def corners(image: Image.Image) -> list[str]:
    """The colours of the four corners, row by row; "?" for one that isn't any of the quarters'."""
    width, height = image.size
    plain = image.convert("RGB")
    points = [(9, 9), (width - 9, 9), (9, height - 9), (width - 9, height - 9)]
    return [_colour(plain.getpixel(point)) for point in points]


def _colour(pixel: Any) -> str:
    known = {(255, 0, 0): "red", (0, 255, 0): "lime", (0, 0, 255): "blue", (255, 255, 255): "white"}
    near = (name for rgb, name in known.items() if all(abs(a - b) < 40 for a, b in zip(rgb, pixel, strict=True)))
    return next(near, "?")


def encoded(image: Image.Image, format_: str, orientation: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    if orientation != 1:
        exif[ORIENTATION] = orientation
        options["exif"] = exif.tobytes()  # as bytes, HEIF's encoder turns the picture as well, as a phone's does
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """As the camera stores it, so that `orientation` sets it upright again."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image.transpose(back[orientation])


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """The worst that an encoder can meet."""
    channels = [Image.effect_noise((width, height), 120) for _ in mode]
    return Image.merge(mode, channels)


def smooth_noise(width: int, height: int) -> Image.Image:
    return noise(width, height).filter(ImageFilter.GaussianBlur(1))


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image
