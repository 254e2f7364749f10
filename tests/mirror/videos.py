"""Small real MP4s, made on the spot."""

import io
from functools import cache
from pathlib import Path

import av
from PIL import Image


@cache
def mp4(
    *, seconds: float = 1.0, size: tuple[int, int] = (320, 180), black_until: float = 0.0, codec: str = "libx264"
) -> bytes:
    """H.264 at 24 frames a second, if not asked for otherwise; `moov` lies at the end, as PyAV writes it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(round(seconds * 24)):
            picture = Image.new("RGB", size) if number < black_until * 24 else _picture(size, number)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
    return out.getvalue()


def _picture(size: tuple[int, int], number: int) -> Image.Image:
    return Image.linear_gradient("L").rotate(number * 5).resize(size).convert("RGB")


def faststart(data: bytes, directory: Path) -> bytes:
    """The same with `moov` in front, as files for the web have it."""
    path = directory / "faststart.mp4"
    with (
        av.open(io.BytesIO(data), "r") as source,
        av.open(str(path), "w", options={"movflags": "faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path.read_bytes()


def like_mp4(size: int) -> bytes:
    """Passes for an MP4 by its first bytes only."""
    return b"\0\0\0\x18ftypisom" + bytes(range(256)) * (size // 256) + bytes(size % 256)
