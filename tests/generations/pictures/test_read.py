"""What becomes of people's pictures before Kling sees them."""

import hashlib
import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from generations import color
from generations.fal.arguments import MAX_PICTURE_BYTES, InvalidArguments, PictureFormat, Problem
from generations.picture_decoder import decode, process
from generations.picture_decoder.outcome import Change, Decoded, RefusedError
from generations.pictures import Picture, read, square
from tests.generations.pictures.examples import (
    ORIENTATION,
    corners,
    encoded,
    noise,
    opened,
    quarters,
    smooth_noise,
    turned,
)

CASES = Path(__file__).parents[2] / "cases"
UPRIGHT = ["red", "lime", "blue", "white"]
NAME = "image_url"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def problem(data: bytes) -> Problem:
    with pytest.raises(InvalidArguments) as caught:
        read(NAME, data)
    (only,) = caught.value.problems
    assert only.field == NAME
    return only


def check(picture: Picture) -> Image.Image:
    """It is what it says it is, Kling takes it, and nothing is in it but pixels."""
    image = opened(picture.data)
    assert image.size == (picture.width, picture.height)
    assert Image.MIME[str(image.format)] == picture.media_type
    assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()
    assert len(picture.data) <= MAX_PICTURE_BYTES
    assert image.mode in {"RGB", "L", "P", "1"}
    assert not image.has_transparency_data
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
    return image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_with(*chunks: bytes, image: Image.Image | None = None) -> bytes:
    data = encoded(image or quarters(), "PNG")
    return data[:33] + b"".join(chunks) + data[33:]


@pytest.mark.parametrize(
    ("name", "changes", "size"),
    [
        ("exif_broken.png", {Change.METADATA}, (640, 480)),
        ("ztxt2mb.png", {Change.METADATA}, (640, 480)),
        ("noeoi.jpg", set(), (640, 480)),
        ("xmp6.jpg", {Change.METADATA, Change.TURNED}, (480, 640)),
    ],
)
def test_cases(name: str, changes: set[Change], size: tuple[int, int]) -> None:
    picture = read(NAME, (CASES / name).read_bytes())
    check(picture)
    assert (set(picture.changes), (picture.width, picture.height)) == (changes, size)


class TestKept:
    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_a_plain_jpeg_byte_for_byte(self, mode: str) -> None:
        data = encoded(quarters(mode=mode), "JPEG")
        assert read(NAME, data) == Picture(data, PictureFormat.JPEG, 640, 480, hashlib.sha256(data).hexdigest())

    @pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
    def test_a_plain_png_byte_for_byte(self, mode: str) -> None:
        data = encoded(quarters(mode=mode), "PNG")
        picture = read(NAME, data)
        assert (picture.data, picture.extension, picture.changes) == (data, "png", ())

    def test_the_pixels_of_a_jpeg_that_loses_its_metadata(self) -> None:
        exif = Image.Exif()
        exif[0x010F] = "A camera"
        exif.get_ifd(0x8825)[1] = "N"
        data = encoded(quarters(), "JPEG", exif=exif, comment=b"made by me", icc_profile=SRGB) + b"trailing bytes"
        picture = read(NAME, data)
        assert picture.changes == (Change.METADATA,)
        assert check(picture).tobytes() == opened(data).tobytes()
        assert not any(word in picture.data for word in (b"A camera", b"made by me", b"trailing", b"Exif"))

    def test_the_first_of_a_phones_two_pictures(self) -> None:
        data = encoded(quarters(), "MPO", save_all=True, append_images=[quarters(320, 240)])
        assert corners(check(read(NAME, data))) == UPRIGHT

    @pytest.mark.parametrize("orientation", [0, 9, 77])
    def test_an_orientation_that_is_none(self, orientation: int) -> None:
        assert corners(check(read(NAME, encoded(quarters(), "JPEG", orientation)))) == UPRIGHT


