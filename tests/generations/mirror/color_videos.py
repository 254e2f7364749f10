"""Clips of two plain halves, in every way to tell a player their colours, or not to."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import av

Yuv = tuple[int, int, int]
LEFT: Yuv = (60, 120, 170)
RIGHT: Yuv = (150, 90, 60)


@dataclass(frozen=True)
class Clip:
    """The tags are code points of ITU-T H.273; None leaves one out. Values of `halves` are those of 8 bits."""

    size: tuple[int, int]
    pixels: str = "yuv420p"
    matrix: int | None = None
    primaries: int | None = None
    transfer: int | None = None
    range: int | None = None  # 1 limited, 2 full
    halves: tuple[Yuv, Yuv] = (LEFT, RIGHT)

    def mp4(self) -> bytes:
        return _mp4(self)


@cache
def _mp4(clip: Clip) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height = clip.size
        stream.pix_fmt = clip.pixels
        for name, value in _tags(clip):
            setattr(stream.codec_context, name, value)
        frame = _frame(clip)
        for number in range(30):  # a poster is looked for half a second in
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def _tags(clip: Clip) -> Iterable[tuple[str, int]]:
    tags = {
        "colorspace": clip.matrix,
        "color_primaries": clip.primaries,
        "color_trc": clip.transfer,
        "color_range": clip.range,
    }
    return ((name, value) for name, value in tags.items() if value is not None)


def _frame(clip: Clip) -> av.VideoFrame:
    frame = av.VideoFrame(*clip.size, clip.pixels)
    bits = 10 if "10" in clip.pixels else 8
    for index, plane in enumerate(frame.planes):
        left, right = ((half[index] << (bits - 8)).to_bytes((bits + 7) // 8, "little") for half in clip.halves)
        row = left * (plane.width // 2) + right * (plane.width - plane.width // 2)
        plane.update(row.ljust(plane.line_size, b"\0") * plane.height)
    for name, value in _tags(clip):
        if name in {"colorspace", "color_range"}:
            setattr(frame, name, value)
    return frame
