"""One frame of a video as a picture that Kling takes, to start the next clip with."""

import io
from typing import Final

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from generations.mirror.errors import MirrorError, Reason
from generations.mirror.frame_color import image_of
from generations.mirror.media_info import Readable, open_video

_MAX_BYTES: Final = 10_000_000  # what Kling takes; a lossless picture is larger only at 4K
_QUALITY: Final = 95  # of what is too large to be lossless
_ROUNDING: Final = 0.001  # seconds: a player tells its time rounded


def extract_frame(file: Readable, at: float) -> bytes:
    """The frame that a player shows `at` seconds from the start, as a PNG; after the end it is the last.

    Lossless, so that a chain of clips keeps its colours; a JPEG where that would be too large for Kling.

    Raises MirrorError (undecodable).
    """
    with open_video(file) as (container, stream):
        frame = _find_frame(container, stream, at)
        image = image_of(frame)
    lossless = _encode(image, "PNG")
    return lossless if len(lossless) <= _MAX_BYTES else _encode(image, "JPEG", quality=_QUALITY, subsampling=0)


def _encode(image: Image.Image, form: str, **options: int) -> bytes:
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def _find_frame(container: InputContainer, stream: VideoStream, at: float) -> VideoFrame:
    """The last frame that begins by then, decoded from the key frame before it."""
    if stream.time_base and stream.duration is not None:
        container.seek(min(int(at / stream.time_base), stream.duration), stream=stream)
    shown = None
    for frame in container.decode(stream):
        if shown is not None and (frame.time or 0.0) > at + _ROUNDING:
            break
        shown = frame
    if shown is None:
        raise MirrorError(Reason.UNDECODABLE, "The video has no frame at this moment.")
    return shown
