"""How a player turns a video's frames: by the matrix in its track (ISO/IEC 14496-12 §8.3.2)."""

import struct
from typing import Final, cast

from av.video.frame import VideoFrame
from PIL import Image

_ONE: Final = 1 << 16  # the numbers of the matrix have 16 bits after the point
_Transpose = Image.Transpose

# (a, b, c, d) takes a pixel at x, y to ax + cy, bx + dy; Chromium turns by right angles alone, and so do we
_TRANSPOSES: Final = {
    (0, 1, -1, 0): _Transpose.ROTATE_270,  # to the right, as a phone held upright films
    (-1, 0, 0, -1): _Transpose.ROTATE_180,
    (0, -1, 1, 0): _Transpose.ROTATE_90,
    (-1, 0, 0, 1): _Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): _Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): _Transpose.TRANSPOSE,
    (0, -1, -1, 0): _Transpose.TRANSVERSE,
}
_SIDEWAYS: Final = {_Transpose.ROTATE_90, _Transpose.ROTATE_270, _Transpose.TRANSPOSE, _Transpose.TRANSVERSE}


def transpose_of(frame: VideoFrame) -> Image.Transpose | None:
    """What makes the frame the picture that a player shows; None where it is that already."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    a, b, _, c, d, *_ = struct.unpack("=9i", cast("memoryview", matrix))
    return _TRANSPOSES.get((a / _ONE, b / _ONE, c / _ONE, d / _ONE))


def is_sideways(frame: VideoFrame) -> bool:
    """Whether width and height change places."""
    return transpose_of(frame) in _SIDEWAYS


def shown_size(frame: VideoFrame) -> tuple[int, int]:
    """Width and height as a player shows them."""
    return (frame.height, frame.width) if is_sideways(frame) else (frame.width, frame.height)