class TestSound:
    """What browsers show in spite of trouble around the pixels."""

    @pytest.mark.parametrize(
        "chunks",
        [
            chunk(b"eXIf", b"garbage"),
            chunk(b"iCCP", b"x\0\0garbage"),
            chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile" * 99)),
            chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(3_000_000))),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0broken"),
            chunk(b"tEXt", b"x")[:-4] + b"\0\0\0\0",
            chunk(b"gAMA", b"\0\0"),
            chunk(b"tIME", b""),
        ],
    )
    def test_png_with_broken_extras(self, chunks: bytes) -> None:
        assert corners(check(read(NAME, png_with(chunks)))) == UPRIGHT

    @pytest.mark.parametrize("end", [-12, -16, -13])
    def test_png_without_its_end(self, end: int) -> None:
        assert corners(check(read(NAME, encoded(quarters(), "PNG")[:end]))) == UPRIGHT

    @pytest.mark.parametrize("progressive", [False, True])
    def test_jpeg_without_its_end(self, progressive: bool) -> None:
        whole = encoded(smooth_noise(640, 480), "JPEG", progressive=progressive)
        picture = read(NAME, whole[:-2])
        assert check(picture).tobytes() == opened(whole).tobytes()

    def test_jpeg_that_lacks_a_few_lines_is_cut_there(self) -> None:
        whole = encoded(smooth_noise(640, 480), "JPEG")
        picture = read(NAME, whole[: int(len(whole) * 0.98)])
        assert Change.CUT in picture.changes
        assert 440 <= check(picture).height < 480

    @pytest.mark.parametrize("segment", [b"\xff\xe1\0\x0eExif\0\0MMbad!", b"\xff\xe2\0\x13ICC_PROFILE\0\1\1bad"])
    def test_jpeg_with_broken_segments(self, segment: bytes) -> None:
        data = encoded(quarters(), "JPEG")
        assert corners(check(read(NAME, data[:2] + segment + data[2:]))) == UPRIGHT

    @pytest.mark.parametrize("name", [b"EXIF", b"XMP ", b"JUNK"])
    def test_webp_with_broken_extras(self, name: bytes) -> None:
        data = encoded(quarters(), "WEBP", quality=95)
        data += name + struct.pack("<I", 900) + b"cut"
        assert corners(check(read(NAME, data))) == UPRIGHT


class TestTurned:
    @pytest.mark.parametrize("orientation", range(2, 9))
    @pytest.mark.parametrize("format_", ["JPEG", "PNG"])
    def test_a_picture_on_its_side_stands_up(self, orientation: int, format_: str) -> None:
        found = decode.decode(encoded(turned(quarters(), orientation), format_, orientation), MAX_PICTURE_BYTES)
        assert (found.width, found.height) == (640, 480)
        assert corners(opened(found.data)) == UPRIGHT
        assert Change.TURNED in found.changes

    @pytest.mark.parametrize("format_", ["WEBP", "HEIF", "AVIF"])
    @pytest.mark.parametrize("orientation", [3, 6, 8])
    def test_whatever_the_format(self, format_: str, orientation: int) -> None:
        data = encoded(turned(quarters(), orientation), format_, orientation, quality=95)
        assert corners(opened(decode.decode(data, MAX_PICTURE_BYTES).data)) == UPRIGHT

    def test_exif_wins_over_xmp(self) -> None:
        data = (CASES / "xmp6.jpg").read_bytes()
        exif = Image.Exif()
        exif[ORIENTATION] = 1
        body = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
        assert read(NAME, data).width == 640

    def test_the_rules_are_those_of_the_upright_picture(self) -> None:
        assert read(NAME, encoded(turned(quarters(300, 750), 6), "JPEG", 6)).height == 750
        assert "300 × 760 px" in problem(encoded(turned(quarters(300, 760), 6), "JPEG", 6)).message


