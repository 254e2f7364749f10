"""A film as a sequence for editing programs: OpenTimelineIO, in its plain JSON.

Its own library is native code, for a format of which a film needs these few objects: they are written here.
"""

from collections.abc import Sequence
from typing import Any

from generations.models import Film, FilmPart, Video

Json = dict[str, Any]


def timeline_of(film: Film, parts: Sequence[tuple[FilmPart, str, str]]) -> Json:
    """`parts` come with the name of each file and its address, which is blank where nobody may have it any more."""
    clips = [_clip(part, name, address) for part, name, address in parts]
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": clips} | _common()
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]} | _common()
    start = {"global_start_time": None, "metadata": {"kling_studio": {"film": str(film.pk)}}}
    return {"OTIO_SCHEMA": "Timeline.1", "name": film.name, "tracks": stack} | start


def _common() -> Json:
    return {"source_range": None, "effects": [], "markers": [], "enabled": True, "metadata": {}}


def _clip(part: FilmPart, name: str, address: str) -> Json:
    video = part.generation.video
    whole = _range(part, video)
    media: Json = {"name": name, "available_range": whole, "metadata": {}, "available_image_bounds": None}
    if address:
        media |= {"OTIO_SCHEMA": "ExternalReference.1", "target_url": address}
    else:
        media |= {"OTIO_SCHEMA": "MissingReference.1"}
    own = {"metadata": {"kling_studio": {"generation": str(part.generation_id), "sha256": video.sha256}}}
    references = {"media_references": {"DEFAULT_MEDIA": media}, "active_media_reference_key": "DEFAULT_MEDIA"}
    return {"OTIO_SCHEMA": "Clip.2", "name": name} | _common() | {"source_range": whole} | own | references


def _range(part: FilmPart, video: Video) -> Json:
    """All of the video, at its own rate. Of a copied film the frames were counted."""
    frames = round(video.duration * video.fps)
    if part.frames and not part.film.is_encoded:
        frames = part.frames
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": video.fps, "value": 0.0},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": video.fps, "value": float(frames)},
    }
