"""Decode a file's bytes into a picture for fal: check what the header says first, then unpack the pixels.

Each format's reader gives the picture strip by strip, so that only one copy of a large one is ever in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import av
import pillow_heif
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, UnidentifiedImageError

from generations import color
from generations.picture_decoder import containers
from generations.picture_decoder.containers import Parts
from generations.picture_decoder.outcome import MAX_PIXELS, Change, Decoded, Fault, RefusedError

MAX_SIDE: Final = 4096  # px of a side; Kling's videos have 1920
_AREA: Final = 13_000_000  # px that are held twice while they are converted
_MAX_SAMPLES: Final = 50_000_000  # of a progressive JPEG, which is held whole
_SCREEN: Final = 0.45455  # the exponent that sRGB says of itself where it can say no more
_MISSING: Final = 0.02  # of the height that may lack at the bottom
_BLOCKS: Final = 16  # rows of a JPEG that may lack
_STRIP: Final = 64  # rows; a multiple of every factor
_FACTORS: Final = (1, 2, 4, 8, 16, 32, 64)
_QUALITIES: Final = (95, 90, 80, 65)
_ORIENTATION: Final = 0x0112
_LOSSLESS: Final = {"PNG", "GIF", "BMP"}
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS is asked instead


@dataclass
class Source:
    """A picture that is ready to be read from `strips`; `parts.data` is sound as it is when `is_clean`."""

    kind: str
    parts: Parts
    size: tuple[int, int]
    mode: str
    strips: Callable[[int], Image.Image]  # the _STRIP rows from this one on
    orientation: int
    given: tuple[int, int]
    is_clean: bool = False  # nothing but metadata was wrong with it
    is_cut: bool = False


def decode(data: bytes, most: int) -> Decoded:
    """At most `most` bytes, unless no quality is low enough. Raises RefusedError."""
    try:
        return _convert(_source(data), most)
    except RefusedError:
        raise
    except MemoryError:
        raise RefusedError(Fault.COSTLY) from None
    except UnidentifiedImageError:
        raise RefusedError(Fault.UNKNOWN) from None
    except Exception as error:  # decoders raise a dozen kinds
        raise RefusedError(Fault.DAMAGED) from error


def _source(data: bytes) -> Source:
    if data.startswith(containers.PNG):
        return _png(containers.png_parts(data))
    if data.startswith(containers.JPEG):
        return _jpeg(containers.jpeg_parts(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(containers.webp_parts(data))
    if data[4:8] == b"ftyp" and b"avi" not in data[8 : int.from_bytes(data[:4], "big")][:64]:
        return _heif(data)
    return _other(data)


def _refuse_pixels(kind: str, size: tuple[int, int]) -> None:
    limit = MAX_PIXELS[kind]
    if size[0] * size[1] > limit:
        raise RefusedError(Fault.PIXELS, limit)


# --- readers


def _png(parts: Parts) -> Source:
    with Image.open(BytesIO(parts.data), formats=["PNG"]) as image:
        for size in (image.size, parts.canvas or image.size):
            _refuse_pixels("PNG", size)
        rows = height = image.height
        if parts.is_cut:
            rows = min(height, containers.png_rows(parts.data))
            if rows < height * (1 - _MISSING):
                raise RefusedError(Fault.INCOMPLETE)
            parts.data = containers.png_of_rows(parts.data, rows)
    image = Image.open(BytesIO(parts.data), formats=["PNG"])
    image.load()
    if parts.canvas and parts.canvas != image.size:
        return _image_source("PNG", parts, _on_canvas(image, parts), given=parts.canvas)
    is_clean = not parts.is_deep and not image.has_transparency_data and _factor(*image.size) == 1
    return _image_source("PNG", parts, image, is_clean=is_clean, is_cut=rows < height, given=(image.width, height))


def _jpeg(parts: Parts) -> Source:
    with Image.open(BytesIO(parts.data), formats=["JPEG"]) as image:
        size = image.size
        _refuse_pixels("JPEG", size)
        if parts.is_progressive and parts.samples > _MAX_SAMPLES:
            raise RefusedError(Fault.PIXELS, _MAX_SAMPLES // 3)
    rows = _count_sound_rows(parts, size) if parts.is_cut else size[1]
    factor = min(8, _factor(*size))
    image = _open_draft(parts.data, factor)
    image.load()
    if rows < size[1]:
        image = image.crop((0, 0, image.width, rows // factor))
    is_clean = factor == 1 and rows == size[1] and image.mode in {"RGB", "L"}
    return _image_source("JPEG", parts, image, is_clean=is_clean, is_cut=rows < size[1], given=size)


def _on_canvas(image: Image.Image, parts: Parts) -> Image.Image:
    """A frame where it lies on its animation, which is transparent beside it."""
    canvas = Image.new("RGBA", parts.canvas or image.size)
    canvas.paste(image.convert("RGBA"), parts.offset)
    return canvas


def _open_draft(data: bytes, factor: int) -> Any:
    """Unpacked at 1/`factor` of its sides, which takes as much less memory."""
    image = Image.open(BytesIO(data), formats=["JPEG"])
    if factor > 1:
        image.draft(image.mode, (image.width // factor, image.height // factor))
    return image


def _count_sound_rows(parts: Parts, size: tuple[int, int]) -> int:
    """The rows of a JPEG without an end that are sound: further data changes those that aren't.

    Raises RefusedError when too many lack.
    """
    if parts.is_progressive:
        if not containers.has_last_scan(parts):
            raise RefusedError(Fault.INCOMPLETE)
        return size[1]
    ended, filled = (_open_draft(data, 8) for data in (parts.data, parts.data[:-2] + bytes(4096) + b"\xff\xd9"))
    ended.load()
    filled.load()
    pairs = ((image.crop((0, y, image.width, y + 1)) for image in (ended, filled)) for y in range(ended.height))
    sound: int | None = next((y for y, (one, other) in enumerate(pairs) if one.tobytes() != other.tobytes()), None)
    if sound is None:
        return size[1]
    rows = int(min(sound * size[1] // ended.height // _BLOCKS * _BLOCKS, size[1]))
    if size[1] - rows > max(_BLOCKS * 2, size[1] * _MISSING):
        raise RefusedError(Fault.INCOMPLETE)
    return rows


def _webp(parts: Parts) -> Source:
    """By FFmpeg, which needs a fifth of the memory that Pillow does."""
    size = containers.webp_size(parts.data)
    canvas = parts.canvas if parts.is_animated and parts.canvas else size
    for each in (size, canvas):
        _refuse_pixels("WEBP", each)
    codec = av.CodecContext.create("webp", "r")
    assert isinstance(codec, VideoCodecContext)
    codec.thread_count = 1
    frame = codec.decode(av.Packet(parts.data))[0]
    is_opaque = "a" not in frame.format.name
    format_ = "rgb24" if is_opaque else "rgba"
    matrix = Colorspace.ITU601 if "yuv" in frame.format.name else None
    range_ = None if matrix is None else ColorRange.JPEG
    plain = frame.reformat(
        format=format_, src_colorspace=matrix, dst_color_range=range_, interpolation="BICUBIC", threads=1
    )
    del frame
    mode = "RGB" if is_opaque else "RGBA"
    plane = plain.planes[0]
    rows = memoryview(plane)
    strips = _row_strips(rows, plane.line_size, mode, size)
    if canvas != size:
        image = Image.new("RGBA", canvas)
        for top in range(0, size[1], _STRIP):
            image.paste(strips(top).convert("RGBA"), (parts.offset[0], parts.offset[1] + top))
        return _image_source("WEBP", parts, image, given=canvas)
    orientation = _orientation(parts)
    return Source("WEBP", parts, size, mode, strips, orientation, _oriented_size(size, orientation))


def _heif(data: bytes) -> Source:
    pillow_heif.options.DECODE_THREADS = 1
    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
    _refuse_pixels("HEIF", file.size)
    image = file[file.primary_index]
    info: dict[str, Any] = dict(image.info)
    parts = Parts(b"", has_extras=any(info.get(name) for name in ("exif", "xmp", "metadata", "thumbnails")))
    parts.profile = info.get("icc_profile") or b""
    if nclx := info.get("nclx_profile"):
        parts.code_points = int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    mode = image.mode if image.mode in {"RGB", "RGBA", "L"} else "RGB"
    strips = _row_strips(memoryview(image.data), image.stride, mode, image.size)
    return Source("HEIF", parts, image.size, mode, strips, 1, image.size)


def _other(data: bytes) -> Source:
    try:
        image = Image.open(BytesIO(data), formats=["GIF", "BMP", "AVIF"])
    except UnidentifiedImageError:
        if data[4:8] == b"ftyp":  # one of more pixels than its decoder allows ends here, too
            raise RefusedError(Fault.COSTLY) from None
        raise
    kind = str(image.format)
    _refuse_pixels(kind, image.size)
    parts = Parts(data, is_animated=getattr(image, "is_animated", False))
    parts.profile = image.info.get("icc_profile") or b""
    parts.has_extras = any(image.info.get(name) for name in ("exif", "xmp", "comment"))
    parts.code_points = _avif_code_points(data) if kind == "AVIF" else None
    orientation = _valid_orientation(image.getexif().get(_ORIENTATION)) if kind == "AVIF" else 1  # of its own boxes
    image.load()
    return _image_source(kind, parts, image, orientation=orientation)


def _avif_code_points(data: bytes) -> tuple[int, int] | None:
    with av.open(BytesIO(data), "r") as container:
        context = container.streams.video[0].codec_context
        found = int(context.color_primaries), int(context.color_trc)
    return None if color.UNSPECIFIED in found else found


def _image_source(
    kind: str,
    parts: Parts,
    image: Image.Image,
    *,
    is_clean: bool = False,
    is_cut: bool = False,
    given: tuple[int, int] | None = None,
    orientation: int | None = None,
) -> Source:
    def strips(top: int) -> Image.Image:
        return image.crop((0, top, image.width, min(top + _STRIP, image.height)))

    turned = _orientation(parts) if orientation is None else orientation
    size = _oriented_size(given or image.size, turned)
    return Source(kind, parts, image.size, image.mode, strips, turned, size, is_clean and turned == 1, is_cut)


def _row_strips(rows: memoryview, stride: int, mode: str, size: tuple[int, int]) -> Callable[[int], Image.Image]:
    def strips(top: int) -> Image.Image:
        bottom = min(top + _STRIP, size[1])
        part = rows[top * stride : bottom * stride]
        return Image.frombytes(mode, (size[0], bottom - top), part, "raw", mode, stride)

    return strips


def _orientation(parts: Parts) -> int:
    """EXIF's where it has one, else XMP's."""
    exif = Image.Exif()
    try:
        exif.load(parts.exif)
        found = exif.get(_ORIENTATION)
    except Exception:  # broken EXIF says nothing
        found = None
    return parts.xmp_orientation if found is None else _valid_orientation(found)


def _valid_orientation(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _oriented_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation >= 5 else size


# --- to what fal gets


def _convert(source: Source, most: int) -> Decoded:
    parts = source.parts
    transform, is_colored = _transform(source)
    changes = [Change.COLORS] if is_colored else []
    changes += [Change.CUT] if source.is_cut else []
    changes += [Change.DEPTH] if parts.is_deep else []
    changes += [Change.FIRST_FRAME] if parts.is_animated else []
    changes += [Change.METADATA] if parts.has_metadata else []
    if source.is_clean and not is_colored and not source.is_cut and len(parts.data) <= most:
        return Decoded(parts.data, source.kind == "PNG", *source.size, source.given, tuple(changes))
    image, is_flattened = _rgb(source, transform)
    changes += [Change.FLATTENED] if is_flattened else []
    if source.orientation != 1:
        changes.append(Change.TURNED)
        del source.strips  # the first copy is let go before there is a third
        image = image.transpose(_TURNS[source.orientation])
    is_scaled = max(image.size) < max(source.given)
    changes += [Change.SCALED] if is_scaled else []
    data, is_png = _encode(image, most, as_png=source.kind in _LOSSLESS or b"VP8L" in parts.data[:16])
    if source.kind != ("PNG" if is_png else "JPEG"):
        changes.append(Change.FORMAT)
    return Decoded(data, is_png, *image.size, source.given, tuple(changes))


def _transform(source: Source) -> tuple[color.Transform, bool]:
    """To sRGB, and whether that changes a colour. A profile that can't be used is as good as none."""
    try:
        transform = _embedded_transform(source)
        if transform is not None and not (source.mode != "CMYK" and color.changes_nothing(transform)):
            return transform, True
    except Exception:  # LittleCMS raises several kinds
        source.parts.has_extras = True
    return (lambda image: image), source.mode == "CMYK"


