"""Inspect a video: what it is, whether all of it decodes, and one picture of it. Knows no bucket and no network."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import IO, Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import ImageStat

from generations.mirror.display_matrix import is_sideways, shown_size
from generations.mirror.errors import MirrorError, Reason
from generations.mirror.frame_color import image_of

Readable = str | Path | IO[bytes] | io.RawIOBase

MAX_FULL_DECODE_SECONDS: Final = 120.0  # seconds: of longer videos only the key frames are decoded
LONG_SIDE: Final = 960  # pixels of a poster
QUALITY: Final = 80
THREADS: Final = 2  # each holds some frames: more would cost memory by the number of cores
BUFFER: Final = 1 << 18  # bytes that FFmpeg reads at a time

_FROM, _EVERY, _UNTIL = 0.5, 0.25, 3.0  # seconds: where a poster is looked for
_DARK: Final = 24  # mean of 0–255


@dataclass(frozen=True, slots=True)
class Probe:
    width: int  # pixels, as a player shows them
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
    """Decodes the whole video and says what it is. Raises MirrorError (undecodable).

    Whole is what shows for as long as the file says: the number of frames in its head counts those that an edit list
    hides, is 0 in fragments, and says nothing where frames last unequally long.
    """
    with open_video(file) as (container, stream):
        context, promised = stream.codec_context, _declared_seconds(container, stream)
        is_long = (promised or 0.0) > MAX_FULL_DECODE_SECONDS
        if is_long:
            context.skip_frame = "NONKEY"
        shown = _decode_all(container, stream, on_frame)
        duration, fps = promised or shown.seconds, float(stream.average_rate or 0) or shown.rate
        if not (context.width and context.height and duration > 0 and fps > 0):
            raise undecodable_error(
                f"{context.width} × {context.height} pixels, {duration:g} s, {fps:g} frames a second"
            )
        if not is_long:
            _check_whole(shown, duration, 1 / fps)
        sides = (context.height, context.width) if shown.is_sideways else (context.width, context.height)
        return Probe(*sides, duration, fps, context.name)


def poster(file: Readable) -> Poster:
    """An early frame that isn't black, at most LONG_SIDE pixels long. Raises MirrorError (undecodable)."""
    with open_video(file) as (container, stream):
        frame = _pick_poster_frame(_candidates(container, stream))
        image = image_of(frame, *_poster_size(*shown_size(frame)))
    data = io.BytesIO()
    image.save(data, "WEBP", quality=QUALITY)
    return Poster(data.getvalue(), image.width, image.height)


@contextmanager
def open_video(file: Readable) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file from its beginning, and its picture. What FFmpeg raises inside becomes a MirrorError (undecodable)."""
    if isinstance(file, io.IOBase):
        file.seek(0)
    try:
        with av.open(file, "r", buffer_size=BUFFER) as container:
            stream = container.streams.best("video")  # not a cover that lies beside it
            if not isinstance(stream, VideoStream):
                raise undecodable_error("it has no picture")
            stream.thread_type, stream.thread_count = "AUTO", THREADS
            yield container, stream
    except av.FFmpegError as error:
        raise undecodable_error(error.strerror or str(error)) from error


@dataclass(slots=True)
class _DecodedSpan:
    """What was decoded; times are seconds of the file's own clock, which need not begin at 0."""

    frames: int = 0
    begin: float = inf
    end: float = -inf
    breaks_at: float = inf  # the first that is not whole
    trouble: str = ""
    is_sideways: bool = False

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.begin)

    @property
    def rate(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0

    def add(self, frame: VideoFrame) -> None:
        time = max(0.0, self.end) if frame.pts is None else frame.time
        if frame.is_corrupt:
            self.record_break(time, "a frame is corrupt")
        if not self.frames:
            self.is_sideways = is_sideways(frame)
        self.frames += 1
        self.begin = min(self.begin, time)
        self.end = max(self.end, time + _frame_seconds(frame))

    def record_break(self, time: float, trouble: str) -> None:
        if time < self.breaks_at:
            self.breaks_at, self.trouble = time, trouble


def _declared_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds that the picture shows, by the file's head; None where only the sound's end may be known."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration and not container.streams.audio else None


def _decode_all(container: InputContainer, stream: VideoStream, on_frame: Callable[[], None]) -> _DecodedSpan:
    shown = _DecodedSpan()
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError as error:
            shown.record_break(_time(packet, shown.end), error.strerror or str(error))
            continue
        for frame in frames:
            on_frame()
            shown.add(frame)
    return shown


def _check_whole(shown: _DecodedSpan, duration: float, usual: float) -> None:
    """A last frame or two that a player skips over are no loss; a file that lost its end lacks more."""
    if shown.breaks_at < shown.end - 2.5 * usual or shown.breaks_at <= shown.begin:
        raise undecodable_error(f"{shown.trouble} at {max(0.0, shown.breaks_at - shown.begin):.2f} s")
    if not shown.frames or shown.seconds < 0.9 * duration - 2 * usual:
        raise undecodable_error(f"{shown.seconds:.2f} of {duration:.2f} s")


def _time(packet: "Packet[VideoStream]", unknown: float) -> float:
    if packet.pts is None or packet.time_base is None:
        return unknown
    return float(packet.pts * packet.time_base)


def _frame_seconds(frame: VideoFrame) -> float:
    return float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0


def _candidates(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Some frames of the first seconds; a very short video begins with its first."""
    due = _FROM if (_declared_seconds(container, stream) or 0.0) > 2 * _FROM else 0.0
    first, began = None, 0.0
    for frame in container.decode(stream):
        if first is None:
            first, began = frame, frame.time or 0.0
        time = (frame.time or 0.0) - began
        if time > _UNTIL:
            break
        if time >= due:
            yield frame
            due += _EVERY
    if first is not None:  # it may be the only one for long
        yield first


def _pick_poster_frame(frames: Iterator[VideoFrame]) -> VideoFrame:
    """The first frame that isn't dark, else the brightest."""
    best, most = None, -1.0
    for frame in frames:
        light = _brightness(frame)
        if light > most:
            best, most = frame, light
        if light >= _DARK:
            break
    if best is None:
        raise undecodable_error("it has no frame for a poster")
    return best


def _brightness(frame: VideoFrame) -> float:
    return ImageStat.Stat(image_of(frame, 64, 36).convert("L")).mean[0]


def _poster_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def undecodable_error(why: str) -> MirrorError:
    """What to raise when all bytes are in the bucket and are no video."""
    return MirrorError(Reason.UNDECODABLE, f"The video has arrived, but doesn't play: {why}.")
