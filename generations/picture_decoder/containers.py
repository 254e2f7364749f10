"""Take files apart: keep what makes the pixels, and read metadata leniently or drop it.

Browsers show a picture in spite of broken texts, profiles, EXIF and trailing bytes, so these are no error here.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from generations.picture_decoder.outcome import Fault, RefusedError

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8\xff"
_PROFILE_BYTES: Final = 4_000_000  # unpacked; printers' profiles have up to 2 MB
_XMP_BYTES: Final = 1_000_000
_ABOUT_PIXELS: Final = {b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"sBIT", b"bKGD", b"hIST"} | {
    *(b"acTL", b"fcTL", b"fdAT")
}
_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_AFTER_SCAN: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_XMP_ORIENTATION: Final = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\b")


@dataclass
class Parts:
    """`data` has nothing but the pixels; the colours are told by the first of these that is there."""

    data: bytes
    code_points: tuple[int, int] | None = None  # primaries and transfer function of ITU-T H.273
    profile: bytes = b""  # ICC
    gamma: float = 0.0
    primaries: tuple[float, ...] = ()  # x and y of white, red, green and blue
    exif: bytes = b""
    xmp: bytes = b""
    has_extras: bool = False  # something else was dropped
    is_animated: bool = False
    is_cut: bool = False  # its end is missing
    is_deep: bool = False  # more than 8 bits a colour
    offset: tuple[int, int] = (0, 0)  # of an animation's first frame on its canvas
    canvas: tuple[int, int] | None = None
    scans: list[tuple[int, int, int]] = field(default_factory=list)  # of a JPEG: component, last coefficient, low bit
    is_progressive: bool = False
    samples: int = 0  # of a JPEG, over all components

    @property
    def has_metadata(self) -> bool:
        return bool(self.exif or self.xmp or self.has_extras)

    @property
    def xmp_orientation(self) -> int:
        found = _XMP_ORIENTATION.search(self.xmp)
        return int(found[1]) if found else 1


# --- PNG


def png_parts(data: bytes) -> Parts:
    """Raises RefusedError for what browsers refuse: no header, or chunks that they must know and don't."""
    parts, kept, pixels, told = Parts(b""), [], [], {}
    animation = _FirstFrame()
    has_end = False
    for kind, body, is_whole in _png_chunks(data):
        if kind in {b"IHDR", b"PLTE"} and not is_whole:
            raise RefusedError(Fault.DAMAGED)
        if kind == b"IEND":
            has_end = True
            break
        if kind == b"IDAT":
            pixels.append(body)
        elif kind in {b"IHDR", b"PLTE", b"tRNS"}:
            kept.append(_png_chunk(kind, body))
        elif not kind[0] & 0x20:
            raise RefusedError(Fault.DAMAGED)
        elif is_whole:
            animation.add(kind, body, is_behind=bool(pixels) and b"acTL" in told)
            told[kind] = body
        else:
            parts.has_extras = True
    if not kept or not pixels:
        raise RefusedError(Fault.DAMAGED if has_end else Fault.INCOMPLETE)
    if animation.data:
        kept[0], pixels = _of_frame(parts, kept[0], animation.control), animation.data
    parts.data = PNG + b"".join(kept) + _png_chunk(b"IDAT", b"".join(pixels)) + _png_chunk(b"IEND", b"")
    parts.is_cut, parts.is_deep = not has_end, data[24] == 16
    _apply_png_metadata(parts, told)
    return parts


@dataclass
class _FirstFrame:
    """Of an animated PNG whose picture for other programs is no frame of it: browsers never show that one."""

    control: bytes = b""  # fcTL
    data: list[bytes] = field(default_factory=list)
    frames: int = 0

    def add(self, kind: bytes, body: bytes, *, is_behind: bool) -> None:
        """`is_behind` the picture for other programs."""
        if kind == b"fcTL":
            self.frames += 1
            if is_behind and self.frames == 1 and len(body) == 26:
                self.control = body
        elif kind == b"fdAT" and self.control and self.frames == 1:
            self.data.append(body[4:])


