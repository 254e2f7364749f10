"""Joins videos of different sizes, codecs or rates: every picture is decoded and encoded once, in one size and rate.

The pictures go into a file on disk first; then the film is written as a copied one is, with the same sound.
"""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Final, cast

import av
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from generations.mirror.display_matrix import transpose_of
from generations.mirror.film.join import (
    Cut,
    FrameSource,
    JoinedFilm,
    JoinSpec,
    SoundSource,
    opener,
    refuse_too_long,
    write,
)
from generations.mirror.film.sample_table import read_sample_table
from generations.mirror.film.sound import RATE
from generations.mirror.media_info import open_video
from generations.mirror.s3_file import StoredFile
from generations.mirror.transfer import OnProgress, Progress

_OPTIONS: Final = {"preset": "veryfast", "crf": "16", "threads": "2", "rc-lookahead": "10"}
_COLORS: Final = {"x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709"}
_T = Image.Transpose
_TURNS: Final[dict[Image.Transpose | None, tuple[tuple[str, str], ...]]] = {
    None: (),
    _T.ROTATE_270: (("transpose", "clock"),),
    _T.ROTATE_180: (("hflip", ""), ("vflip", "")),
    _T.ROTATE_90: (("transpose", "cclock"),),
    _T.FLIP_LEFT_RIGHT: (("hflip", ""),),
    _T.FLIP_TOP_BOTTOM: (("vflip", ""),),
    _T.TRANSPOSE: (("transpose", "cclock_flip"),),
    _T.TRANSVERSE: (("transpose", "clock_flip"),),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the film will be; what is of another shape gets black bars. `rate` is frames a second."""

    width: int
    height: int
    rate: Fraction

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


def join_encoded(
    spec: JoinSpec, shape: Shape, seconds: float, on_progress: OnProgress, *, attempt: int = 0
) -> JoinedFilm:
    """`seconds` is about how long it will be, for the progress. Raises MirrorError, and what `on_progress` raises."""
    progress = Progress(lambda done, _total: on_progress(done, round(seconds * 1000)))
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w", format="mp4") as target:
            encoder = _Encoder(target, shape, progress)
            has_sound = [encoder.add(spec, number) for number in range(len(spec.parts))]
            encoder.finish()
        with open(file.name, "rb") as made:  # noqa: PTH123 - a name that tempfile gave
            table = read_sample_table(made, made.seek(0, io.SEEK_END))
        ends = list(accumulate(encoder.counts, initial=0))
        cuts = [Cut(*pair) for pair in pairwise(ends)]
        sounds = _sounds(spec, cuts, has_sound, shape)
        source = FrameSource(lambda: open(file.name, "rb"), table)  # noqa: PTH123, SIM115 - `write` closes it
        return write(spec, [source], sounds, cuts, on_progress, attempt=attempt)


def _sounds(spec: JoinSpec, cuts: list[Cut], has_sound: list[bool], shape: Shape) -> list[SoundSource]:
    ends = [int(cut.last * RATE / shape.rate) for cut in cuts]
    return [
        SoundSource(end - begin, opener(spec, part) if has else None)
        for part, has, begin, end in zip(spec.parts, has_sound, [0, *ends], ends, strict=False)
    ]


class _Encoder:
    """Shows each picture at the film's rate: the one that its part shows at that moment."""

    def __init__(self, target: OutputContainer, shape: Shape, progress: Progress) -> None:
        self.counts: list[int] = []
        self._target, self._shape, self._progress = target, shape, progress
        self._begins = 0.0  # seconds of the film, at which the current part begins
        self._done = 0  # frames
        self._stream = target.add_stream("libx264", rate=shape.rate, options=_OPTIONS | _COLORS)
        self._stream.width, self._stream.height, self._stream.pix_fmt = shape.width, shape.height, "yuv420p"
        self._stream.time_base = 1 / shape.rate

    def add(self, spec: JoinSpec, number: int) -> bool:
        """Whether the part has sound."""
        part, before = spec.parts[number], self._done
        with StoredFile(spec.bucket, part.key, part.size) as file, open_video(file) as (container, stream):
            self._begins += self._show(container, stream)
            self.counts.append(self._done - before)
            return bool(container.streams.audio)

    def finish(self) -> None:
        self._target.mux(self._stream.encode())

    def _show(self, container: InputContainer, stream: VideoStream) -> float:
        """Seconds that the part lasts."""
        held, at, began, usual = None, 0.0, None, float(1 / (stream.average_rate or self._shape.rate))
        for frame in _fit(container, stream, self._shape):
            began = (frame.time or 0.0) if began is None else began
            at = (frame.time or 0.0) - began
            if held is not None:
                self._encode_until(held, self._begins + at)
            held = frame
        lasts = at + usual
        if held is not None:
            self._encode_until(held, self._begins + lasts)
        return lasts

    def _encode_until(self, frame: VideoFrame, moment: float) -> None:
        """A part shorter than half a frame still shows one. Raises MirrorError where a part's clock leaps too far."""
        refuse_too_long(moment)
        while self._done < round(moment * self._shape.rate):
            self._progress(round(moment * 1000), None)
            frame.pts, frame.time_base = self._done, 1 / self._shape.rate
            frame.pict_type = 0  # whatever it was in its part
            self._target.mux(self._stream.encode(frame))
            self._done += 1


def _fit(container: InputContainer, stream: VideoStream, shape: Shape) -> Iterator[VideoFrame]:
    """Turned as a player shows them, in the film's size, with bars where the shape is another."""
    graph: Graph | None = None
    for frame in container.decode(stream):
        graph = graph or _graph(frame, stream, shape)
        graph.push(frame)
        yield cast("VideoFrame", graph.pull())


def _graph(frame: VideoFrame, stream: VideoStream, shape: Shape) -> Graph:
    width, height = shape.width, shape.height
    inside = f"{width}:{height}:force_original_aspect_ratio=decrease:out_color_matrix=bt709:out_range=tv:flags=bicubic"
    steps = (
        *_TURNS[transpose_of(frame)],
        ("scale", inside),
        ("pad", f"{width}:{height}:-1:-1"),
        ("setsar", "1"),
        ("format", "yuv420p"),
    )
    graph = Graph()
    source: Any = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base
    )
    for name, arguments in steps:
        node: Any = graph.add(name, arguments) if arguments else graph.add(name)
        source.link_to(node)
        source = node
    source.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
