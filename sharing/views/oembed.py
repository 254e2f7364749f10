"""oEmbed (https://oembed.com): what other sites need to show a shared video in their pages."""

import re
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_safe

from config.parameters import whole_number
from sharing.access import LinkClosedError, LinkEndedError, OpenLink, open_link
from sharing.http import mark_unlisted
from sharing.presentation import SharedVideo, find_titled, titled

_PATH: Final = re.compile(r"/share/(?P<token>[\w-]+)/(?:(?P<video>[0-9a-f-]{36})/)?")
_PX: Final = 1280  # the widest that is offered by itself


@require_safe
def oembed(request: HttpRequest) -> HttpResponseBase:
    """401 for a link that has to be opened first, 404 for what is none of ours or has ended, 501 for XML."""
    if request.GET.get("format", "json") != "json":
        return mark_unlisted(HttpResponse("Only format=json.\n", status=501, content_type="text/plain"))
    try:
        shared, opened = _find(request)
    except LinkClosedError:
        return mark_unlisted(HttpResponse("The link has to be opened first.\n", status=401, content_type="text/plain"))
    except (Http404, LinkEndedError):
        return mark_unlisted(HttpResponse("No such video.\n", status=404, content_type="text/plain"))
    answer = JsonResponse(_describe(shared, opened, *_limits(request)))
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return mark_unlisted(answer)


def _find(request: HttpRequest) -> tuple[SharedVideo, OpenLink]:
    try:
        address = urlsplit(request.GET.get("url", ""))
    except ValueError:
        raise Http404 from None
    own = urlsplit(settings.SITE_URL)
    match = _PATH.fullmatch(address.path)
    if match is None or (address.scheme, address.netloc) != (own.scheme, own.netloc):
        raise Http404
    opened = open_link(request, match["token"])
    if match["video"]:
        return find_titled(opened, _uuid(match["video"])), opened
    return titled(opened)[0], opened


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _limits(request: HttpRequest) -> tuple[int, int]:
    """The largest width and height in px."""
    width, height = (whole_number(request.GET.get(name, "")) for name in ("maxwidth", "maxheight"))
    return (width or _PX, height or _PX)


def _describe(shared: SharedVideo, opened: OpenLink, max_width: int, max_height: int) -> dict[str, Any]:
    video = shared.video
    scale = min(1, max_width / video.width, max_height / video.height)
    width, height = max(1, round(video.width * scale)), max(1, round(video.height * scale))
    frame = f'src="{escape(shared.url("share-embed"))}" width="{width}" height="{height}"'
    return {
        "version": "1.0",
        "type": "video",
        "provider_name": settings.SITE_NAME,
        "provider_url": settings.SITE_URL,
        "title": shared.title,
        "author_name": str(opened.link.team),
        "thumbnail_url": shared.url("share-poster"),
        "thumbnail_width": video.width,
        "thumbnail_height": video.height,
        "width": width,
        "height": height,
        "html": f'<iframe {frame} frameborder="0" allow="fullscreen" allowfullscreen></iframe>',
        "cache_age": 60,
    }
