"""Serve videos, posters, previews and pictures from the bucket: every byte passes a permission check.

`MEDIA_DELIVERY=redirect` sends the browser to a short-lived presigned URL, `proxy` streams through the studio.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header, parse_etags
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Membership, User
from generations import bucket
from generations.access import visible_generation, visible_uploads
from generations.models import Generation, Video

_CHUNK: Final = 128 * 1024  # what the slowest reader has to take in CLIENT_TIMEOUT
_REDIRECT_SECONDS: Final = 300  # a player asks again for each range, so the address must outlive one look
_CACHE: Final = "private, max-age=3600"
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deliverable:
    """An object to hand out: `etag` names its exact bytes, `download_as` makes the browser save it.

    `name` is the file name when it is saved by the browser's own means; without it that is the end of the key.
    """

    key: str
    media_type: str
    etag: str
    download_as: str = ""
    name: str = ""

    @property
    def disposition(self) -> str:
        name = self.download_as or self.name or self.key.rpartition("/")[2]
        return content_disposition_header(bool(self.download_as), name) or ""


@require_safe
@login_required
def video(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    made = _video_of(visible_generation(request, pk))
    return deliver(request, Deliverable(made.key, made.content_type, made.sha256, name=f"video{made.extension}"))


@require_safe
@login_required
def download(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    generation = visible_generation(request, pk)
    made = _video_of(generation)
    return deliver(request, Deliverable(made.key, made.content_type, made.sha256, download_as=download_name(made)))


def download_name(video: Video) -> str:
    """The key always ends in .mp4, since it is given before the file comes; the name says what the file is."""
    words = slugify(video.generation.prompt)[:60].strip("-") or "video"
    return f"{words}-{str(video.pk)[:8]}{video.extension}"


@require_safe
@login_required
def poster(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    made = _video_of(visible_generation(request, pk))
    return deliver(request, Deliverable(made.poster_key, "image/webp", f"{made.sha256}-poster"))


@require_safe
@login_required
def preview(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The few silent seconds that a gallery plays; a video may be without them."""
    made = _video_of(visible_generation(request, pk))
    if not made.preview_key:
        raise Http404("There is no preview.")
    return deliver(request, Deliverable(made.preview_key, "video/mp4", f"{made.sha256}-preview"))


@require_safe
@login_required
def trash_poster(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The one picture that is shown of a video in the trash."""
    made = _video_of(get_object_or_404(Generation.objects.in_trash_of(request.user).select_related("video"), pk=pk))
    return deliver(request, Deliverable(made.poster_key, "image/webp", f"{made.sha256}-poster"))


@require_safe
@login_required
def input_picture(request: AuthenticatedHttpRequest, pk: uuid.UUID, slot: str) -> HttpResponseBase:
    picture = get_object_or_404(visible_generation(request, pk).pictures, slot=slot)
    return deliver(request, Deliverable(picture.key, picture.media_type, picture.sha256))


@require_safe
@login_required
def upload(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A picture that waits in the composer: for its uploader; one of a shot is for all who see the storyboard."""
    kept = get_object_or_404(visible_uploads(request.user), pk=pk)
    return deliver(request, Deliverable(kept.key, kept.media_type, kept.sha256))


@require_safe
@login_required
def avatar(request: AuthenticatedHttpRequest, pk: int, version: str) -> HttpResponseBase:
    """A person's picture: for those who share a team with them, or see a video of theirs."""
    person = get_object_or_404(User, pk=pk, avatar_key=f"avatars/{pk}/{version}.webp")
    shared = Membership.objects.filter(user=person, team__memberships__user=request.user)
    if not (shared.exists() or Generation.objects.visible_to(request.user).filter(user=person).exists()):
        raise Http404
    return deliver(request, Deliverable(person.avatar_key, "image/webp", version))


def _video_of(generation: Generation) -> Video:
    try:
        return generation.video
    except Video.DoesNotExist:
        raise Http404("There is no video yet.") from None


def deliver(
    request: HttpRequest,
    thing: Deliverable,
    *,
    seconds: int = _REDIRECT_SECONDS,
    cache: str = _CACHE,
    redirects: bool = True,
) -> HttpResponseBase:
    """`seconds` that a presigned address lives; `cache` is the Cache-Control of what comes through the studio.

    Without `redirects` it comes through the studio in any case: for programs that follow none.
    """
    if settings.MEDIA_DELIVERY == "redirect" and redirects:
        address = bucket.presigned_url(thing.key, seconds=seconds, ResponseContentDisposition=thing.disposition)
        return HttpResponseRedirect(address, headers={"Cache-Control": "private, no-store"})
    return _stream(request, thing, cache)


def _stream(request: HttpRequest, thing: Deliverable, cache: str) -> HttpResponseBase:
    """The object itself, whole or the one range asked for (RFC 9110 §14)."""
    etag = f'"{thing.etag}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": cache,
        "Content-Disposition": thing.disposition,
        "X-Content-Type-Options": "nosniff",
    }
    if _is_cached(request, etag):
        return HttpResponse(status=304, headers=headers)
    try:
        size = bucket.size(thing.key)
        wanted = _range(request, size, etag)
        if wanted is None:
            return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        return _range_response(request, thing, wanted, size, headers)
    except (ClientError, BotoCoreError) as error:
        raise Http404("The bucket does not hand it out.") from error


def _range_response(
    request: HttpRequest, thing: Deliverable, wanted: tuple[int, int], size: int, headers: dict[str, str]
) -> HttpResponseBase:
    first, last = wanted
    is_partial = _requested_range(request, headers["ETag"]) is not None
    headers = {**headers, "Content-Length": str(last - first + 1), "Content-Type": thing.media_type}
    if is_partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = 206 if is_partial else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(_chunks(thing.key, first, last), status=status, headers=headers)


def _chunks(key: str, first: int, last: int) -> Iterator[bytes]:
    body = bucket.open_range(key, first, last)["Body"]
    try:
        yield from body.iter_chunks(_CHUNK)
    finally:
        body.close()


def _is_cached(request: HttpRequest, etag: str) -> bool:
    """Whether the browser has it already; a proxy on the way may have weakened the tag."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return not {"*", etag, f"W/{etag}"}.isdisjoint(known)


def _requested_range(request: HttpRequest, etag: str) -> re.Match[str] | None:
    """The one well-formed range that is asked for, of the file as it is; any other `Range` is to be ignored."""
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    start, end = match.groups()
    is_backwards = bool(start and end) and int(end) < int(start)
    return None if is_backwards or not (start or end) else match


def _range(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """First and last byte asked for; the whole when no (single, well-formed) range is; None when it lies outside."""
    match = _requested_range(request, etag)
    if match is None:
        return 0, size - 1
    start, end = match.groups()
    first = int(start) if start else max(size - int(end), 0)
    last = min(int(end), size - 1) if start and end else size - 1
    return (first, last) if first <= last else None
