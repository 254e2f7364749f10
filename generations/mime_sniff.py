"""Name the type of a file that is no picture, by its first bytes, for the user. Imports nothing of this project.

After WHATWG's MIME Sniffing, whose tables are for browsers; headers and names of files are not believed.
"""

import json
import re
import zlib
from dataclasses import dataclass
from enum import Enum
from typing import Final

_MAX_SNIFFED: Final = 64 * 1024  # bytes of a text
_GZIP: Final = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class _Description:
    """`what` completes "This is …"; what to do with a file and, where it differs, with a link."""

    what: str
    with_file: str
    with_link: str = ""


class Kind(Enum):
    WEB_PAGE = _Description(
        "a web page",
        "Save the picture itself and use that.",
        "Give the address of the picture itself.",
    )
    SIGN_IN = _Description(
        "a web page that asks to sign in",
        "Save the picture itself and use that.",
        "Download the picture yourself and upload it here.",
    )
    SVG = _Description("an SVG drawing", "Save it as PNG and use that.", "Save it as PNG and upload that here.")
    XML = _Description("XML data", "Use JPEG, PNG, WebP or HEIC.", "Check the address, or upload the picture here.")
    JSON = _Description("data (JSON)", "Use JPEG, PNG, WebP or HEIC.", "Give the address of the picture itself.")
    TEXT = _Description("text", "Use JPEG, PNG, WebP or HEIC.", "Give the address of the picture itself.")
    PDF = _Description("a PDF document", "Save its page as PNG or JPEG and use that.")
    VIDEO = _Description("a video", "Take a still from it and use that.")
    SOUND = _Description("a sound file", "Use JPEG, PNG, WebP or HEIC.")
    ARCHIVE = _Description("an archive or an office document", "Unpack the picture and use that.")

    @property
    def file_message(self) -> str:
        return f"This file isn't a picture. It is {self.value.what}. {self.value.with_file}"

    @property
    def link_message(self) -> str:
        texts: _Description = self.value
        return f"This address leads to {texts.what}, not to a picture. {texts.with_link or texts.with_file}"


# (offset, bytes); of a RIFF or ISO file the form decides
_SIGNATURES: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"%PDF-", Kind.PDF),
    (0, b"\x1a\x45\xdf\xa3", Kind.VIDEO),  # WebM, Matroska
    (8, b"AVI ", Kind.VIDEO),
    (0, b"\0\0\x01\xba", Kind.VIDEO),
    (0, b"\0\0\x01\xb3", Kind.VIDEO),
    (0, b"FLV\x01", Kind.VIDEO),
    (0, b"0&\xb2u\x8ef\xcf\x11", Kind.VIDEO),  # Windows Media
    (4, b"moov", Kind.VIDEO),
    (4, b"mdat", Kind.VIDEO),
    (8, b"WAVE", Kind.SOUND),
    (0, b"ID3", Kind.SOUND),
    (0, b"fLaC", Kind.SOUND),
    (0, b"OggS", Kind.SOUND),
    (0, b"PK\x03\x04", Kind.ARCHIVE),
    (0, b"Rar!\x1a\x07", Kind.ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", Kind.ARCHIVE),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.ARCHIVE),  # Office before 2007
)
_PICTURE_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_SOUND_BRANDS: Final = (b"M4A ", b"M4B ")

_BEFORE_THE_ROOT: Final = re.compile(r"\s+|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
_ROOT: Final = re.compile(r"<(?:!doctype\s+)?(?:[a-z][\w.-]*:)?([a-z][\w.-]*)(?=[\s/>\[]|\Z)", re.IGNORECASE)
_ASKS_TO_SIGN_IN: Final = re.compile(
    r"""<input[^>]+type\s*=\s*["']?password|<title[^>]*>[^<]*\b(?:sign[ -]?in|log[ -]?in)\b""", re.IGNORECASE
)
# WHATWG's list, and what templates leave at the beginning
_HTML: Final = frozenset({
    "html", "head", "body", "title", "meta", "link", "base", "script", "noscript", "style", "template", "iframe",
    "frameset", "div", "main", "section", "article", "header", "footer", "nav", "form", "p", "a", "b", "i", "br",
    "hr", "h1", "h2", "h3", "h4", "span", "strong", "em", "ul", "ol", "li", "table", "tr", "td", "font", "center",
    "img", "input", "button", "pre",
})  # fmt: skip


def gunzip(data: bytes, limit: int) -> bytes:
    """What gzip has packed, at most a byte over `limit`: some servers send gzip to clients that did not ask for it."""
    if not data.startswith(_GZIP):
        return data
    try:
        return zlib.decompressobj(wbits=31).decompress(data, limit + 1)
    except zlib.error:
        return data


def detect_non_picture(data: bytes) -> Kind | None:
    """Which kind of file this is; None for pictures of all kinds, and for what can't be told."""
    if data[4:8] == b"ftyp":
        return _kind_of_brand(data[8:12])
    for offset, signature, kind in _SIGNATURES:
        if data.startswith(signature, offset):
            return kind
    text = _text(gunzip(data, _MAX_SNIFFED)[:_MAX_SNIFFED])
    return _kind_of_text(text) if text is not None and text.strip() else None


def _kind_of_brand(brand: bytes) -> Kind | None:
    if brand in _PICTURE_BRANDS:
        return None
    return Kind.SOUND if brand in _SOUND_BRANDS else Kind.VIDEO


def _text(data: bytes) -> str | None:
    """As text, when it is some: no control characters, in whatever encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").lstrip("\ufeff")
    if any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in data):
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_cut = error.start >= len(data) - 3
        text = data.decode("utf-8-sig" if is_cut else "latin-1", "ignore")
    return text if is_cut or text.lstrip().startswith("<") else None


def _kind_of_text(text: str) -> Kind:
    root = _root(text)
    if root == "svg":
        return Kind.SVG
    if root in _HTML:
        return Kind.SIGN_IN if _ASKS_TO_SIGN_IN.search(text) else Kind.WEB_PAGE
    if root or text.lstrip().startswith("<?xml"):
        return Kind.XML
    return Kind.JSON if _is_json(text) else Kind.TEXT


def _root(text: str) -> str:
    """The first element's name, or the doctype's, behind comments and declarations; "" when there is none."""
    at = 0
    while before := _BEFORE_THE_ROOT.match(text, at):
        at = before.end()
    root = _ROOT.match(text, at)
    return root[1].lower() if root else ""


def _is_json(text: str) -> bool:
    """One that was cut off counts, when it begins as one."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return text.lstrip().startswith(('{"', '[{"', '["')) and len(text) >= _MAX_SNIFFED // 4
    except RecursionError:
        return True
    return True
