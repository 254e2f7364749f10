"""Looks at a video: what it is, whether all of it decodes, and one picture of it. Knows no bucket and no network."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import ImageStat

from generations.mirror.errors import MirrorError, Reason
from generations.mirror.frame_color import image_of

Readable = str | Path | IO[bytes] | io.RawIOBase

ORDINARY: Final = 120.0  # seconds: of longer videos only the key frames are decoded
LONG_SIDE: Final = 960  # pixels of a poster
QUALITY: Final = 80
THREADS: Final = 2  # each holds some frames: more would cost memory by the number of cores
BUFFER: Final = 1 << 18  # bytes that FFmpeg reads at a time

_FROM, _EVERY, _UNTIL = 0.5, 0.25, 3.0  # seconds: where a poster is looked for
_DARK: Final = 24  # mean of 0–255


@dataclass(frozen=True, slots=True)
class Probe:
    width: int  # pixels
    height: int
    duration: float  # seconds
    fps: float
    codec: str  # FFmpeg's name, such as h264


@dataclass(frozen=True, slots=True)
class Poster:
    data: bytes  # WebP
    width: int
    height: int


def probe(file: Readable, *, on_frame: Callable[[], None] = lambda: None) -> Probe:
    """Decodes the whole video and says what it is. Raises MirrorError (undecodable)."""
    with opened(file) as (container, stream):
        found = _described(container, stream)
        if found.duration > ORDINARY:
            stream.codec_context.skip_frame = "NONKEY"
        decoded = _decoded(container, stream, on_frame)
        expected = stream.frames or round(found.duration * found.fps)
    # An edit list may hide a frame or two; a file that lost its end lacks more.
    if not decoded or (found.duration <= ORDINARY and decoded < 0.9 * expected):
        raise _undecodable(f"{decoded} of {expected} frames")
    return found


def poster(file: Readable) -> Poster:
    """An early frame that isn't black, at most LONG_SIDE pixels long. Raises MirrorError (undecodable)."""
    with opened(file) as (container, stream):
        frame = _telling(_candidates(container, stream))
        image = image_of(frame, *_fitted(frame.width, frame.height))
    data = io.BytesIO()
    image.save(data, "WEBP", quality=QUALITY)
    return Poster(data.getvalue(), image.width, image.height)


@contextmanager
def opened(file: Readable) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file from its beginning, and its picture. What FFmpeg raises inside becomes a MirrorError (undecodable)."""
    if isinstance(file, io.IOBase):
        file.seek(0)
    try:
        with av.open(file, "r", buffer_size=BUFFER) as container:
            if not container.streams.video:
                raise _undecodable("it has no picture")
            stream = container.streams.video[0]
            stream.thread_type, stream.thread_count = "AUTO", THREADS
            yield container, stream
    except av.FFmpegError as error:
        raise _undecodable(error.strerror or str(error)) from error


def _described(container: InputContainer, stream: VideoStream) -> Probe:
    context = stream.codec_context
    if stream.duration is not None and stream.time_base is not None:
        duration = float(stream.duration * stream.time_base)
    else:
        duration = (container.duration or 0) / 1_000_000
    fps = float(stream.average_rate or 0)
    if not (context.width and context.height and duration > 0 and fps > 0):
        raise _undecodable(f"{context.width} × {context.height} pixels, {duration:g} s, {fps:g} frames a second")
    return Probe(context.width, context.height, duration, fps, context.name)


def _decoded(container: InputContainer, stream: VideoStream, on_frame: Callable[[], None]) -> int:
    """The number of frames, every one of them whole."""
    count = 0
    for frame in container.decode(stream):
        on_frame()
        if frame.is_corrupt:
            raise _undecodable(f"the frame at {frame.time or 0:.2f} s is corrupt")
        count += 1
    return count


def _candidates(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Some frames of the first seconds; a very short video begins with its first."""
    due = _FROM if _described(container, stream).duration > 2 * _FROM else 0.0
    for frame in container.decode(stream):
        time = frame.time or 0.0
        if time > _UNTIL:
            return
        if time >= due:
            yield frame
            due += _EVERY


def _telling(frames: Iterator[VideoFrame]) -> VideoFrame:
    """The first frame that isn't dark, else the brightest."""
    best, most = None, -1.0
    for frame in frames:
        light = _light(frame)
        if light > most:
            best, most = frame, light
        if light >= _DARK:
            break
    if best is None:
        raise _undecodable("it has no frame for a poster")
    return best


def _light(frame: VideoFrame) -> float:
    return ImageStat.Stat(image_of(frame, 64, 36).convert("L")).mean[0]


def _fitted(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _undecodable(why: str) -> MirrorError:
    return MirrorError(Reason.UNDECODABLE, f"The video has arrived, but doesn't play: {why}.")
