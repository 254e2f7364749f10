"""One video as a card of the gallery. A page has dozens, so a card is drawn once for all who see the same.

A card is a function of `_Card`, which has whatever it shows, and of the language: a remembered one is always right. Its
template gets a context of its own: in that of the page each lookup goes through all that the page knows.
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.template.loader import get_template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from generations.models import Generation, Status
from generations.templatetags import studio

register = template.Library()

# the columns that a card reads; logs and errors of fal can be long
CARD_COLUMNS: Final = (
    *("team_id", "created_at", "changed_at", "status", "reason", "message", "prompt", "duration", "aspect_ratio"),
    *("queue_position", "copied_bytes", "total_bytes", "is_private", "awaits_review", "cost_cents"),
    "review_status",
    *("cancel_requested_at", "video__width", "video__height", "video__duration", "video__placeholder"),
    "video__preview_key",
)
_REMEMBERED: Final = 4096  # cards, of some 3 KB each
_NO_ID: Final = uuid.UUID(int=0)
_PROMPT, _SHORT, _MESSAGE = 300, 60, 150  # characters


@dataclass(frozen=True, slots=True)
class _Card:
    """What every card shows; `video` is what shows in its frame once there is a video."""

    pk: uuid.UUID
    cursor: str
    version: int
    status: str
    phase: str
    ratio: int
    is_text: bool
    is_private: bool
    awaits_review: bool
    review: tuple[str, str] | None  # the verdict and its words
    duration: int
    cost: str
    prompt: str
    is_favourite: bool
    query: str
    video: tuple[str, bool, float] | None  # placeholder, whether it has a preview, seconds


@register.simple_tag(takes_context=True)
def card(context: Context, generation: Generation) -> SafeString:
    """The card, for a user who may generate in the teams whose ids are in `may_generate_in`."""
    return render_card(generation, context)


def render_card(row: Generation, page: Mapping[str, Any] | Context) -> SafeString:
    """`page` has `may_generate_in`, `filters`, `request` and `csrf_token`, as far as they are there."""
    video, filters = getattr(row, "video", None), page.get("filters")
    drawn = _Card(
        pk=row.pk,
        cursor=row.cursor,
        version=studio.milliseconds(row.changed_at),
        status=row.status,
        phase=studio.phase(row),
        ratio=studio.ratio(row),
        is_text=bool(row.aspect_ratio),
        is_private=row.is_private,
        awaits_review=row.awaits_review,
        review=(row.review_status, row.get_review_status_display()) if row.review_status else None,
        duration=row.duration,
        cost=studio.charge(row) if studio.has_ended_badly(row) else studio.money(row.cost_cents),
        prompt=row.prompt[: _PROMPT + 1],
        is_favourite=getattr(row, "is_favourite", False),
        query=filters.query_suffix if filters else "",
        video=(video.placeholder, bool(video.preview_key), video.duration) if video else None,
    )
    return _render_video(drawn, get_language()) if video else _render(drawn, _state(row) | _cancel(row, page))


@lru_cache(maxsize=_REMEMBERED)
def _render_video(drawn: _Card, _language: str | None) -> SafeString:
    assert drawn.video
    placeholder, has_preview, seconds = drawn.video
    frame = {
        "poster_url": url_of("generation-poster", drawn.pk),
        "preview_url": url_of("generation-preview", drawn.pk) if has_preview else "",
        "placeholder": placeholder,
        "length": studio.clock(seconds),
    }
    return _render(drawn, frame)


def _render(drawn: _Card, frame: dict[str, Any]) -> SafeString:
    values = {
        **asdict(drawn),
        "url": url_of("generation", drawn.pk),
        "card_url": url_of("generation-card", drawn.pk),
        "favourite_url": url_of("generation-favourite", drawn.pk),
        "prompt": _shorten(drawn.prompt, _PROMPT),
        "short": _shorten(drawn.prompt, _SHORT),
        "heart": _icon("heart"),
        **frame,
    }
    return _template().render(Context(values))


def _state(row: Generation) -> dict[str, Any]:
    """What stands in the frame as long as there is no video in it."""
    is_bad, start = studio.has_ended_badly(row), next(iter(row.pictures.all()), None)
    message = row.message or (row.get_status_display() if is_bad else "")
    elapsed = studio.seconds_since(row.created_at)
    return {
        "input_url": reverse("generation-picture", args=[row.pk, start.slot]) if start else "",
        "is_bad": is_bad,
        "is_going": studio.is_going(row),
        "message": _shorten(message, _MESSAGE),
        "activity": "" if is_bad else studio.activity(row),
        "is_queued": row.status == Status.QUEUED,
        "copied": row.copied_bytes,
        "total": row.total_bytes if row.status == Status.MIRRORING else None,
        "elapsed": elapsed,
        "elapsed_clock": studio.clock(elapsed),
        "alert": _icon("alert"),
        "clock": _icon("clock"),
    }


def _cancel(row: Generation, page: Mapping[str, Any] | Context) -> dict[str, Any]:
    """What the button to cancel takes, for who may and while it can be."""
    if row.team_id not in (page.get("may_generate_in") or ()) or not studio.can_be_canceled(row):
        return {}
    return {"generation": row, "cancel_next": _page_path(page.get("request")), "csrf_token": page.get("csrf_token")}


def _page_path(request: HttpRequest | None) -> str:
    """Of the page on which the card stands, also where a script asks for it alone."""
    if request is None:
        return ""
    try:
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:  # half an address
        return ""
    return urlunsplit(("", "", page.path, page.query, "")) or request.get_full_path()


def url_of(name: str, pk: uuid.UUID) -> str:
    """As `reverse` would have it, whose work is done once for each name."""
    before, after = _url_parts(name)
    return f"{before}{pk}{after}"


@cache
def _url_parts(name: str) -> tuple[str, str]:
    before, _pk, after = reverse(name, args=[_NO_ID]).partition(str(_NO_ID))
    return before, after


@cache
def _template() -> template.Template:
    return get_template("generations/_card.html").template  # type: ignore[attr-defined,no-any-return]  # Django's own


@cache
def _icon(name: str) -> SafeString:
    return mark_safe(get_template(f"icons/{name}.html").render())  # noqa: S308  # a file of ours


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
