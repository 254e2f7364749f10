"""What becomes of people's pictures before Kling sees them."""

import hashlib
import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from generations import pictures
from generations.fal.arguments import MAX_PICTURE_BYTES, InvalidArguments, PictureFormat, Problem
from generations.pictures import Picture, read
from tests.pictures.making import ORIENTATION, corners, encoded, noise, opened, quarters, smooth_noise, turned

UPRIGHT = ["red", "lime", "blue", "white"]
NAME = "image_url"


def problem(data: bytes) -> Problem:
    with pytest.raises(InvalidArguments) as caught:
        read(NAME, data)
    (only,) = caught.value.problems
    assert only.field == NAME
    return only


def check(picture: Picture) -> Image.Image:
    """It is what it says it is, and Kling takes it."""
    image = opened(picture.data)
    assert image.size == (picture.width, picture.height)
    assert Image.MIME[str(image.format).replace("MPO", "JPEG")] == picture.media_type
    assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()
    assert len(picture.data) <= MAX_PICTURE_BYTES
    assert image.getexif().get(ORIENTATION, 1) == 1
    return image


class TestKept:
    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    def test_an_upright_jpeg_byte_for_byte(self, mode: str) -> None:
        data = encoded(quarters(mode=mode), "JPEG")
        picture = read(NAME, data)
        assert picture == Picture(data, PictureFormat.JPEG, 640, 480, hashlib.sha256(data).hexdigest())
        assert picture.extension == "jpg"

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
    def test_an_upright_png_byte_for_byte(self, mode: str) -> None:
        data = encoded(quarters(mode="L" if mode == "I;16" else mode).convert(mode), "PNG")
        picture = read(NAME, data)
        assert (picture.data, picture.media_type, picture.extension) == (data, PictureFormat.PNG, "png")

    def test_a_phones_jpeg_with_a_second_picture_inside(self) -> None:
        data = encoded(quarters(), "MPO", save_all=True, append_images=[quarters(320, 240)])
        assert opened(data).format == "MPO"
        picture = read(NAME, data)
        assert (picture.data, picture.media_type, picture.width) == (data, PictureFormat.JPEG, 640)

    def test_progressive_and_with_a_comment(self) -> None:
        data = encoded(quarters(), "JPEG", progressive=True, comment=b"made by me")
        assert read(NAME, data).data == data

    def test_an_animated_png(self) -> None:
        data = encoded(quarters(), "PNG", save_all=True, append_images=[quarters().rotate(90)])
        assert read(NAME, data).data == data

    @pytest.mark.parametrize("orientation", [0, 9, 77])
    def test_an_orientation_that_is_none(self, orientation: int) -> None:
        data = encoded(quarters(), "JPEG", orientation)
        assert read(NAME, data).data == data


