"""Inspect a video's bytes."""

import io
from dataclasses import dataclass

import av
from PIL import Image


@dataclass(frozen=True)
class Video:
    width: int
    height: int
    codec: str
    pixels: str | None
    fps: float
    frames: int
    seconds: float
    faststart: bool


def probe(data: bytes) -> Video:
    """What the file says of itself, with its frames counted by decoding them."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        assert container.duration
        assert stream.average_rate
        return Video(
            width=stream.width,
            height=stream.height,
            codec=stream.codec_context.name,
            pixels=stream.codec_context.pix_fmt,
            fps=float(stream.average_rate),
            frames=sum(1 for _ in container.decode(stream)),
            seconds=container.duration / av.time_base,
            faststart=data.index(b"moov") < data.index(b"mdat"),
        )


def first_and_last(data: bytes) -> tuple[Image.Image, ...]:
    with av.open(io.BytesIO(data), "r") as container:
        pictures = list(container.decode(video=0))
        return tuple(picture.to_image() for picture in (pictures[0], pictures[-1]))  # type: ignore[no-untyped-call]