class TestConverted:
    @pytest.mark.parametrize("format_", ["WEBP", "HEIF", "AVIF", "GIF", "BMP"])
    def test_what_browsers_and_phones_give(self, format_: str) -> None:
        picture = read(NAME, encoded(quarters(), format_, **({} if format_ in {"GIF", "BMP"} else {"quality": 95})))
        assert corners(check(picture)) == UPRIGHT
        assert Change.FORMAT in picture.changes

    @pytest.mark.parametrize("format_", ["PNG", "WEBP", "HEIF", "AVIF"])
    def test_what_is_transparent_lies_on_white(self, format_: str) -> None:
        image = quarters(mode="RGBA")
        image.paste((255, 0, 0, 0), (0, 0, 320, 240))
        options = {"WEBP": {"lossless": True}, "PNG": {}}.get(format_, {"quality": 95})
        picture = read(NAME, encoded(image, format_, **options))
        assert corners(check(picture)) == ["white", "lime", "blue", "white"]
        assert Change.FLATTENED in picture.changes

    @pytest.mark.parametrize("mode", ["LA", "RGBA", "I;16"])
    def test_png_of_other_kinds(self, mode: str) -> None:
        fill: Any = {"I;16": 0x80FF, "LA": (128, 255)}.get(mode, (128, 128, 128, 255))
        image = Image.new(mode, (400, 400), fill)
        assert check(read(NAME, encoded(image, "PNG"))).convert("RGB").getpixel((9, 9)) == (128, 128, 128)

    def test_cmyk(self) -> None:
        assert corners(check(read(NAME, encoded(quarters(mode="CMYK"), "JPEG", quality=95)))) == UPRIGHT

    @pytest.mark.parametrize("format_", ["WEBP", "GIF", "PNG"])
    def test_the_first_frame_of_an_animation(self, format_: str) -> None:
        others = [Image.new("RGB", (640, 480), "black")] * 2
        picture = read(NAME, encoded(quarters(), format_, save_all=True, append_images=others, duration=100))
        assert corners(check(picture)) == UPRIGHT
        assert Change.FIRST_FRAME in picture.changes

    @pytest.mark.parametrize(
        ("cicp", "shown"),
        [
            ((12, 13), (217, 42, 23)),
            ((9, 1), (244, 0, 0)),
            ((1, 1), (197, 49, 28)),
            ((9, 16), (255, 0, 0)),
            ((9, 18), (230, 0, 8)),
        ],
    )
    def test_colours_told_by_numbers(self, cicp: tuple[int, int], shown: tuple[int, ...]) -> None:
        """The numbers are what Chromium draws."""
        picture = read(
            NAME, png_with(chunk(b"cICP", bytes((*cicp, 0, 1))), image=Image.new("RGB", (300, 300), "#c83c28"))
        )
        pixel = check(picture).getpixel((9, 9))
        assert max(abs(a - b) for a, b in zip(pixel, shown, strict=True)) <= 3  # type: ignore[arg-type]
        assert Change.COLORS in picture.changes

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
    def test_colours_told_by_a_profile(self, format_: str) -> None:
        p3 = color._profile(color._PRIMARIES[12], color.D65, color._srgb_curve())
        options = {} if format_ == "PNG" else {"quality": 98}
        data = encoded(Image.new("RGB", (300, 300), (200, 60, 40)), format_, icc_profile=p3, **options)
        pixel = check(read(NAME, data)).getpixel((9, 9))
        assert max(abs(a - b) for a, b in zip(pixel, (217, 42, 23), strict=True)) <= 4  # type: ignore[arg-type]

    def test_one_that_fits_at_no_size_is_refused(self) -> None:
        found = decode.decode(encoded(noise(320, 320), "WEBP", quality=1), 1)
        assert len(found.data) > 1

    def test_the_square_of_an_avatar(self) -> None:
        assert opened(square(NAME, encoded(quarters(), "PNG"), 256)).size == (256, 256)


DAMAGED = "The picture is damaged. Save it again and try with that."
INCOMPLETE = "The picture is not complete: a part of the file is missing. Save it again and try with that."
NOT_A_PICTURE = "This file isn't a picture. Use JPEG, PNG, WebP or HEIC."


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims to be of this size, in a few bytes."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def lossless_webp(width: int, height: int) -> bytes:
    """38 bytes of one plain colour, at any size up to 16,383 px."""
    whole = bytearray(encoded(Image.new("RGB", (300, 300)), "WEBP", lossless=True))
    place = whole.index(b"VP8L") + 9
    bits = int.from_bytes(whole[place : place + 4], "little") & ~0xFFFFFFF
    whole[place : place + 4] = (bits | (width - 1) | (height - 1) << 14).to_bytes(4, "little")
    return bytes(whole)


