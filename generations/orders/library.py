"""Pictures are put into a team's library, and taken out of it into the composer, by copies in the bucket."""

import uuid

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Team, User
from accounts.roles import Action
from generations import bucket
from generations.bucket import BucketDownError
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import PictureFormat
from generations.models import Generation, LibraryPicture, StorageDeletion, Upload
from generations.models.collections import clean_name
from generations.models.library_picture import NAME_LENGTH
from generations.moderation.image_hash import hash_image
from generations.moderation.screening import BannedPictureError, refuse_banned, refuse_banned_looks
from generations.orders.place import get_or_create_upload
from generations.pictures import Picture, thumbnail


class LibraryFullError(OrderRefusedError):
    """The team's library has as many pictures, or bytes, as it may have."""


class LibraryClosedError(OrderRefusedError):
    """The person may add nothing to the team's library any more."""


def add_picture(
    user: User, team: Team, picture: Picture, name: str, *, frame_of: Generation | None = None
) -> LibraryPicture:
    """Keep a picture in the team's library. One that is there already, or in the trash, keeps its name and its tags.

    That one is put at its own key once more: harmless, and it heals a bucket that has lost it. Raises
    BannedPictureError, LibraryFullError, LibraryClosedError and BucketDownError.
    """
    refuse_banned(picture)
    known = LibraryPicture.objects.filter(team=team, sha256=picture.sha256).select_related("frame_of").first()
    row = known or _build(user, team, picture, name, frame_of)
    _refuse_taken_down(row)
    if known is None or known.trashed_at:
        _refuse_full(row)
    kept = None
    try:
        bucket.put(row.key, picture.data, picture.media_type)
        bucket.put(row.thumbnail_key, thumbnail(picture.data), "image/webp")
        kept = _insert(row, user)
    finally:
        if kept != row:  # of a known one the removal finds that a row has them
            StorageDeletion.objects.enqueue(row.own_keys())
    return kept or add_picture(user, team, picture, name, frame_of=frame_of)


def add_upload(user: User, team: Team, upload: Upload, name: str) -> LibraryPicture:
    """Keep a picture of the composer. Raises what `add_picture` does, and LibraryClosedError for a frame of a video
    that the team does not see before a moderator has.
    """
    frame_of = upload.frame_of or upload.last_frame_of or upload.first_frame_of
    if frame_of and frame_of.awaits_review and team.personal_of_id != user.pk:
        message = _("It is a frame of a video that waits for review. Keep it in your own library until then.")
        raise LibraryClosedError(message)
    try:
        data = bucket.get(upload.key)
    except (BotoCoreError, ClientError) as error:
        raise BucketDownError(_("The studio’s bucket does not hand out this picture. Upload it once more.")) from error
    media_type = PictureFormat(upload.media_type)
    picture = Picture(data, media_type, upload.width, upload.height, upload.sha256)
    return add_picture(user, team, picture, name, frame_of=frame_of)


@transaction.atomic
def restore_picture(row: LibraryPicture) -> bool:
    """Take it out of the trash again; whether this call did. Raises LibraryFullError."""
    _lock_team(row.team_id)
    trashed = LibraryPicture.objects.filter(pk=row.pk, trashed_at__isnull=False)
    if not trashed.exists():
        return False
    _refuse_full(row)
    return bool(trashed.update(trashed_at=None))


def use_picture(user: User, row: LibraryPicture) -> Upload:
    """A copy for the person's composer. Raises BannedPictureError and BucketDownError."""
    refuse_banned_looks(row.sha256, row.perceptual_hash)
    known = Upload.objects.touch(user, sha256=row.sha256)
    key = known.key if known else f"uploads/{user.pk}/{uuid.uuid4()}.{row.extension}"
    bucket.copy(row.key, key)
    return known or get_or_create_upload(
        user,
        key,
        sha256=row.sha256,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        size=row.size,
        frame_of_id=row.frame_of_id,
    )


def _build(user: User, team: Team, picture: Picture, name: str, frame_of: Generation | None) -> LibraryPicture:
    row = LibraryPicture(
        team=team,
        user=user,
        name=clean_name(name, NAME_LENGTH) or _("Picture"),
        sha256=picture.sha256,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size=len(picture.data),
        perceptual_hash=hash_image(picture.data),
        frame_of=frame_of,
    )
    row.key, row.thumbnail_key = row.own_keys()
    return row


def _refuse_taken_down(row: LibraryPicture) -> None:
    if row.frame_of and row.frame_of.taken_down_at:
        raise BannedPictureError(_("This picture may not be used here. Choose another one."))


@transaction.atomic
def _insert(row: LibraryPicture, user: User) -> LibraryPicture | None:
    """Or the one that is there already; None where the one that was there is deleted meanwhile, with its objects.

    Under a lock of the team, so that its limits hold, and nobody leaves or deletes it meanwhile.
    """
    team = _lock_team(row.team_id)
    if not Team.objects.where_may(user, Action.GENERATE).filter(pk=team.pk).exists():
        raise LibraryClosedError(_("You may not add pictures to the library of %s any more.") % team)
    if (known := LibraryPicture.objects.filter(team=team, sha256=row.sha256).first()) is not None:
        restore_picture(known)
        return known
    if not row._state.adding:
        return None
    _refuse_full(row)
    row.save(force_insert=True)
    return row


def _lock_team(pk: uuid.UUID) -> Team:
    return Team.objects.get_queryset().select_for_update(no_key=True, of=("self",)).get(pk=pk)


def _refuse_full(row: LibraryPicture) -> None:
    """What is in the trash takes no room."""
    there = LibraryPicture.objects.filter(team=row.team_id, trashed_at=None).aggregate(
        pictures=Count("pk"), bytes=Sum("size", default=0)
    )
    most = settings.LIBRARY_MAX_PICTURES
    if there["pictures"] >= most:
        message = ngettext(
            "The library takes %d picture. Delete one first.",
            "The library takes %d pictures. Delete some first.",
            most,
        )
        raise LibraryFullError(message % most)
    if there["bytes"] + row.size > settings.LIBRARY_MAX_BYTES:
        size = filesizeformat(settings.LIBRARY_MAX_BYTES)
        raise LibraryFullError(_("The pictures of a library may have %s together. Delete some first.") % size)
