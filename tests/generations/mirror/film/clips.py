"""Small real clips whose frames can be told apart, with sound or without."""

import hashlib
import io
import itertools
import math
import struct
from fractions import Fraction
from functools import cache
from typing import cast

import av
from PIL import Image, ImageChops, ImageOps, ImageStat

from generations.mirror.display_matrix import shown_size
from generations.mirror.film.boxes import box, children
from generations.mirror.film.encode import Shape
from generations.mirror.frame_color import image_of
from tests.generations.mirror.videos import find


@cache
def clip(
    seed: int,
    *,
    frames: int = 24,
    size: tuple[int, int] = (160, 90),
    rate: int = 24,
    tone: int = 0,
    b_frames: int = 2,
    codec: str = "libx264",
    sound_rate: int = 44_100,
) -> bytes:
    """`tone` is the pitch of its sound in Hz, from the first frame to the last; 0 is none."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = cast("av.VideoStream", container.add_stream(codec, rate=rate, options={"bf": str(b_frames)}))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        sound = container.add_stream("aac", rate=sound_rate, layout="stereo") if tone else None
        for number in range(frames):
            frame = av.VideoFrame.from_image(_picture(seed, number, size))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound:
            _add_tone(container, sound, tone, sound_rate * frames // rate)
    return out.getvalue()


def _add_tone(container: av.container.OutputContainer, stream: av.AudioStream, pitch: int, samples: int) -> None:
    rate = stream.codec_context.sample_rate
    wave = [0.5 * math.sin(2 * math.pi * pitch * at / rate) for at in range(samples)]
    for begin in range(0, samples, 1024):
        part = wave[begin : begin + 1024]
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=len(part))
        for plane in frame.planes:
            plane.update(struct.pack(f"<{len(part)}f", *part).ljust(plane.buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _picture(seed: int, number: int, size: tuple[int, int]) -> Image.Image:
    return Image.linear_gradient("L").rotate(seed * 40 + number * 7).resize(size).convert("RGB")


def rotated(data: bytes) -> bytes:
    """The same, to be shown turned by 90° to the right."""
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    at = data.index(plain, data.index(b"tkhd"))
    return data[:at] + turned + data[at + len(plain) :]


def with_box(data: bytes, path: list[bytes], content: bytes) -> bytes:
    """The same with another box below `moov`; of one without sound, whose head lies at its end."""
    begin, size = find(data, [b"moov"])
    moov = b"moov" + _replaced(data[begin + 8 : begin + size], path, content)
    return data[:begin] + struct.pack(">I", 4 + len(moov)) + moov + data[begin + size :]


def _replaced(data: bytes, path: list[bytes], content: bytes) -> bytes:
    new = [
        box(kind, body if kind != path[0] else _replaced(body, path[1:], content) if path[1:] else content)
        for kind, body in children(data)
    ]
    return b"".join(new)


def pictures(data: bytes) -> list[tuple[float, str]]:
    """When each frame is shown, and a hash of its pixels."""
    with av.open(io.BytesIO(data), "r") as container:
        return [(frame.time or 0.0, _hash(frame)) for frame in container.decode(video=0)]


def hashes(data: bytes) -> list[str]:
    return [found for _, found in pictures(data)]


def _hash(frame: av.VideoFrame) -> str:
    digest = hashlib.sha256()
    for plane in frame.planes:
        rows = memoryview(plane)
        for row in range(plane.height):
            digest.update(rows[row * plane.line_size : row * plane.line_size + plane.width])
    return digest.hexdigest()


def samples(data: bytes) -> list[float]:
    """Of the left channel, as a player hears them, from the first frame of the picture."""
    heard: list[float] = []
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(audio=0):
            begin = round((frame.time or 0) * frame.sample_rate)
            heard += [0.0] * (begin - len(heard))
            values = struct.unpack(f"<{frame.samples}f", bytes(frame.planes[0])[: frame.samples * 4])
            heard[begin:] = values
    return heard


def loudness(heard: list[float], begin: float, end: float, rate: int = 48_000) -> float:
    piece = heard[round(begin * rate) : round(end * rate)]
    return math.sqrt(sum(value * value for value in piece) / max(1, len(piece)))


def pitch(heard: list[float], begin: float, end: float, rate: int = 48_000) -> float:
    """In Hz, by how often it crosses zero upwards."""
    piece = heard[round(begin * rate) : round(end * rate)]
    return sum(a < 0 <= b for a, b in itertools.pairwise(piece)) / (end - begin)


def thumbnails(data: bytes, shape: Shape) -> list[Image.Image]:
    """Each frame as a player shows it, small and grey, with bars where the shape is another."""
    with av.open(io.BytesIO(data), "r") as container:
        shown = (image_of(frame, *shown_size(frame)) for frame in container.decode(video=0))
        return [ImageOps.pad(image.convert("L"), (shape.width, shape.height)).resize((32, 18)) for image in shown]


def distance(one: Image.Image, other: Image.Image) -> float:
    """Of two pictures: the mean of 0–255."""
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]
