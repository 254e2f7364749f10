"""A frame of a video becomes a picture of the person's own, from which another video begins or with which it ends."""

from typing import Final

from django.utils.text import Truncator

from accounts.models import Team, User
from generations import bucket
from generations.mirror import Bucket, StoredFile, extract_frame
from generations.models import Generation, LibraryPicture, Upload, Video
from generations.orders.library import add_picture
from generations.orders.place import save_upload
from generations.pictures import Picture, read

_AFTER_ALL: Final = 24 * 3600.0  # s; no video is that long


def keep_frame(user: User, video: Video, at: float) -> Upload:
    """The frame `at` seconds, decoded here: a browser's canvas gives nothing away of what another origin has sent.

    Raises MirrorError, InvalidArguments, BucketDownError, DecoderBusyError and OrderRefusedError.
    """
    upload = save_upload(user, _read_frame(video, at))
    upload.frame_of_id = video.generation_id
    upload.save(update_fields=["frame_of"])
    return upload


def add_frame_to_library(user: User, team: Team, generation: Generation, at: float) -> LibraryPicture:
    """Named by the prompt. Raises what `keep_frame` does."""
    name = Truncator(generation.prompt).chars(80)
    return add_picture(user, team, _read_frame(generation.video, at), name, frame_of=generation)


def _read_frame(video: Video, at: float) -> Picture:
    with StoredFile(Bucket(bucket.client(), bucket.name()), video.key, video.size) as stored:
        data = extract_frame(stored, at)
    return read("start_file", data)


def keep_last_frame(user: User, generation: Generation) -> Upload:
    """What is ordered with it as the start picture continues the video. Raises what `keep_frame` does."""
    upload = keep_frame(user, generation.video, _AFTER_ALL)
    upload.last_frame_of = generation
    upload.save(update_fields=["last_frame_of"])
    return upload


def keep_first_frame(user: User, generation: Generation) -> Upload:
    """What is ordered with it as the end picture leads to the video. Raises what `keep_frame` does."""
    upload = keep_frame(user, generation.video, 0)
    upload.first_frame_of = generation
    upload.save(update_fields=["first_frame_of"])
    return upload
