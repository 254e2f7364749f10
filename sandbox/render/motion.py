"""A slow camera over one picture, or from one picture to another; the first and the last frame are the pictures."""

import random
from collections.abc import Iterable
from typing import Final

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageOps

ZOOM: Final = 0.14  # how much nearer the camera comes
LONG_SIDE, SHORT_SIDE = 1920, 1080

Planes = tuple[Image.Image, ...]


def frame_size(picture: Image.Image) -> tuple[int, int]:
    """The video's size for a picture: its own aspect, never enlarged, even numbers for yuv420p."""
    scale = min(1.0, LONG_SIDE / max(picture.size), SHORT_SIDE / min(picture.size))
    width, height = (round(side * scale) // 2 * 2 for side in picture.size)
    return width, height


def normalize_picture(picture: Image.Image) -> Image.Image:
    """The picture as people see it: turned as its EXIF says, opaque, RGB."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode == "RGB":
        return turned
    seen = turned.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "black"), seen).convert("RGB")


def to_frame(picture: Image.Image, size: tuple[int, int]) -> av.VideoFrame:
    """The RGB picture as a yuv420p frame of `size`, in the colours (BT.709) that players expect of HD video."""
    frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    return frame.reformat(
        width=size[0],
        height=size[1],
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation="BICUBIC",
    )


def _planes(picture: Image.Image, size: tuple[int, int]) -> Planes:
    fitted = ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    return tuple(
        Image.frombytes("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)
        for plane in to_frame(fitted, size).planes
    )


def _ease(value: float) -> float:
    value = min(max(value, 0.0), 1.0)
    return value * value * (3 - 2 * value)


class Move:
    """The camera's way over `picture` and, when there is one, to `tail`, which is cut to the picture's aspect."""

    def __init__(self, picture: Image.Image, tail: Image.Image | None, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311 - a picture, not a secret
        self.size = frame_size(picture)
        self._focus = (chance.uniform(0.35, 0.65), chance.uniform(0.35, 0.65))
        self._picture = _planes(picture, self.size)
        self._tail = None if tail is None else _planes(tail, self.size)

    def at(self, progress: float) -> av.VideoFrame:
        """The frame at `progress`, 0 at the first and 1 at the last."""
        near = self._zoom_planes(self._picture, 1 + ZOOM * _ease(progress))
        mix = _ease((progress - 0.35) / 0.4)
        if self._tail is None or mix == 0:
            return _frame(near, self.size)
        far = self._zoom_planes(self._tail, 1 + ZOOM * (1 - _ease(progress)))
        if mix == 1:
            return _frame(far, self.size)
        return _frame((Image.blend(one, other, mix) for one, other in zip(near, far, strict=True)), self.size)

    def _zoom_planes(self, planes: Planes, zoom: float) -> Planes:
        return tuple(_zoom_plane(plane, zoom, self._focus) for plane in planes)


def _zoom_plane(plane: Image.Image, zoom: float, focus: tuple[float, float]) -> Image.Image:
    if zoom == 1:
        return plane
    width, height = plane.width / zoom, plane.height / zoom
    left, top = (plane.width - width) * focus[0], (plane.height - height) * focus[1]
    return plane.resize(plane.size, Image.Resampling.BILINEAR, (left, top, left + width, top + height))


def _frame(planes: Iterable[Image.Image], size: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, picture in zip(frame.planes, planes, strict=True):
        plane.update(picture.tobytes("raw", "L", plane.line_size, 1))
    return frame
