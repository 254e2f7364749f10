"""Pictures that ask a decoder for too much, or lie, made by bytes."""

import struct
import zlib
from collections.abc import Iterator

from PIL import Image, ImageChops

from tests.generations.pictures.examples import encoded, quarters, smooth_noise

Size = tuple[int, int]


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan, which changes nothing, comes again and again."""
    data = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * scans + b"\xff\xd9"


def ycck(image: Image.Image) -> bytes:
    """A CMYK JPEG as Photoshop writes it: Adobe's transform 2, by which C, M and Y become Y, Cb and Cr."""
    *cmy, key = image.convert("CMYK").split()
    stored = Image.merge("RGB", cmy).convert("YCbCr").split()
    planes = [*(ImageChops.invert(plane) for plane in stored), key]
    data = bytearray(encoded(Image.merge("CMYK", planes), "JPEG", quality=95, subsampling=0))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def with_gain_map(image: Image.Image) -> bytes:
    """A phone's HDR picture: the one that all show, and behind it the map that makes it brighter."""
    data = encoded(image, "MPO", save_all=True, append_images=[smooth_noise(160, 120)])
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta hdrgm:Version="1.0"/>'
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + data[2:]


def grid(format_: str, tiles: Size, shown: Size, claimed: Size | None = None) -> bytes:
    """A HEIF or AVIF of tiles of 640 × 480 px, whose bytes are all the same ones (ISO/IEC 23008-12 §6.6.2.3).

    `shown` is the size that the grid says, `claimed` that of its property, where it lies.
    """
    tile = encoded(quarters(), format_, quality=50)
    kind, setup = (b"hvc1", b"hvcC") if format_ == "HEIF" else (b"av01", b"av1C")
    properties = _box(b"ipco", _ispe(640, 480), _found(tile, setup), _ispe(*(claimed or shown)))
    count = tiles[0] * tiles[1]
    whole_id, parts = count + 1, range(1, count + 1)
    uses = b"".join(struct.pack(">HBBB", number, 2, 1, 0x82) for number in parts)
    used = _full(b"ipma", struct.pack(">I", count + 1), uses, struct.pack(">HBB", whole_id, 1, 3))
    refers = _full(b"iref", _box(b"dimg", struct.pack(f">HH{count}H", whole_id, count, *parts)))
    description = struct.pack(">BBBBII", 0, 1, tiles[1] - 1, tiles[0] - 1, *shown)
    data = _payload(tile)
    names = [*((number, kind) for number in parts), (whole_id, b"grid")]
    infos = (_full(b"infe", struct.pack(">HH", number, 0), name, b"\0", version=2) for number, name in names)
    listed = _full(b"iinf", struct.pack(">H", count + 1), *infos)

    def whole(place: int) -> bytes:
        extents = struct.pack(">BBH", 0x44, 0, count + 1)
        extents += b"".join(struct.pack(">HHHHII", number, 0, 0, 1, place, len(data)) for number in parts)
        extents += struct.pack(">HHHHII", whole_id, 1, 0, 1, 0, len(description))
        meta = _full(
            b"meta",
            _full(b"hdlr", bytes(4), b"pict", bytes(13)),
            _full(b"pitm", struct.pack(">H", whole_id)),
            _full(b"iloc", extents, version=1),
            listed,
            refers,
            _box(b"iprp", properties, used),
            _box(b"idat", description),
        )
        brand = b"heic" if format_ == "HEIF" else b"avif"
        return _box(b"ftyp", brand, bytes(4), b"mif1", brand) + meta

    return whole(len(whole(0)) + 8) + _box(b"mdat", data)


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, *content: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes((version, 0, 0, 0)), *content)


def _ispe(width: int, height: int) -> bytes:
    return _full(b"ispe", struct.pack(">II", width, height))


def _found(data: bytes, kind: bytes) -> bytes:
    begin = data.index(kind) - 4
    return data[begin : begin + int.from_bytes(data[begin : begin + 4])]


def _payload(data: bytes) -> bytes:
    """What lies in `mdat`: of a plain picture, the picture alone."""
    return _found(data, b"mdat")[8:]


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        yield kind, data[place + 8 : place + 8 + size]
        place += 12 + size


def hidden_default_png(hidden: Image.Image, frame: Image.Image, at: Size = (0, 0), *, controls: int = 1) -> bytes:
    """An animation whose picture for other programs is no frame of it; `frame` lies at `at` on that one's canvas."""
    chunks = list(png_chunks(encoded(hidden, "PNG")))
    data = b"".join(body for kind, body in png_chunks(encoded(frame, "PNG")) if kind == b"IDAT")
    control = struct.pack(">5IHHBB", 0, *frame.size, *at, 1, 10, 0, 0)
    header, *rest = chunks
    animation = [(b"acTL", struct.pack(">II", controls, 0)), *rest[:-1], (b"fcTL", control)]
    animation += [(b"fdAT", struct.pack(">I", 1) + data)]
    for _ in range(controls - 1):
        animation += [(b"fcTL", control), (b"fdAT", struct.pack(">I", 3) + data[: len(data) // 2])]
    whole = [header, *animation, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in whole
    )