def _embedded_transform(source: Source) -> color.Transform | None:
    parts = source.parts
    if parts.code_points and source.mode != "CMYK":
        return color.from_code_points(*parts.code_points)
    if parts.profile:
        return _by_profile(parts.profile, source.mode)
    if parts.gamma > 0 and (parts.primaries or abs(parts.gamma - _SCREEN) > 0.0001):
        points, white = parts.primaries[2:] or color.BT709, parts.primaries[:2] or color.D65
        return color.from_gamma(1 / parts.gamma, points, (white[0], white[1]))
    return None


def _by_profile(profile: bytes, mode: str) -> color.Transform:
    space = profile[16:20]
    if space == b"CMYK" and mode == "CMYK":
        return color.from_profile(profile, "CMYK")
    if space == b"GRAY":
        grey = color.from_profile(profile, "L")
        return lambda image: grey(image.convert("L"))
    return color.from_profile(profile)


def _rgb(source: Source, transform: color.Transform) -> tuple[Image.Image, bool]:
    """The picture in sRGB, in one pass over its strips, and whether something of it was transparent."""
    width, height = source.size
    factor = _factor(width, height)
    target = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    is_flattened = False
    for top in range(0, height, _STRIP):
        opaque, has_alpha = _flatten(source.strips(top))
        is_flattened |= has_alpha
        plain = transform(opaque).convert("RGB")
        target.paste(plain.reduce(factor) if factor > 1 else plain, (0, top // factor))
    return target, is_flattened


def _factor(width: int, height: int) -> int:
    """By which the sides are divided, so that they are not too long."""
    fits = (max(width, height) <= MAX_SIDE * each and width * height <= _AREA * each**2 for each in _FACTORS)
    return next(each for each, is_enough in zip(_FACTORS, fits, strict=True) if is_enough)


def _flatten(image: Image.Image) -> tuple[Image.Image, bool]:
    """On white, as RGB, L or CMYK; whether something was transparent."""
    if image.mode.startswith("I"):
        return _eight_bits(image), False
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() == (255, 255):
            return layer.convert("RGB"), False
        white = Image.new("RGBA", layer.size, "white")
        white.alpha_composite(layer)
        return white.convert("RGB"), True
    return image if image.mode == "CMYK" else image.convert("RGB"), False


def _eight_bits(image: Image.Image) -> Image.Image:
    """The upper byte of each 16 bits."""
    words = image.tobytes("raw", "I;16B" if image.mode == "I;16B" else "I;16")
    return Image.frombytes("L", image.size, words[::2] if image.mode == "I;16B" else words[1::2]).convert("RGB")


def _encode(image: Image.Image, most: int, *, as_png: bool) -> tuple[bytes, bool]:
    if as_png and len(data := _save(image, "PNG", compress_level=3)) <= most:
        return data, True
    for quality in _QUALITIES:
        data = _save(image, "JPEG", quality=quality, subsampling=0 if quality == _QUALITIES[0] else 2)
        if len(data) <= most:
            break
    return data, False


def _save(image: Image.Image, format_: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()