def _of_frame(parts: Parts, header: bytes, control: bytes) -> bytes:
    """The header of a picture that is this frame; the canvas is that of the whole. Raises RefusedError."""
    width, height, left, top = struct.unpack_from(">4I", control, 4)
    parts.canvas, parts.offset = struct.unpack_from(">II", header, 8), (left, top)
    if not (width and height) or left + width > parts.canvas[0] or top + height > parts.canvas[1]:
        raise RefusedError(Fault.DAMAGED)
    return _png_chunk(b"IHDR", struct.pack(">II", width, height) + header[16:21])


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    place = len(PNG)
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + size]
        check = data[place + 8 + size : place + 12 + size]
        yield kind, body, len(check) == 4 and struct.unpack(">I", check)[0] == zlib.crc32(kind + body)
        place += 12 + size


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _apply_png_metadata(parts: Parts, told: dict[bytes, bytes]) -> None:
    """The order is that of the specification: cICP, iCCP, sRGB, gAMA with cHRM."""
    if len(cicp := told.get(b"cICP", b"")) == 4 and cicp[2:] == b"\0\1":
        parts.code_points = cicp[0], cicp[1]
    parts.profile = _inflate(told.get(b"iCCP", b"").partition(b"\0")[2][1:], _PROFILE_BYTES)
    if b"sRGB" not in told and len(gamma := told.get(b"gAMA", b"")) == 4:
        parts.gamma = struct.unpack(">I", gamma)[0] / 100_000
        if len(points := told.get(b"cHRM", b"")) == 32:
            parts.primaries = tuple(value / 100_000 for value in struct.unpack(">8I", points))
    parts.exif = told.get(b"eXIf", b"")
    keyword, _, xmp = told.get(b"iTXt", b"").partition(b"\0")
    if keyword == b"XML:com.adobe.xmp":
        parts.xmp = xmp[:_XMP_BYTES]
    parts.is_animated = b"acTL" in told
    parts.has_extras |= bool(told.keys() - _ABOUT_PIXELS)


def _inflate(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""


def png_rows(data: bytes) -> int:
    """How many rows of a PNG that is cut short have arrived; none of an interlaced one."""
    header: tuple[int, ...] = struct.unpack_from(">IIBBBBB", data, 16)
    width, _, depth, kind, _, _, interlace = header
    if interlace:
        return 0
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind, 4)
    unpacker, arrived = zlib.decompressobj(), 0
    for name, body, _ in _png_chunks(data):
        rest = body if name == b"IDAT" else b""
        while rest:
            try:
                arrived += len(unpacker.decompress(rest, 1 << 20))
            except zlib.error:
                break
            rest = unpacker.unconsumed_tail
    return arrived // (1 + (width * channels * depth + 7) // 8)


def png_of_rows(data: bytes, rows: int) -> bytes:
    """The same with fewer rows: a decoder looks no further."""
    header = data[16:20] + struct.pack(">I", rows) + data[24:29]
    return PNG + _png_chunk(b"IHDR", header) + data[33:]


# --- JPEG


def jpeg_parts(data: bytes) -> Parts:
    """Frame, tables and scans; what follows the end, such as a phone's second picture, goes."""
    parts, kept = Parts(b"", is_cut=True), [b"\xff\xd8"]
    profile: dict[int, bytes] = {}
    place = 2
    while found := _MARKER.search(data, place):
        marker, start = found[1][0], found.end()
        if marker == 0xD9:
            parts.is_cut, parts.has_extras = False, parts.has_extras or start < len(data)
            break
        if 0xD0 <= marker <= 0xD8 or marker == 1:
            place = start
            continue
        size = int.from_bytes(data[start : start + 2], "big")
        body, place = data[start + 2 : start + size], start + max(size, 2)
        segment = bytes((0xFF, marker)) + data[start : start + size]
        if 0xE0 <= marker <= 0xEF or marker == 0xFE:
            kept.append(_read_jpeg_metadata(parts, profile, marker, body, segment))
            continue
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            _frame_jpeg(parts, marker, body)
        kept.append(segment)
        if marker == 0xDA:
            end = _AFTER_SCAN.search(data, place)
            kept.append(data[place : end.start() if end else len(data)])
            place = end.start() if end else len(data)
            _scan_jpeg(parts, body)
    if not parts.scans:
        raise RefusedError(Fault.INCOMPLETE if parts.is_cut else Fault.DAMAGED)
    parts.profile = b"".join(profile[number] for number in sorted(profile))
    parts.data = b"".join(kept) + b"\xff\xd9"
    return parts