class TestTurned:
    @pytest.mark.parametrize("orientation", range(2, 9))
    @pytest.mark.parametrize(("format_", "media_type"), [("JPEG", PictureFormat.JPEG), ("PNG", PictureFormat.PNG)])
    def test_a_picture_on_its_side_stands_up(self, orientation: int, format_: str, media_type: PictureFormat) -> None:
        data = encoded(turned(quarters(), orientation), format_, orientation)
        picture = read(NAME, data)
        assert (picture.media_type, picture.width, picture.height) == (media_type, 640, 480)
        image = check(picture)
        assert corners(image) == UPRIGHT
        assert not image.getexif()

    def test_the_place_where_it_was_taken_goes_with_the_rest_of_exif(self) -> None:
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        exif[0x010F] = "A camera"
        buffer = BytesIO()
        turned(quarters(), 6).save(buffer, "JPEG", exif=exif)
        assert b"A camera" in buffer.getvalue()
        assert b"A camera" not in read(NAME, buffer.getvalue()).data

    def test_the_colour_profile_stays(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = encoded(turned(quarters(), 6), "JPEG", 6, icc_profile=profile)
        assert check(read(NAME, data)).info["icc_profile"] == profile

    def test_the_rules_are_those_of_the_upright_picture(self) -> None:
        lying = encoded(turned(quarters(300, 750), 6), "JPEG", 6)
        assert opened(lying).size == (750, 300)
        assert read(NAME, lying).height == 750
        too_tall = encoded(turned(quarters(300, 760), 6), "JPEG", 6)
        assert "300 × 760 px" in problem(too_tall).message

    @pytest.mark.parametrize("mode", ["L", "CMYK"])
    def test_in_other_colours(self, mode: str) -> None:
        image = check(read(NAME, encoded(turned(quarters(mode=mode), 3), "JPEG", 3)))
        assert image.mode == mode


@pytest.fixture
def one_megabyte(monkeypatch: pytest.MonkeyPatch) -> int:
    """The limit of sizes brought down, so that encoding beyond it takes no time."""
    monkeypatch.setattr(pictures, "MAX_PICTURE_BYTES", 1_000_000)
    monkeypatch.setattr("generations.fal.arguments.MAX_PICTURE_BYTES", 1_000_000)
    return 1_000_000


class TestConverted:
    @pytest.mark.parametrize("format_", ["WEBP", "HEIF"])
    def test_webp_and_heic_become_jpeg(self, format_: str) -> None:
        picture = read(NAME, encoded(quarters(), format_, quality=95))
        assert (picture.media_type, picture.width, picture.height) == (PictureFormat.JPEG, 640, 480)
        assert corners(check(picture)) == UPRIGHT

    @pytest.mark.parametrize("format_", ["WEBP", "HEIF"])
    @pytest.mark.parametrize("orientation", [3, 6, 8])
    def test_and_stand_up(self, format_: str, orientation: int) -> None:
        data = encoded(turned(quarters(), orientation), format_, orientation, quality=95)
        assert corners(check(read(NAME, data))) == UPRIGHT

    @pytest.mark.parametrize("format_", ["WEBP", "HEIF"])
    def test_what_is_transparent_becomes_png(self, format_: str) -> None:
        image = quarters(mode="RGBA")
        image.putpixel((1, 1), (255, 0, 0, 0))
        picture = read(NAME, encoded(image, format_, **({"lossless": True} if format_ == "WEBP" else {"quality": -1})))
        assert picture.media_type is PictureFormat.PNG
        assert check(picture).mode == "RGBA"

    def test_an_alpha_channel_that_hides_nothing_is_no_reason_for_png(self) -> None:
        assert read(NAME, encoded(quarters(mode="RGBA"), "WEBP", lossless=True)).media_type is PictureFormat.JPEG

    def test_a_transparent_one_too_large_for_png_goes_on_white(self, one_megabyte: int) -> None:
        data = encoded(noise(700, 700, "RGBA"), "WEBP", quality=50)
        assert len(encoded(opened(data), "PNG")) > one_megabyte > len(data)
        picture = read(NAME, data)
        assert picture.media_type is PictureFormat.JPEG
        assert len(check(picture).tobytes()) == 700 * 700 * 3
        assert len(picture.data) <= one_megabyte

    def test_white_lies_under_what_was_transparent(self) -> None:
        image = Image.new("RGBA", (400, 400), (255, 0, 0, 0))
        image.paste((0, 0, 255, 255), (200, 0, 400, 400))
        assert corners(pictures._without_alpha(image)) == ["white", "blue", "white", "blue"]

    def test_a_small_file_that_grows_as_jpeg_is_encoded_until_it_fits(self, one_megabyte: int) -> None:
        data = encoded(smooth_noise(1500, 1500), "WEBP", quality=60, method=0)
        assert len(encoded(opened(data), "JPEG", quality=95)) > one_megabyte > len(data)
        assert len(read(NAME, data).data) <= one_megabyte

    def test_one_that_fits_at_no_quality_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pictures, "MAX_PICTURE_BYTES", 1)
        monkeypatch.setattr("generations.fal.arguments.MAX_PICTURE_BYTES", 40_000)
        data = encoded(noise(320, 320), "WEBP", quality=1)
        assert len(data) < 40_000
        assert problem(data).type == "file_too_large"

    def test_the_first_picture_of_an_animation(self) -> None:
        others = [Image.new("RGB", (640, 480), "white")] * 2
        data = encoded(quarters(), "WEBP", save_all=True, append_images=others, duration=100, quality=95)
        assert opened(data).n_frames > 1  # type: ignore[attr-defined]
        assert corners(check(read(NAME, data))) == UPRIGHT

    def test_the_colour_profile_of_a_phone_stays(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = encoded(quarters(), "HEIF", icc_profile=profile)
        assert check(read(NAME, data)).info["icc_profile"] == profile


DAMAGED = "The picture is damaged or not complete. Save it again and try with that."
NOT_A_PICTURE = "This file isn't a picture. "


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims to be of this size, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


class TestRefused:
    @pytest.mark.parametrize(
        ("width", "height", "type_"),
        [
            (299, 400, "image_too_small"),
            (1, 1, "image_too_small"),
            (300, 760, "image_ratio_out_of_range"),
            (760, 300, "image_ratio_out_of_range"),
        ],
    )
    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "HEIF"])
    def test_sizes_outside_the_rules(self, width: int, height: int, type_: str, format_: str) -> None:
        found = problem(encoded(quarters(width, height), format_))
        assert found.type == type_
        assert f"{width} × {height} px" in found.message

    def test_a_file_too_large_is_not_even_opened(self) -> None:
        found = problem(b"\xff\xd8\xff" + b"x" * MAX_PICTURE_BYTES)
        assert (found.type, found.ctx) == ("file_too_large", {"max_size": MAX_PICTURE_BYTES})

    def test_an_empty_file(self) -> None:
        assert problem(b"") == Problem(NAME, "image_load_error", "The file is empty.")

    @pytest.mark.parametrize(
        "data", [b"Dear diary", b"%PDF-1.7\n", b"\0" * 2000, b"<!doctype html><p>", b"\0\0\0\x18ftypmp42" + b"x" * 99]
    )
    def test_what_is_no_picture(self, data: bytes) -> None:
        found = problem(data)
        assert found.type == "image_load_error"
        assert found.message.startswith(NOT_A_PICTURE)

    @pytest.mark.parametrize("format_", ["GIF", "BMP", "TIFF", "ICO", "AVIF"])
    def test_pictures_of_other_kinds(self, format_: str) -> None:
        found = problem(encoded(quarters(), format_))
        assert (found.type, found.message) == (
            "unsupported_image_format",
            "Use a JPEG or PNG picture (WebP and HEIC are converted for you).",
        )

    def test_drawings(self) -> None:
        assert problem(b'<svg xmlns="http://www.w3.org/2000/svg"/>').type == "unsupported_image_format"

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "HEIF"])
    @pytest.mark.parametrize("part", [0.02, 0.5, 0.95])
    def test_a_file_cut_short(self, format_: str, part: float) -> None:
        data = encoded(smooth_noise(640, 480), format_)
        assert problem(data[: int(len(data) * part)]) == Problem(NAME, "image_load_error", DAMAGED)

    @pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
    @pytest.mark.parametrize(("width", "height"), [(9000, 8000), (12_000, 11_000), (30_000, 30_000), (65_000, 2_000)])
    def test_a_bomb_is_not_unpacked(self, width: int, height: int) -> None:
        found = problem(png_of(width, height))
        assert (found.type, found.message) == (
            "image_too_large",
            "The picture has more than 64 million pixels. Make it smaller.",
        )

    def test_as_many_pixels_as_a_phone_has_are_taken(self) -> None:
        data = encoded(Image.new("L", (8064, 6048)), "JPEG", quality=20)
        assert read(NAME, data).width == 8064


KINDS = ("JPEG", "PNG", "WEBP", "HEIF")
STARTS = st.sampled_from([b"", *(encoded(quarters(320, 320), kind)[:cut] for kind in KINDS for cut in (16, 200))])


@settings(max_examples=300, deadline=None)
@given(STARTS, st.binary(max_size=2000))
def test_any_bytes_give_a_picture_or_problems(start: bytes, rest: bytes) -> None:
    with pytest.raises(InvalidArguments):
        read(NAME, start + rest)


WHOLE = [encoded(smooth_noise(320, 320), kind) for kind in KINDS]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=20))
def test_any_damage_gives_a_picture_or_problems(whole: bytes, hits: list[tuple[int, int]]) -> None:
    data = bytearray(whole)
    for place, value in hits:
        data[place % len(data)] = value
    try:
        found: Picture | InvalidArguments = read(NAME, bytes(data))
    except InvalidArguments as error:
        found = error
    assert isinstance(found, Picture) or found.problems
