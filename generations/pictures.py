"""A person's picture, from a file or a link, as one that Kling takes. Knows no models and no web framework.

Kling takes upright JPEG and PNG within the limits of `fal.arguments`. Those are kept byte for byte; what phones and
browsers give besides (WebP, HEIC, a JPEG that lies on its side) is converted.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import httpx
import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from generations import fetch
from generations.fal.arguments import MAX_PICTURE_BYTES, InvalidArguments, PictureFormat, Problem, check_picture
from generations.mime_sniff import Kind, no_picture, unpacked

MAX_PIXELS: Final = 64_000_000  # more than today's phones take, little enough to hold in memory
FETCH_SECONDS: Final = 20  # what fal itself gives a picture's address to answer (its sibling Kling endpoints say so)
FETCH_TIMEOUT: Final = httpx.Timeout(connect=10, read=10, write=10, pool=10)

_READ: Final = ("JPEG", "PNG", "WEBP", "HEIF")
_KEPT: Final = {"JPEG": PictureFormat.JPEG, "MPO": PictureFormat.JPEG, "PNG": PictureFormat.PNG}
_QUALITIES: Final = (95, 90, 80, 65)
_ORIENTATION: Final = 0x0112  # EXIF; 1 is upright, 2 to 8 are turned or mirrored

_STARTS_OF_READ: Final = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")
_STARTS_OF_OTHERS: Final = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"<svg", b"<?xml", b"8BPS", b"\0\0\x01\0")
_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it goes to Kling: upright, `width` × `height` px; `sha256` of `data` in hexadecimal."""

    data: bytes
    media_type: PictureFormat
    width: int
    height: int
    sha256: str

    @property
    def extension(self) -> str:
        return self.media_type.extension


def read(name: str, data: bytes) -> Picture:
    """The picture in `data`, for the input `name`. Raises InvalidArguments with the rule that it breaks."""
    _refuse(check_picture(name, media_type=PictureFormat.JPEG, size=len(data)))
    if not data:
        raise _problem(name, "image_load_error", "The file is empty.")
    with _decoding(name, data), Image.open(BytesIO(data), formats=_READ) as image:
        _check_geometry(name, image)
        image.load()
        kept = _KEPT.get(image.format or "")
        if kept and _is_upright(image):
            return _picture(data, kept, image)
        upright = image if _is_upright(image) else ImageOps.exif_transpose(image)
        encoded, media_type = _encoded(upright, as_png=kept is PictureFormat.PNG or _has_alpha(upright))
    _refuse(check_picture(name, media_type=media_type, size=len(encoded)))
    return _picture(encoded, media_type, upright)


def square(name: str, data: bytes, side: int) -> bytes:
    """The middle of a picture as a square WebP. Raises InvalidArguments when it is none, or too large."""
    _refuse(check_picture(name, media_type=PictureFormat.JPEG, size=len(data)))
    with _decoding(name, data), Image.open(BytesIO(data), formats=_READ) as image:
        if image.width * image.height > MAX_PIXELS:
            raise _too_many_pixels(name)
        fitted = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGBA"), (side, side))
    buffer = BytesIO()
    fitted.save(buffer, "WEBP", quality=85, exif=b"")
    return buffer.getvalue()


def fetch_picture(name: str, url: str, *, trusted_origins: frozenset[str] = frozenset()) -> Picture:
    """The picture at an address that somebody typed. Raises InvalidArguments that says what is wrong with the link."""
    with _downloading(name, url), fetch.client(trusted_origins=trusted_origins, timeout=FETCH_TIMEOUT) as client:
        data = _download(name, client, url.strip())
    data = unpacked(data, MAX_PICTURE_BYTES)
    if kind := no_picture(data):
        raise _not_a_picture(name, kind, kind.of_link)
    return read(name, data)


def _picture(data: bytes, media_type: PictureFormat, image: Image.Image) -> Picture:
    return Picture(data, media_type, image.width, image.height, hashlib.sha256(data).hexdigest())


def _problem(name: str, type_: str, message: str) -> InvalidArguments:
    return InvalidArguments([Problem(name, type_, message)])


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InvalidArguments(problems)


def _check_geometry(name: str, image: Image.Image) -> None:
    """Before the pixels are unpacked, where the format allows; by the upright picture's sides, as Kling sees them."""
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(name)
    width, height = (image.height, image.width) if _orientation(image) >= 5 else image.size
    _refuse(check_picture(name, media_type=PictureFormat.JPEG, width=width, height=height))


def _too_many_pixels(name: str) -> InvalidArguments:
    message = f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller."
    return _problem(name, "image_too_large", message)


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _is_upright(image: Image.Image) -> bool:
    return _orientation(image) == 1


def _has_alpha(image: Image.Image) -> bool:
    """Whether something of it is transparent; most pictures with an alpha channel are opaque all over."""
    if not image.has_transparency_data:
        return False
    alpha = image.convert("RGBA").getchannel("A").tobytes()
    return alpha.count(255) < len(alpha)


