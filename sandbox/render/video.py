"""Render one video. It runs as a program of its own, so that it never blocks HTTP and dies with its parent.

`python -m sandbox.render.video --inputs DIR OUTPUT < recipe.json` prints the number of frames done now and then.
The same recipe gives the same bytes on the same machine: one encoder thread, no dates, no version in the file.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from PIL import Image

from sandbox.render.background import Lights
from sandbox.render.motion import Move, normalize_picture, to_frame
from sandbox.render.text import TextOverlay

FPS: Final = 24
VERSION: Final = 1  # change it when the same recipe should look different, or the cache hides the change
SIZES: Final = {"16:9": (1920, 1080), "9:16": (1080, 1920), "1:1": (1080, 1080)}
REPORT_EVERY: Final = 10  # frames


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a video's bytes. Pictures are named by the SHA-256 of their bytes."""

    prompt: str
    seconds: int
    seed: str
    aspect_ratio: str | None = None
    picture: str | None = None
    tail: str | None = None

    @property
    def frames(self) -> int:
        return self.seconds * FPS

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps([VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()


def _text_frames(recipe: Recipe) -> Iterator[av.VideoFrame]:
    size = SIZES[recipe.aspect_ratio or "16:9"]
    lights = Lights(recipe.seed, size)
    words = TextOverlay(recipe.prompt, f"Kling Studio sandbox  ·  {recipe.seconds} s", size)
    for number in range(recipe.frames):
        frame = to_frame(lights.at(number / FPS), size)
        words.write_on(frame)
        yield frame


def _picture_frames(recipe: Recipe, inputs: Path) -> Iterator[av.VideoFrame]:
    def read(name: str) -> Image.Image:
        with Image.open(inputs / name) as picture:
            return normalize_picture(picture)

    assert recipe.picture
    move = Move(read(recipe.picture), read(recipe.tail) if recipe.tail else None, recipe.seed)
    for number in range(recipe.frames):
        yield move.at(number / (recipe.frames - 1))


def frames(recipe: Recipe, inputs: Path) -> Iterator[av.VideoFrame]:
    """The video's frames, yuv420p, all of one size."""
    return _picture_frames(recipe, inputs) if recipe.picture else _text_frames(recipe)


# ultrafast leaves out what keeps dark gradients smooth; these two bring it back for a few ms a frame.
_X264: Final = {
    "preset": "ultrafast",
    "crf": "21",
    "threads": "1",
    "flags": "+bitexact",
    "x264-params": "aq-mode=1:no-deblock=0",
}


def _stream(container: av.container.OutputContainer, size: tuple[int, int]) -> av.VideoStream:
    stream = container.add_stream("libx264", rate=FPS, options=_X264)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = Fraction(1, FPS)
    context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1  # BT.709
    return stream


def encode(pictures: Iterator[av.VideoFrame], output: Path) -> Iterator[int]:
    """Write the frames to `output` as H.264 in an MP4 with its index in front; yields how many are done."""
    first = next(pictures)
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(output), "w", format="mp4", options=options) as container:
        stream = _stream(container, (first.width, first.height))
        for number, frame in enumerate(_chain(first, pictures)):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
            yield number + 1
        container.mux(stream.encode())


def _chain(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.render.video")
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    recipe = Recipe(**json.load(sys.stdin))
    unfinished = arguments.output.with_suffix(f".{os.getpid()}.part")
    for done in encode(frames(recipe, arguments.inputs), unfinished):
        if done % REPORT_EVERY == 0:
            print(done, flush=True)  # noqa: T201 - the parent reads it
    unfinished.replace(arguments.output)


if __name__ == "__main__":
    main()
