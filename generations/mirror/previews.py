"""Make a short muted clip of a video, and a few pixels that go into the HTML itself.

Knows no bucket and no network.
"""

import base64
import io
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

from generations.mirror.display_matrix import shown_size
from generations.mirror.errors import MirrorError, Reason
from generations.mirror.frame_color import ACCURATE, image_of
from generations.mirror.media_info import Poster, Readable, open_video, undecodable_error

MAX_CLIP_BYTES: Final = 400_000  # bytes of a clip
CLIP_SECONDS: Final = 4
CLIP_FPS: Final = 12
CLIP_SIDE: Final = 480  # pixels of the longer side
TRIES: Final = 3

PLACEHOLDER_SIDE: Final = 12  # pixels of the longer side
PLACEHOLDER_LENGTH: Final = 400  # characters, with the "data:" in front


def preview(file: Readable) -> bytes:
    """The first seconds as a small silent MP4 of at most BUDGET bytes. Raises MirrorError (undecodable)."""
    bits = MAX_CLIP_BYTES * 8 * 0.8 / CLIP_SECONDS  # a second; the rest is for the container and the encoder's mistakes
    for _ in range(TRIES):
        clip = _build_clip(file, round(bits))
        if len(clip) <= MAX_CLIP_BYTES:
            return clip
        bits *= 0.8 * MAX_CLIP_BYTES / len(clip)
    raise MirrorError(Reason.TOO_LARGE, "The video can't be made small enough for a preview.")


def placeholder(poster: Poster) -> str:
    """A few blurred pixels of the poster as a `data:` address of at most PLACEHOLDER_LENGTH characters."""
    with Image.open(io.BytesIO(poster.data)) as image:
        small = image.convert("RGB")
    small.thumbnail((PLACEHOLDER_SIDE, PLACEHOLDER_SIDE))
    addresses = (_data_address(small, quality) for quality in (60, 30, 0))
    return next((each for each in addresses if len(each) <= PLACEHOLDER_LENGTH), "")


def _build_clip(file: Readable, bits: int) -> bytes:
    """FFmpeg moves the head to the front by opening what it has written by its name, so it needs a true file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "preview.mp4")
        _encode(file, path, bits)
        return path.read_bytes()


def _encode(file: Readable, path: Path, bits: int) -> None:
    """`crf` keeps a calm clip far below its budget, `maxrate` holds a wild one to it."""
    rate = {"maxrate": str(bits), "bufsize": str(bits)}
    try:
        with (
            open_video(file) as (source, stream),
            av.open(str(path), "w", options={"movflags": "faststart"}) as target,
        ):
            clip = target.add_stream("libx264", rate=CLIP_FPS, options={"preset": "veryfast", "crf": "26", **rate})
            frames = _frames(source, stream)
            first = next(frames, None)
            if first is None:
                raise undecodable_error("it has no frame for a preview")
            clip.width, clip.height = _clip_size(*shown_size(first[1]))
            clip.pix_fmt = "yuv420p"
            context = clip.codec_context
            context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1  # BT.709
            context.thread_count = 1  # two clips at once share the cores, and each thread holds frames
            for number, frame in chain([first], frames):
                target.mux(clip.encode(_scale_frame(frame, number, clip)))
            target.mux(clip.encode())
    except ValueError as error:  # PyAV's word for a frame that it can't convert
        raise MirrorError(Reason.UNDECODABLE, f"No preview can be made of the video: {error}") from error


def _frames(source: InputContainer, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """The frames of the first seconds with their numbers at CLIP_FPS; what comes too fast for it is left out."""
    last, began = -1, None
    for frame in source.decode(stream):
        began = (frame.time or 0.0) if began is None else began
        number = int(((frame.time or 0.0) - began) * CLIP_FPS + 1e-3)  # a time like 0.0833 is meant to be 1/12
        if number >= CLIP_SECONDS * CLIP_FPS:
            return
        if number > last:
            last = number
            yield number, frame


def _scale_frame(frame: VideoFrame, number: int, clip: VideoStream) -> VideoFrame:
    """In BT.709 and tagged so: a player would take an untagged clip of this size for BT.601."""
    image = image_of(frame, clip.width, clip.height)
    rgb: VideoFrame = VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    small = rgb.reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, interpolation=ACCURATE
    )
    small.pts, small.time_base = number, Fraction(1, CLIP_FPS)
    small.pict_type = 0  # the source's own choice of key frames says nothing here
    return small


def _clip_size(width: int, height: int) -> tuple[int, int]:
    """Within CLIP_SIDE, with the even sides that yuv420p asks for."""
    scale = min(1.0, CLIP_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _data_address(image: Image.Image, quality: int) -> str:
    data = io.BytesIO()
    image.save(data, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()