class TestRefused:
    @pytest.mark.parametrize(
        ("width", "height", "type_"),
        [(299, 400, "image_too_small"), (300, 760, "image_ratio_out_of_range"), (760, 300, "image_ratio_out_of_range")],
    )
    @pytest.mark.parametrize("format_", ["JPEG", "HEIF"])
    def test_sizes_outside_the_rules(self, width: int, height: int, type_: str, format_: str) -> None:
        found = problem(encoded(quarters(width, height), format_))
        assert found.type == type_
        assert f"{width} × {height} px" in found.message

    def test_a_file_too_large_is_not_even_opened(self) -> None:
        found = problem(b"\xff\xd8\xff" + b"x" * MAX_PICTURE_BYTES)
        assert (found.type, found.ctx) == ("file_too_large", {"max_size": MAX_PICTURE_BYTES})

    def test_an_empty_file(self) -> None:
        assert problem(b"") == Problem(NAME, "image_load_error", "The file is empty.")

    @pytest.mark.parametrize("data", [b"\0" * 2000, b"\x01\x02" * 99])
    def test_what_is_no_picture(self, data: bytes) -> None:
        assert problem(data) == Problem(NAME, "image_load_error", NOT_A_PICTURE)

    @pytest.mark.parametrize("format_", ["TIFF", "ICO"])
    def test_pictures_of_other_kinds(self, format_: str) -> None:
        found = problem(encoded(quarters(), format_))
        assert (found.type, found.message[:4]) == ("unsupported_image_format", "Use ")

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "HEIF"])
    @pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
    def test_a_file_cut_short(self, format_: str, part: float) -> None:
        data = encoded(smooth_noise(640, 480), format_)
        assert problem(data[: int(len(data) * part)]).message in {DAMAGED, INCOMPLETE}

    @pytest.mark.parametrize(
        "data", [png_of(9000, 8000), png_of(30_000, 30_000), lossless_webp(8000, 8000), lossless_webp(16_383, 16_383)]
    )
    def test_a_bomb_is_not_unpacked(self, data: bytes) -> None:
        assert problem(data).type == "image_too_large"

    def test_as_many_pixels_as_a_phone_has_are_taken(self) -> None:
        picture = read(NAME, encoded(Image.new("RGB", (8064, 6048)), "JPEG", quality=20))
        assert (picture.width, picture.height, picture.changes) == (4032, 3024, (Change.SCALED,))

    def test_two_places_at_a_time(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # of this test alone: others read pictures meanwhile
        monkeypatch.setattr(process, "WAIT_SECONDS", 0)
        with (
            process._acquire_slot(),
            process._acquire_slot(),
            pytest.raises(process.DecoderBusyError, match="many pictures"),
        ):
            read(NAME, encoded(quarters(), "PNG"))
        assert read(NAME, encoded(quarters(), "PNG")).width == 640


KINDS = ("JPEG", "PNG", "WEBP", "HEIF")
STARTS = st.sampled_from([b"", *(encoded(quarters(320, 320), kind)[:cut] for kind in KINDS for cut in (16, 200))])


@settings(max_examples=300, deadline=None)
@given(STARTS, st.binary(max_size=2000))
def test_any_bytes_give_a_picture_or_are_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(RefusedError):
        decode.decode(start + rest, MAX_PICTURE_BYTES)


WHOLE = [encoded(smooth_noise(320, 320), kind) for kind in KINDS]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=20))
def test_any_damage_gives_a_picture_or_is_refused(whole: bytes, hits: list[tuple[int, int]]) -> None:
    data = bytearray(whole)
    for place, value in hits:
        data[place % len(data)] = value
    try:
        found: Decoded | RefusedError = decode.decode(bytes(data), MAX_PICTURE_BYTES)
    except RefusedError as error:
        found = error
    assert isinstance(found, Decoded) or found.fault
