"""Repair an audit's findings, one by one. Nothing here runs unless a person asks for it."""

from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generations import bucket
from generations.mirror import Bucket, MirrorError, make_poster, make_preview, mirror_video, storage_errors
from generations.models import (
    Film,
    FilmStatus,
    Generation,
    InputPicture,
    LibraryPicture,
    StorageDeletion,
    Upload,
    Video,
    missing_parts,
)
from generations.pictures import thumbnail
from generations.pipeline.download import video_fields
from generations.storage.audit import Finding, Role
from generations.storage.cleanup import generation_id_in, other_columns

_MAX_KEY_LENGTH: Final = 300  # characters in the outbox
_MAX_TRIED: Final = 20  # pictures of the same content
_FILM_GONE: Final = "Its film was deleted meanwhile."


class RepairError(Exception):
    """It stays as it is; str() says why, and what a person can do."""


def repair(finding: Finding) -> str:
    """Put it right; what was done, in words. Raises RepairError."""
    try:
        with storage_errors():
            return _repair(finding)
    except (MirrorError, bucket.BucketDownError) as error:
        raise RepairError(str(error)) from error


def _repair(finding: Finding) -> str:
    if finding.known is None:
        return _schedule_removal(finding.key)
    return _restore(finding, finding.known.role)


def _restore(finding: Finding, role: Role) -> str:
    match role:
        case Role.VIDEO | Role.POSTER | Role.PREVIEW:
            return _restore_video(_generation(finding), role)
        case Role.PICTURE:
            return _restore_picture(finding)
        case Role.FILM | Role.FILM_POSTER:
            return _restore_film(_film(finding), role)
        case Role.LIBRARY_PICTURE | Role.LIBRARY_THUMBNAIL:
            return _restore_library_picture(finding, role)
        case _:
            return _forget(finding)


def _restore_video(row: Generation, role: Role) -> str:
    if role is Role.VIDEO:
        return _copy_again(row)
    return _make_poster(row) if role is Role.POSTER else _make_preview(row)


def _generation(finding: Finding) -> Generation:
    assert finding.known
    row = Generation.objects.filter(pk=str(finding.known.row_id), deleted_at=None).first()
    if row is None:
        raise RepairError("Its video was deleted meanwhile.")
    return row


def _schedule_removal(key: str) -> str:
    """A video's row is there before its file and outlives it: a file without one speaks of a database that lost rows,
    or of the wrong one. Such a file was paid for.
    """
    generation_id = generation_id_in(key)
    is_input = "/input/" in key
    if generation_id and not is_input and not Generation.objects.filter(pk=generation_id).exists():
        raise RepairError("Kept: this database has never heard of its video. Is it the right one, and whole?")
    if len(key) > _MAX_KEY_LENGTH:
        raise RepairError("Kept: the studio never gave such a key. Remove it by hand.")
    StorageDeletion.objects.enqueue([key])
    return "will be removed from the bucket"


def _copy_again(row: Generation) -> str:
    """Straight to where it belongs; S3 takes a file whole or not at all, so a failed try changes nothing."""
    video = mirror_video(
        row.source_url,
        bucket=Bucket(bucket.client(), bucket.name()),
        video_key=row.video_key,
        poster_key=row.poster_key,
        preview_key=row.preview_key,
        trusted_origins=settings.MIRROR_TRUSTED_ORIGINS,
        max_bytes=settings.MIRROR_MAX_BYTES,
        on_progress=lambda *_: None,
    )
    _save_video_fields(row, video_fields(video))
    return f"copied again from fal with its poster: {video.size:,} bytes"


@transaction.atomic
def _save_video_fields(row: Generation, columns: dict[str, object]) -> None:
    """Somebody may have deleted it during the copy, which then came too late to be removed with it."""
    if Generation.objects.select_for_update().filter(pk=row.pk, deleted_at=None).exists():
        Video.objects.filter(generation=row).update(**columns)
    else:
        StorageDeletion.objects.enqueue(row.object_keys())


def _make_poster(row: Generation) -> str:
    size = row.video.size
    if bucket.size_or_none(row.video_key) != size:
        return _copy_again(row)
    store = Bucket(bucket.client(), bucket.name())
    make_poster(store, video_key=row.video_key, video_size=size, poster_key=row.poster_key)
    return "made again from the video"


