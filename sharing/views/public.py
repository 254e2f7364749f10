"""The pages of a share link, for whoever has it: no sign-in, and no cookie but the link's own."""

import uuid
from typing import Any, Final
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_POST, require_safe

from sharing import links
from sharing.access import LinkEndedError, OpenLink, Visit, find_link
from sharing.http import client_address, closed_page, public, public_post, with_link
from sharing.models import PasswordAttempt, ShareLink, TeamSharing
from sharing.presentation import SharedVideo, find_titled, label_of, titled
from sharing.review_page import guest_context

_WRONG: Final = _("That is not the password.")
_TOO_MANY: Final = _("Too many wrong passwords. Try again in a quarter of an hour.")


@require_safe
@with_link
def share(request: HttpRequest, opened: OpenLink) -> HttpResponseBase:
    """The film, the one video, or the list of them all."""
    if opened.link.shows_film:
        return _counted(request, opened, render(request, "share/film.html", _film_context(opened)))
    videos = titled(opened)
    if len(videos) == 1:
        response = render(request, "share/video.html", _video_context(opened, videos[0], videos, {}))
    else:
        context = _context(opened, videos[0], links.link_url(opened.token))
        response = render(request, "share/list.html", context | {"videos": videos})
    return _counted(request, opened, response)


@require_safe
@with_link
def video(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """One of several."""
    return video_page(request, opened, pk)


def video_page(request: HttpRequest, opened: OpenLink, pk: uuid.UUID, **refused: Any) -> HttpResponse:
    """`refused` are forms of a guest with what is wrong with them, as `guest_context` takes them."""
    videos = titled(opened)
    found = next((one for one in videos if one.generation.pk == pk), None)
    if found is None:
        opened.video(pk)  # says whether it was ever of it
        raise Http404("It is not among those that are shown.")
    context = _video_context(opened, found, videos, refused)
    response = render(request, "share/video.html", context, status=422 if refused else 200)
    return _counted(request, opened, response)


@xframe_options_exempt
@csp_update({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # it takes any view
@require_safe
@with_link
def embed(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """The player alone, for other sites' pages."""
    shared = find_titled(opened, pk)
    return render(request, "share/embed.html", _player_context(shared) | {"label": label_of(opened)})


@public_post
@require_POST
@public
def open_share(request: HttpRequest, token: str) -> HttpResponseBase:
    """The press that opens a link: with its password, and as a view where those are limited."""
    link = find_link(token)
    visit = Visit.of(request, link)
    OpenLink(link, token, visit).require_any()
    if problem := _give_password(request, link, visit):
        return closed_page(request, link, token, problem)
    if not visit.is_counted:
        if not link.count_view():
            raise LinkEndedError
        visit.is_counted = True
    response = HttpResponseRedirect(_next(request, token))
    visit.keep(response, token, is_secure=request.is_secure())
    return response


def _give_password(request: HttpRequest, link: ShareLink, visit: Visit) -> str:
    """What is wrong with the one that was given, or nothing: then the visit has it."""
    if visit.has_password_of(link):
        return ""
    address = client_address(request)
    if not PasswordAttempt.objects.claim(link, address):
        return str(_TOO_MANY)
    if not link.check_password(request.POST.get("password", "")):
        return str(_WRONG)
    PasswordAttempt.objects.forgive(link, address)
    visit.password = link.password_version
    return ""


def _next(request: HttpRequest, token: str) -> str:
    """The page of the link that was asked for, or its first."""
    first, named = reverse("share", args=[token]), request.POST.get("next", "")
    return named if named.startswith(first) else first


def _counted(request: HttpRequest, opened: OpenLink, response: HttpResponse) -> HttpResponse:
    """Of a link without a view limit a browser counts once, when it first sees the page."""
    if request.method == "GET" and not opened.visit.is_counted:
        opened.link.count_view()
        opened.visit.is_counted = True
        opened.visit.keep(response, opened.token, is_secure=request.is_secure())
    return response


def _context(opened: OpenLink, shared: SharedVideo, page_url: str) -> dict[str, Any]:
    """Of a page, with what OpenGraph, Twitter's cards and oEmbed tell of one video: whole addresses.

    `is_previewed`: whether other sites may show what is behind the link before anybody opens it.
    """
    sharing = TeamSharing.objects.of(opened.link.team)
    return {
        "link": opened.link,
        "token": opened.token,
        "logo": reverse("share-logo", args=[opened.token]) if sharing.logo_key else "",
        "label": label_of(opened),
        "is_previewed": not opened.link.password and opened.link.max_views is None,
        "page_url": page_url,
        "oembed_url": f"{settings.SITE_URL}{reverse('share-oembed')}?{urlencode({'url': page_url})}",
        "poster_url": shared.url("share-poster"),
        "file_url": shared.url("share-file"),
        "embed_url": shared.url("share-embed"),
    }


def _film_context(opened: OpenLink) -> dict[str, Any]:
    """Without cards: other sites show no film before somebody opens the link."""
    sharing, found = TeamSharing.objects.of(opened.link.team), opened.film()
    return {
        "link": opened.link,
        "token": opened.token,
        "logo": reverse("share-logo", args=[opened.token]) if sharing.logo_key else "",
        "label": label_of(opened),
        "film": found,
        "file": reverse("share-film-file", args=[opened.token]),
        "poster": reverse("share-film-poster", args=[opened.token]),
        "download": reverse("share-film-download", args=[opened.token]),
    }


def _video_context(
    opened: OpenLink, shared: SharedVideo, videos: list[SharedVideo], refused: dict[str, Any]
) -> dict[str, Any]:
    place = videos.index(shared)
    around = {
        "videos": videos,
        "previous_url": videos[place - 1].path("share-video") if place else "",
        "next_url": videos[place + 1].path("share-video") if place + 1 < len(videos) else "",
    }
    page_url = shared.url("share-video") if len(videos) > 1 else links.link_url(opened.token)
    review = guest_context(opened, shared.generation, **refused) if opened.link.allows_comments else {}
    return _context(opened, shared, page_url) | around | _player_context(shared) | review


def _player_context(shared: SharedVideo) -> dict[str, Any]:
    return {
        "shared": shared,
        "file": shared.path("share-file"),
        "poster": shared.path("share-poster"),
        "download": shared.path("share-download"),
    }