def _read_jpeg_metadata(parts: Parts, profile: dict[int, bytes], marker: int, body: bytes, segment: bytes) -> bytes:
    """What stays of an application's segment: how the colours are stored, and nothing else."""
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        return b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    if marker == 0xEE and body.startswith(b"Adobe"):
        return segment
    if marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
        profile[body[12]] = body[14:]
    elif marker == 0xE1 and body.startswith(b"Exif\0"):
        parts.exif = parts.exif or body[6:]
    elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        parts.xmp = parts.xmp or body[29:]
    else:
        parts.has_extras = True
    return b""


def _frame_jpeg(parts: Parts, marker: int, body: bytes) -> None:
    if len(body) < 6:
        raise RefusedError(Fault.DAMAGED)
    parts.is_progressive = marker in {0xC2, 0xCA}
    height, width, count = struct.unpack_from(">HHB", body, 1)
    factors = [(each >> 4, each & 15) for each in body[7 : 6 + 3 * count : 3]]
    across, down = max((h for h, _ in factors), default=1) or 1, max((v for _, v in factors), default=1) or 1
    parts.samples = sum(width * height * h * v // (across * down) for h, v in factors)


def _scan_jpeg(parts: Parts, body: bytes) -> None:
    if len(body) >= 6:
        parts.scans.append((body[1], body[-2], body[-1] & 15))


def has_last_scan(parts: Parts) -> bool:
    """Whether the last scan of a progressive JPEG's brightness has begun: what lacks then is hardly seen."""
    first = parts.scans[0][0]
    return any(component == first and last == 63 and low == 0 for component, last, low in parts.scans)


# --- WebP


def webp_parts(data: bytes) -> Parts:
    """A still picture of the first frame."""
    parts = Parts(b"")
    frame: dict[bytes, bytes] = {}
    for kind, body in _riff_chunks(data[12:]):
        if kind == b"ICCP":
            parts.profile = body[:_PROFILE_BYTES]
        elif kind == b"EXIF":
            parts.exif = body.removeprefix(b"Exif\0\0")
        elif kind == b"XMP ":
            parts.xmp = body[:_XMP_BYTES]
        elif kind == b"VP8X" and len(body) >= 10:
            parts.canvas = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        elif kind == b"ANMF" and len(body) > 16 and not frame:
            parts.is_animated = True
            parts.offset = 2 * int.from_bytes(body[0:3], "little"), 2 * int.from_bytes(body[3:6], "little")
            frame = dict(_riff_chunks(body[16:]))
            frame[b"size"] = body[6:12]
        elif kind in {b"VP8 ", b"VP8L", b"ALPH"} and not parts.is_animated:
            frame.setdefault(kind, body)
    parts.data = _still_webp(frame, parts)
    return parts


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Whole ones only."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        if place + 8 + size > len(data):
            return
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _still_webp(frame: dict[bytes, bytes], parts: Parts) -> bytes:
    picture = next((kind for kind in (b"VP8L", b"VP8 ") if kind in frame), None)
    if picture is None:
        raise RefusedError(Fault.INCOMPLETE)
    body = _riff_chunk(picture, frame[picture])
    if picture == b"VP8 " and b"ALPH" in frame and (parts.canvas or b"size" in frame):
        size = frame.get(b"size") or b"".join((side - 1).to_bytes(3, "little") for side in parts.canvas or (1, 1))
        body = _riff_chunk(b"VP8X", b"\x10\0\0\0" + size) + _riff_chunk(b"ALPH", frame[b"ALPH"]) + body
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp_size(data: bytes) -> tuple[int, int]:
    """Of a still picture, from the frame's own header. Raises RefusedError."""
    for kind, body in _riff_chunks(data[12:]):
        if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
            bits = int.from_bytes(body[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
            width, height = struct.unpack_from("<HH", body, 6)
            return width & 0x3FFF, height & 0x3FFF
    raise RefusedError(Fault.DAMAGED)