def _make_preview(row: Generation) -> str:
    if bucket.size_or_none(row.video_key) != row.video.size:
        return _copy_again(row)
    add_preview(row)
    return "made again from the video"


def add_preview(row: Generation) -> None:
    """Also for a video from the time before there were previews. Raises MirrorError."""
    store = Bucket(bucket.client(), bucket.name())
    placeholder = make_preview(store, video_key=row.video_key, video_size=row.video.size, preview_key=row.preview_key)
    _save_video_fields(row, {"preview_key": row.preview_key, "placeholder": placeholder})


def _film(finding: Finding) -> Film:
    assert finding.known
    film = Film.objects.filter(pk=str(finding.known.row_id), status=FilmStatus.DONE).first()
    if film is None:
        raise RepairError(_FILM_GONE)
    return film


def _restore_film(film: Film, role: Role) -> str:
    """A poster is made of the film itself: a part may be gone since, so that it can't be joined again."""
    if role is Role.FILM or bucket.size_or_none(film.key) != film.size:
        return _join_again(film)
    store = Bucket(bucket.client(), bucket.name())
    make_poster(store, video_key=film.key, video_size=film.size, poster_key=film.poster_key)
    return "made again from the film"


def _join_again(film: Film) -> str:
    """From its parts, as it was joined before. What is left of it stays where one of them is gone."""
    if why := missing_parts(list(film.parts.select_related("generation"))):
        raise RepairError(f"The film can't be joined again. {why}")
    again, now = Film.objects.filter(pk=film.pk, status=FilmStatus.DONE), timezone.now()
    if not again.update(status=FilmStatus.QUEUED, attempts=0, due_at=now, changed_at=now):
        raise RepairError(_FILM_GONE)
    return "will be joined again from its parts"


def _restore_picture(finding: Finding) -> str:
    """The same picture often lies elsewhere: as an upload, or with another try."""
    picture = InputPicture.objects.filter(key=finding.key, generation__deleted_at=None).first()
    if picture is None:
        raise RepairError("Its video was deleted meanwhile.")
    for key in _keys_of_same_content(picture):
        if bucket.size_or_none(key) == picture.size:
            bucket.copy(key, finding.key)
            return f"copied from {key}"
    raise RepairError("The studio has no other copy of this picture. The video itself is not concerned.")


def _keys_of_same_content(picture: InputPicture) -> list[str]:
    row = picture.generation
    uploads = Upload.objects.filter(user=row.user_id, sha256=picture.sha256)
    others = InputPicture.objects.filter(
        sha256=picture.sha256, generation__team=row.team_id, generation__deleted_at=None
    ).exclude(key=picture.key)
    return [*uploads.values_list("key", flat=True), *others.values_list("key", flat=True)[:_MAX_TRIED]]


def _restore_library_picture(finding: Finding, role: Role) -> str:
    """The same picture may wait in a composer, or be the input of a video."""
    assert finding.known
    row = LibraryPicture.objects.filter(pk=str(finding.known.row_id)).first()
    if row is None:
        raise RepairError("It was deleted from the library meanwhile.")
    if role is Role.LIBRARY_THUMBNAIL and bucket.size_or_none(row.key) == row.size:
        bucket.put(row.thumbnail_key, thumbnail(bucket.get(row.key)), "image/webp")
        return "made again from the picture"
    uploads = Upload.objects.filter(sha256=row.sha256, user__memberships__team=row.team_id)
    inputs = InputPicture.objects.filter(sha256=row.sha256, generation__team=row.team_id, generation__deleted_at=None)
    for key in [*uploads.values_list("key", flat=True), *inputs.values_list("key", flat=True)[:_MAX_TRIED]]:
        if bucket.size_or_none(key) == row.size:
            bucket.copy(key, row.key)
            bucket.put(row.thumbnail_key, thumbnail(bucket.get(row.key)), "image/webp")
            return f"copied from {key}"
    raise RepairError("The studio has no other copy of this picture. Add it to the library once more.")


@transaction.atomic
def _forget(finding: Finding) -> str:
    for model, column in other_columns():
        model._base_manager.filter(**{column: finding.key}).update(**{column: ""})
    Upload.objects.filter(key=finding.key).delete()
    StorageDeletion.objects.enqueue([finding.key])
    if finding.known and finding.known.role != Role.UPLOAD:
        return "forgotten; people can set another"
    return "forgotten; the form asks for the picture again"
