"""A frame as an upright picture with the colours that a browser's player shows. Opens no files.

What Chromium does was measured in it: a file that doesn't tell all of its colours is taken for BT.709 from 720 lines
on and for BT.601 below; with the full range, as in JPEG, for BT.601.
"""

from dataclasses import dataclass
from typing import Final

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image

from generations import color
from generations.mirror.display_matrix import is_sideways, transpose_of

_HD: Final = 720  # lines
_MATRICES: Final = {
    1: Colorspace.ITU709,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}
ACCURATE: Final = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)


@dataclass(frozen=True, slots=True)
class _Colors:
    """`primaries` and `transfer` are code points of ITU-T H.273."""

    matrix: Colorspace
    range: ColorRange
    primaries: int
    transfer: int


def image_of(frame: VideoFrame, width: int | None = None, height: int | None = None) -> Image.Image:
    """The frame in sRGB, upright as a player shows it, scaled to `width` × `height` px where they are given."""
    if is_sideways(frame):
        width, height = height, width
    colors = _colors(frame)
    plain = frame.reformat(
        width=width,
        height=height,
        format="rgb24",
        src_colorspace=colors.matrix,
        src_color_range=colors.range,
        dst_color_range=ColorRange.JPEG,
        interpolation=ACCURATE,
    )
    image: Image.Image = plain.to_image()  # type: ignore[no-untyped-call]
    transpose = transpose_of(frame)
    turned = image if transpose is None else image.transpose(transpose)
    return color.from_code_points(colors.primaries, colors.transfer)(turned)


def _colors(frame: VideoFrame) -> _Colors:
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    is_full = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
    range_ = ColorRange.JPEG if is_full else ColorRange.MPEG
    matrix = _MATRICES.get(int(frame.colorspace))
    if matrix is None or color.UNSPECIFIED in (primaries, transfer):
        matrix = Colorspace.ITU709 if frame.height >= _HD and not is_full else Colorspace.ITU601
        primaries, transfer = color.SRGB, color.SRGB
    if transfer in color.BT709_CURVES:  # players show a video's curve as if it were that of the screen
        transfer = color.SRGB
    return _Colors(matrix, range_, primaries, transfer)
