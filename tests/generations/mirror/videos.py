"""Small real MP4s, made on the spot."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import cast

import av
from av.video.stream import VideoStream
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


def edited(data: bytes, *edits: tuple[int, int]) -> bytes:
    """The same MP4 with this edit list: milliseconds to show, and from where in the track's time (-1: nothing)."""
    entries = b"".join(struct.pack(">Iihh", shown, begin, 1, 0) for shown, begin in edits)
    new = _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(edits)) + entries))
    begin, size = find(data, [b"moov", b"trak", b"edts"])
    changed = bytearray(data)
    for path in ([b"moov"], [b"moov", b"trak"]):
        at, length = find(data, path)
        changed[at : at + 4] = struct.pack(">I", length + len(new) - size)
    changed[begin : begin + size] = new
    return bytes(changed)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def find(data: bytes, path: Sequence[bytes], begin: int = 0) -> tuple[int, int]:
    while True:
        size, kind = struct.unpack(">I4s", data[begin : begin + 8])
        if kind == path[0]:
            return (begin, size) if len(path) == 1 else find(data, path[1:], begin + 8)
        begin += size


def written(
    starts: Sequence[float], *, codec: str = "libx264", kind: str = "mp4", sound: float = 0.0, movflags: str = ""
) -> bytes:
    """A frame at each of these seconds, and so many seconds of silence beside them."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind, options={"movflags": movflags} if movflags else {}) as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=24, options={"g": "12"}))
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 2400)
        audio = container.add_stream("aac", rate=44_100) if sound else None
        for number, start in enumerate(starts):
            frame = av.VideoFrame.from_image(_picture((320, 180), number))  # type: ignore[no-untyped-call]
            frame.pts, frame.time_base = round(start * 2400), Fraction(1, 2400)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for number in range(int(sound * 44_100 / 1024)):
            silence = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            silence.sample_rate, silence.pts = 44_100, number * 1024
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(audio.encode(silence) if audio else [])
        container.mux(audio.encode() if audio else [])
    return out.getvalue()


# what a display matrix's first four numbers do to a picture
UPRIGHT, RIGHT, AROUND, LEFT = (1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)
MIRRORED, UPSIDE_DOWN, ACROSS, COUNTER = (-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)


@cache
def quarters_mp4(size: tuple[int, int] = (320, 180)) -> bytes:
    """A second of red, green, blue and white quarters."""
    picture = Image.new("RGB", (2, 2))
    for place, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), ("red", "lime", "blue", "white"), strict=True):
        picture.paste(colour, (*place, place[0] + 1, place[1] + 1))
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "4"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        large = picture.resize(size, Image.Resampling.NEAREST)
        for _ in range(24):
            container.mux(stream.encode(av.VideoFrame.from_image(large)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
    return out.getvalue()


def with_matrix(data: bytes, matrix: tuple[float, ...]) -> bytes:
    """The same MP4 whose track has this display matrix (`tkhd`), as phones write one."""
    begin, _ = find(data, [b"moov", b"trak", b"tkhd"])
    a, b, c, d = (round(value * 65536) for value in matrix)
    changed = bytearray(data)
    changed[begin + 48 : begin + 84] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return bytes(changed)
