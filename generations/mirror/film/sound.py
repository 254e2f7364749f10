"""The sound of a film: one AAC track that begins and ends with each part, and is silent where a part has none.

It is encoded anew: the frames of AAC overlap, and none ends where a picture does, so that copies of them would click at
each cut and drift from the picture.
"""

import io
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import IO, Final

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from generations.mirror.film.boxes import box, full_box
from generations.mirror.film.track import Track
from generations.mirror.media_info import BUFFER

RATE: Final = 48_000  # samples a second
BITRATE: Final = 192_000  # bits a second
FRAME: Final = 1024  # samples in a frame of AAC
_SAMPLE: Final = 4  # bytes of a float
_SHAPE: Final = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30) + bytes(8)

Stereo = tuple[bytes, bytes]  # samples of the left and of the right channel, as many in both


def _encoder() -> AudioCodecContext:
    codec = av.CodecContext.create("aac", "w")
    codec.sample_rate, codec.layout, codec.format = RATE, "stereo", "fltp"
    codec.bit_rate, codec.time_base = BITRATE, Fraction(1, RATE)
    codec.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER: the configuration stands in the file's head
    codec.open()
    return codec


@dataclass(slots=True)
class SoundTrack:
    """Encodes what is added into `spool`, one frame of AAC after the other."""

    spool: IO[bytes]
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))
    _rest: Stereo = (b"", b"")
    _written: int = 0  # samples
    _codec: AudioCodecContext = field(default_factory=_encoder)

    def add(self, pieces: Iterator[Stereo]) -> None:
        for left, right in pieces:
            self._rest = (self._rest[0] + left, self._rest[1] + right)
            while len(self._rest[0]) >= FRAME * _SAMPLE:
                self._encode_frame()

    def finish(self) -> Track:
        """The end is filled with silence; the film's own length hides that."""
        if self._rest[0]:
            fill = bytes(FRAME * _SAMPLE - len(self._rest[0]))
            self._rest = (self._rest[0] + fill, self._rest[1] + fill)
            self._encode_frame()
        self._write(None)
        durations = array("Q", [FRAME]) * len(self.sizes)
        priming = self._codec.delay if hasattr(self._codec, "delay") else FRAME
        entry = _sample_entry(bytes(self._codec.extradata or b""))
        return Track(b"soun", RATE, entry, _SHAPE, self.sizes, durations, priming or FRAME)

    def _encode_frame(self) -> None:
        frame = AudioFrame(format="fltp", layout="stereo", samples=FRAME)
        for plane, data in zip(frame.planes, self._rest, strict=True):
            padding = bytes(plane.buffer_size - FRAME * _SAMPLE)
            plane.update(data[: FRAME * _SAMPLE] + padding)
        self._rest = (self._rest[0][FRAME * _SAMPLE :], self._rest[1][FRAME * _SAMPLE :])
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self._written
        self._written += FRAME
        self._write(frame)

    def _write(self, frame: AudioFrame | None) -> None:
        for packet in self._codec.encode(frame):
            data = bytes(packet)
            if data:
                self.sizes.append(len(data))
                self.spool.write(data)


def sound_of(file: IO[bytes] | io.RawIOBase, samples: int, on_frame: Callable[[], None]) -> Iterator[Stereo]:
    """So many samples of a part's sound, at the times that its own clock gives them; silence around."""
    given = 0
    for at, left, right in _decode(file, on_frame):
        begin = max(at, given)
        if begin >= samples:
            break
        yield from silence(begin - given)
        skip, take = begin - at, min(len(left) // _SAMPLE - (begin - at), samples - begin)
        if take > 0:
            piece = slice(skip * _SAMPLE, (skip + take) * _SAMPLE)
            yield left[piece], right[piece]
        given = begin + max(0, take)
    yield from silence(samples - given)


def silence(samples: int) -> Iterator[Stereo]:
    while samples > 0:
        piece = bytes(min(samples, RATE) * _SAMPLE)
        yield piece, piece
        samples -= RATE


def _decode(file: IO[bytes] | io.RawIOBase, on_frame: Callable[[], None]) -> Iterator[tuple[int, bytes, bytes]]:
    """Each piece with the sample that it begins with, counted from the film's first picture."""
    file.seek(0)
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    with av.open(file, "r", buffer_size=BUFFER) as container:
        next_at: int | None = None
        for frame in container.decode(audio=0):
            on_frame()
            if next_at is None or abs(round((frame.time or 0) * RATE) - next_at) > FRAME:
                next_at = round((frame.time or 0) * RATE)
            for ready in resampler.resample(frame):
                left, right = (bytes(plane)[: ready.samples * _SAMPLE] for plane in ready.planes)
                yield next_at, left, right
                next_at += ready.samples
        for ready in resampler.resample(None):
            left, right = (bytes(plane)[: ready.samples * _SAMPLE] for plane in ready.planes)
            yield next_at or 0, left, right
            next_at = (next_at or 0) + ready.samples


def _sample_entry(config: bytes) -> bytes:
    """`mp4a` with its `esds` (ISO/IEC 14496-14 §5.6, 14496-1 §7.2.6)."""
    specific = _descriptor(5, config)
    decoder = _descriptor(4, struct.pack(">BB3sII", 0x40, 0x15, bytes(3), BITRATE, BITRATE) + specific)
    stream = _descriptor(3, struct.pack(">HB", 0, 0) + decoder + _descriptor(6, b"\x02"))
    sound = struct.pack(">6xH8xHHHHI", 1, 2, 16, 0, 0, RATE << 16)
    return box(b"mp4a", sound, full_box(b"esds", 0, 0, stream))


def _descriptor(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
