"""Pictures of videos on staff pages: thumbnails in lists, by addresses that check what the reader may see."""

import uuid
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generations.models import QUARANTINE, Case, Generation
from generations.views.media import Deliverable, deliver

_VIEWERS: Final = ("generations.view_generation", "generations.view_case")


def find_deliverable(row: Generation, what: str) -> Deliverable | None:
    """The video, its poster or a picture that went in, also when they lie in quarantine."""
    before = QUARANTINE if row.quarantined_at else ""
    if what in {"video", "poster"}:
        if not hasattr(row, "video"):
            return None
        video = row.video
        if what == "video":
            return Deliverable(before + video.key, video.content_type, video.sha256)
        return Deliverable(before + video.poster_key, "image/webp", f"{video.sha256}-poster")
    picture = row.pictures.filter(slot=what).first()
    return Deliverable(before + picture.key, picture.media_type, picture.sha256) if picture else None


@require_safe
def poster(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """For staff who may see its row or its case. Private work is on its case's page alone, for a reason."""
    if not any(map(request.user.has_perm, _VIEWERS)):
        raise PermissionDenied
    row = get_object_or_404(Generation.objects.select_related("video"), pk=pk)
    found = None if row.is_private else find_deliverable(row, "poster")
    if found is None:
        raise Http404
    return deliver(request, found)


def thumbnail(row: Generation | None, address: str) -> SafeString | str:
    """A small picture that leads to the address; a word where there is none. `video` is to be selected with the row."""
    if row is None:
        return "–"
    if row.is_private:
        return format_html('<a class="thumb thumb--none" href="{}">{}</a>', address, _("Private"))
    if not hasattr(row, "video"):
        return format_html('<a class="thumb thumb--none" href="{}">{}</a>', address, row.get_status_display())
    source = reverse("admin:generations_generation_poster", args=[row.pk])
    return format_html(
        '<a class="thumb" href="{}"><img src="{}" loading="lazy" width="{}" height="{}" alt="{}"></a>',
        *(address, source, row.video.width, row.video.height, _("Video")),
    )


def video_name(row: Generation | None, address: str) -> SafeString | str:
    """Which video it is: its prompt, its owner, its team, and where it is looked at."""
    if row is None:
        return "–"
    prompt = row.shown_prompt[:80] or _("(no prompt)")
    link = format_html('<a href="{}" dir="auto">{}</a>', address, prompt)
    return format_html("{}<br>{} · {}", link, row.owner, row.team)


def case_or_row_url(case: Case | None, row: Generation | None) -> str:
    """Where staff look at a video: at its case, where there is one."""
    if case:
        return reverse("admin:generations_case_change", args=[case.pk])
    return reverse("admin:generations_generation_change", args=[row.pk]) if row else ""


VIDEO_RELATED: Final = ("generation__video", "generation__user", "generation__assigned_to", "generation__team")
