"""One frame of a video as a picture that Kling takes, to start the next clip with."""

import io
from typing import Final

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from generations.mirror.errors import MirrorError, Reason
from generations.mirror.frame_color import image_of
from generations.mirror.media_info import Readable, open_video

_QUALITY: Final = 95  # chains of clips lose a little with each link, so little is lost here
_ROUNDING: Final = 0.001  # seconds: a player tells its time rounded


def extract_frame(file: Readable, at: float) -> bytes:
    """The frame that a player shows `at` seconds from the start, as a JPEG; after the end it is the last.

    Raises MirrorError (undecodable).
    """
    with open_video(file) as (container, stream):
        frame = _find_frame(container, stream, at)
        image = image_of(frame)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=_QUALITY, subsampling=0)
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