def _encoded(image: Image.Image, *, as_png: bool) -> tuple[bytes, PictureFormat]:
    """The best encoding that fits, or the smallest when none does. The colour profile stays, EXIF goes."""
    if as_png and len(data := _saved(image, "PNG", optimize=False)) <= MAX_PICTURE_BYTES:
        return data, PictureFormat.PNG
    flat = _without_alpha(image)
    for quality in _QUALITIES:
        data = _saved(flat, "JPEG", quality=quality)
        if len(data) <= MAX_PICTURE_BYTES:
            break
    return data, PictureFormat.JPEG


def _saved(image: Image.Image, format_: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, icc_profile=image.info.get("icc_profile"), exif=b"", **options)
    return buffer.getvalue()


def _without_alpha(image: Image.Image) -> Image.Image:
    """On white, in a mode that JPEG holds."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Image.new("RGBA", image.size, "white")
        flat.alpha_composite(layer)
    else:
        flat = image
    result = flat if flat.mode in {"RGB", "L", "CMYK"} else flat.convert("RGB")
    result.info["icc_profile"] = image.info.get("icc_profile")
    return result


@contextmanager
def _decoding(name: str, data: bytes) -> Iterator[None]:
    """Whatever a decoder stumbles over becomes a sentence: Pillow's plugins raise a dozen kinds of errors."""
    try:
        yield
    except InvalidArguments:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(name) from None
    except UnidentifiedImageError:
        raise _not_read(name, data) from None
    except Exception as error:
        raise _damaged(name) from error


def _not_read(name: str, data: bytes) -> InvalidArguments:
    """Nothing that we read: a damaged file, a picture of another kind, or no picture at all."""
    if kind := no_picture(data):
        return _not_a_picture(name, kind, kind.of_file)
    box, brand = data[4:8], data[8:12]
    if data.startswith(_STARTS_OF_READ) or (box == b"ftyp" and brand in _HEIC_BRANDS):
        return _damaged(name)
    if data.startswith(_STARTS_OF_OTHERS) or (box == b"ftyp" and brand in {b"avif", b"avis"}):
        return InvalidArguments(check_picture(name, media_type="image/*"))
    return _problem(name, "image_load_error", "This file isn't a picture. Use a JPEG or PNG picture.")


def _not_a_picture(name: str, kind: Kind, message: str) -> InvalidArguments:
    return _problem(name, "unsupported_image_format" if kind is Kind.SVG else "image_load_error", message)


def _damaged(name: str) -> InvalidArguments:
    message = "The picture is damaged or not complete. Save it again and try with that."
    return _problem(name, "image_load_error", message)


def _download(name: str, client: httpx.Client, url: str) -> bytes:
    """The bytes at `url`, at most 10 MB and in at most 20 s, however slowly they drip."""
    deadline = time.monotonic() + FETCH_SECONDS
    with client.stream("GET", url) as response:
        if not response.is_success:
            raise _bad_status(name, response.status_code)
        announced = response.headers.get("content-length", "")
        size = int(announced) if announced.isdecimal() else None
        _refuse(check_picture(name, media_type=PictureFormat.JPEG, size=size))
        data = bytearray()
        for chunk in response.iter_raw():
            data += chunk
            if len(data) > MAX_PICTURE_BYTES:
                raise _problem(name, "file_too_large", "The picture at this address is larger than 10 MB.")
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("too slow", request=response.request)
    return bytes(data)


def _bad_status(name: str, status: int) -> InvalidArguments:
    if status in {404, 410}:
        message = f"There is nothing at this address ({status}). Check it."
    elif status in {401, 403}:
        message = f"The address isn't open to everybody ({status}). Download the picture yourself and upload it here."
    else:
        message = f"The address answered with an error ({status}). Try again, or upload the picture here."
    return _problem(name, "file_download_error", message)


@contextmanager
def _downloading(name: str, url: str) -> Iterator[None]:
    try:
        yield
    except (fetch.AddressRefused, httpx.InvalidURL, httpx.RequestError) as error:
        raise _problem(name, "file_download_error", _download_words(error, url)) from error


_DOWNLOAD_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.InvalidURL, "This isn't a web address. Give one that starts with https://."),
    (httpx.UnsupportedProtocol, "Give a web address that starts with https://."),
    (fetch.HostNotFound, "There is no {host} on the internet. Check the address."),
    (httpx.ConnectError, "{host} can't be reached. Check the address, or upload the picture here."),
    (httpx.TimeoutException, "{host} took too long to answer. Try again, or upload the picture here."),
    (httpx.TooManyRedirects, "The address redirects too often. Give the address of the picture itself."),
    (httpx.RequestError, "The download from {host} broke off. Try again, or upload the picture here."),
)


def _download_words(error: Exception, url: str) -> str:
    words = next((words for kind, words in _DOWNLOAD_WORDS if isinstance(error, kind)), str(error))
    return words.format(host=_host(error, url)) if not isinstance(error, fetch.AddressRefused) else words


def _host(error: Exception, url: str) -> str:
    """The host that failed: that of the last redirect, where there was one."""
    request = getattr(error, "_request", None)
    return str(request.url.host) if isinstance(request, httpx.Request) else url
