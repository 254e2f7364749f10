"""Read a user's picture, from a file or a link, as one that Kling takes. Knows no models and no web framework.

Any picture that a browser shows, and HEIC, becomes an upright JPEG or PNG of 8-bit sRGB without transparency or
metadata (`picture_decoder`), within the limits of `fal.arguments`. `Picture.changes` says what it lost on the way.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import httpx
from PIL import Image, ImageOps

from generations import fetch
from generations.fal.arguments import MAX_PICTURE_BYTES, InvalidArguments, PictureFormat, Problem, check_picture
from generations.mime_sniff import Kind, detect_non_picture, gunzip
from generations.picture_decoder import process
from generations.picture_decoder.containers import JPEG
from generations.picture_decoder.outcome import MAX_PIXELS, Change, Fault, RefusedError
from generations.picture_decoder.process import DecoderBusyError

__all__ = ["MAX_PIXELS", "Change", "DecoderBusyError", "Picture", "fetch_picture", "read", "square", "thumbnail"]

FETCH_SECONDS: Final = 20  # what fal itself gives a picture's address to answer (its sibling Kling endpoints say so)
FETCH_TIMEOUT: Final = httpx.Timeout(connect=10, read=10, write=10, pool=10)
THUMBNAIL_SIDE: Final = 480  # px
_SMALLER: Final = f"Make it smaller, or save it as JPEG: that may have {MAX_PIXELS['JPEG'] // 1_000_000} million."

_OTHER_SIGNATURES: Final = (
    b"II*\0",
    b"MM\0*",
    b"<svg",
    b"<?xml",
    b"8BPS",
    b"\0\0\x01\0",
    b"\0\0\0\x0cJXL ",
    b"\xff\x0a",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it goes to Kling: upright, `width` × `height` px; `sha256` of `data` in hexadecimal."""

    data: bytes
    media_type: PictureFormat
    width: int
    height: int
    sha256: str
    changes: tuple[Change, ...] = ()

    @property
    def extension(self) -> str:
        return self.media_type.extension


def read(name: str, data: bytes) -> Picture:
    """The picture in `data`, for the input `name`. Raises InvalidArguments with the rule that it breaks.

    Raises DecoderBusyError where too many are read at once.
    """
    _refuse(check_picture(name, media_type=PictureFormat.JPEG, size=len(data)))
    if not data:
        raise _problem(name, "image_load_error", "The file is empty.")
    try:
        found = process.decode(data, MAX_PICTURE_BYTES)
    except RefusedError as error:
        raise _decode_error(name, data, error) from error
    media_type = PictureFormat.PNG if found.is_png else PictureFormat.JPEG
    width, height = found.given
    _refuse(check_picture(name, media_type=media_type, size=len(found.data), width=width, height=height))
    sha256 = hashlib.sha256(found.data).hexdigest()
    return Picture(found.data, media_type, found.width, found.height, sha256, found.changes)


def square(name: str, data: bytes, side: int) -> bytes:
    """The middle of a picture as a square WebP. Raises InvalidArguments when it is none, or DecoderBusyError."""
    _refuse(check_picture(name, media_type=PictureFormat.JPEG, size=len(data)))
    try:
        found = process.decode(data, MAX_PICTURE_BYTES)
    except RefusedError as error:
        raise _decode_error(name, data, error) from error
    with Image.open(BytesIO(found.data)) as image:
        image.draft("RGB", (side, side))
        fitted = ImageOps.fit(image.convert("RGB"), (side, side))
    buffer = BytesIO()
    fitted.save(buffer, "WEBP", quality=85)
    return buffer.getvalue()


def thumbnail(data: bytes) -> bytes:
    """A small WebP of a picture as `read` returns it: at most THUMBNAIL_SIDE px wide and high."""
    with Image.open(BytesIO(data)) as image:
        image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def fetch_picture(name: str, url: str, *, trusted_origins: frozenset[str] = frozenset()) -> Picture:
    """The picture at an address that somebody typed. Raises InvalidArguments that says what is wrong with the link."""
    with _download_errors(name, url), fetch.client(trusted_origins=trusted_origins, timeout=FETCH_TIMEOUT) as client:
        data = _download(name, client, url.strip())
    data = gunzip(data, MAX_PICTURE_BYTES)
    if kind := detect_non_picture(data):
        raise _not_picture_error(name, kind, kind.link_message)
    return read(name, data)


def _problem(name: str, type_: str, message: str) -> InvalidArguments:
    return InvalidArguments([Problem(name, type_, message)])


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise InvalidArguments(problems)


def _decode_error(name: str, data: bytes, error: RefusedError) -> InvalidArguments:
    match error.fault:
        case Fault.UNKNOWN:
            return _unreadable_error(name, data)
        case Fault.PIXELS:
            most = f"{error.limit // 1_000_000} million pixels"
            way = "Make it smaller." if data.startswith(JPEG) else _SMALLER
            return _problem(name, "image_too_large", f"The picture has more than {most}. {way}")
        case Fault.COSTLY:
            message = (
                "The picture takes too much memory or time to read. Make it smaller, or save it again as a plain JPEG."
            )
            return _problem(name, "image_too_large", message)
        case Fault.INCOMPLETE:
            message = "The picture is not complete: a part of the file is missing. Save it again and try with that."
            return _problem(name, "image_load_error", message)
        case Fault.DAMAGED if detect_non_picture(data):  # its box is that of a picture's too
            return _unreadable_error(name, data)
        case Fault.DAMAGED:
            return _problem(name, "image_load_error", "The picture is damaged. Save it again and try with that.")


def _unreadable_error(name: str, data: bytes) -> InvalidArguments:
    """A picture of another kind, or no picture at all."""
    if kind := detect_non_picture(data):
        return _not_picture_error(name, kind, kind.file_message)
    if data.startswith(_OTHER_SIGNATURES):
        return InvalidArguments(check_picture(name, media_type="image/*"))
    return _problem(name, "image_load_error", "This file isn't a picture. Use JPEG, PNG, WebP or HEIC.")


def _not_picture_error(name: str, kind: Kind, message: str) -> InvalidArguments:
    return _problem(name, "unsupported_image_format" if kind is Kind.SVG else "image_load_error", message)


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
def _download_errors(name: str, url: str) -> Iterator[None]:
    try:
        yield
    except (fetch.AddressRefused, httpx.InvalidURL, httpx.RequestError) as error:
        raise _problem(name, "file_download_error", _download_message(error, url)) from error


_DOWNLOAD_MESSAGES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.InvalidURL, "This isn't a web address. Give one that starts with https://."),
    (httpx.UnsupportedProtocol, "Give a web address that starts with https://."),
    (fetch.HostNotFound, "There is no {host} on the internet. Check the address."),
    (httpx.ConnectError, "{host} can't be reached. Check the address, or upload the picture here."),
    (httpx.TimeoutException, "{host} took too long to answer. Try again, or upload the picture here."),
    (httpx.TooManyRedirects, "The address redirects too often. Give the address of the picture itself."),
    (httpx.RequestError, "The download from {host} broke off. Try again, or upload the picture here."),
)


def _download_message(error: Exception, url: str) -> str:
    message = next((message for kind, message in _DOWNLOAD_MESSAGES if isinstance(error, kind)), str(error))
    return message.format(host=_host(error, url)) if not isinstance(error, fetch.AddressRefused) else message


def _host(error: Exception, url: str) -> str:
    """The host that failed: that of the last redirect, where there was one."""
    request = getattr(error, "_request", None)
    return str(request.url.host) if isinstance(request, httpx.Request) else url
