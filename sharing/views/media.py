"""Every byte that a share link gives: the same question is asked of each as of the page."""

import uuid
from typing import Final

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generations.views.archive import stream_zip
from generations.views.media import Deliverable, deliver
from sharing.access import NotAllowedError, OpenLink
from sharing.http import with_link
from sharing.models import TeamSharing
from sharing.presentation import find_titled, label_of, titled

ADDRESS_SECONDS: Final = 60  # that a presigned address lives, which nobody can take back
_CACHE: Final = "private, no-cache"  # what a browser has is asked for again, so that it goes with the link


def _give(request: HttpRequest, thing: Deliverable) -> HttpResponseBase:
    return deliver(request, thing, seconds=ADDRESS_SECONDS, cache=_CACHE)


@require_safe
@with_link
def file(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """The video, for the player."""
    video = opened.video(pk).video
    return _give(request, Deliverable(video.key, video.content_type, video.sha256, name=f"video{video.extension}"))


@require_safe
@with_link
def output(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """The video for programs, some of which follow no redirect; pages of other sites may show it."""
    video = opened.video(pk).video
    thing = Deliverable(video.key, video.content_type, video.sha256, name=f"output{video.extension}")
    response = deliver(request, thing, cache=_CACHE, redirects=False)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
@with_link
def poster(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    video = opened.video(pk).video
    return _give(request, Deliverable(video.poster_key, "image/webp", f"{video.sha256}-poster"))


@require_safe
@with_link
def preview(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """The few silent seconds that play under a pointer; a video may be without them."""
    video = opened.video(pk).video
    if not video.preview_key:
        raise Http404("There is no preview.")
    return _give(request, Deliverable(video.preview_key, "video/mp4", f"{video.sha256}-preview"))


@require_safe
@with_link
def download(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    shared = find_titled(opened, pk)
    _require_download(opened)
    video = shared.video
    return _give(request, Deliverable(video.key, video.content_type, video.sha256, download_as=shared.file_name))


@require_safe
@with_link
def archive(request: HttpRequest, opened: OpenLink) -> HttpResponseBase:
    """All of them as one ZIP, streamed from the bucket."""
    shown = titled(opened)
    _require_download(opened)
    label = label_of(opened)
    manifest = {"name": opened.link.name, "videos": [one.metadata(label) | {"file": one.file_name} for one in shown]}
    name = slugify(opened.link.name)[:60].strip("-") or "videos"
    return stream_zip([(one.file_name, one.video) for one in shown], manifest, f"{name}.zip")


@require_safe
@with_link
def metadata(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    return JsonResponse(find_titled(opened, pk).metadata(label_of(opened)))


@require_safe
@with_link
def film_file(request: HttpRequest, opened: OpenLink) -> HttpResponseBase:
    """The film, for the player."""
    film = opened.film()
    return _give(request, Deliverable(film.key, "video/mp4", film.sha256))


@require_safe
@with_link
def film_poster(request: HttpRequest, opened: OpenLink) -> HttpResponseBase:
    film = opened.film()
    return _give(request, Deliverable(film.poster_key, "image/webp", f"{film.sha256}-poster"))


@require_safe
@with_link
def film_download(request: HttpRequest, opened: OpenLink) -> HttpResponseBase:
    film = opened.film()
    _require_download(opened)
    name = f"{slugify(opened.link.name)[:60].strip('-') or 'film'}.mp4"
    return _give(request, Deliverable(film.key, "video/mp4", film.sha256, download_as=name))


@require_safe
@with_link
def logo(request: HttpRequest, opened: OpenLink) -> HttpResponseBase:
    """The team's."""
    opened.require_any()
    key = TeamSharing.objects.of(opened.link.team).logo_key
    if not key:
        raise Http404("There is no logo.")
    return _give(request, Deliverable(key, "image/webp", key.rpartition("/")[2]))


def _require_download(opened: OpenLink) -> None:
    if not opened.link.allows_download:
        raise NotAllowedError(_("This link does not allow downloads."))
