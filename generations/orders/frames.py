"""A frame of a video becomes a picture of the person's own, from which another video begins or with which it ends."""

from typing import Final

from accounts.models import User
from generations import bucket
from generations.mirror import Bucket, StoredFile, extract_frame
from generations.models import Frame, Generation, Upload, Video
from generations.orders.place import save_upload
from generations.pictures import read

_MOMENTS: Final = {Frame.FIRST: 0.0, Frame.LAST: 24 * 3600.0}  # s; behind the end it is the last


def keep_frame(user: User, video: Video, at: float) -> Upload:
    """The frame `at` seconds, decoded here: a browser's canvas gives nothing away of what another origin has sent.

    Raises MirrorError, InvalidArguments, BucketDownError, DecoderBusyError and OrderRefusedError.
    """
    with StoredFile(Bucket(bucket.client(), bucket.name()), video.key, video.size) as stored:
        data = extract_frame(stored, at)
    return save_upload(user, read("start_file", data))


def keep_end(user: User, generation: Generation, frame: Frame) -> Upload:
    """The first or last frame: what is ordered with it continues the video. Raises what `keep_frame` does."""
    upload = keep_frame(user, generation.video, _MOMENTS[frame])
    upload.frame, upload.frame_of = frame, generation
    upload.save(update_fields=["frame", "frame_of"])
    return upload
