"""Filters and tags that show numbers and progress as text."""

import json
import math
from datetime import datetime
from typing import Any, Final

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from generations.fal.error_messages import ResponsibleParty
from generations.models import DRIVEN, TRASH_RETENTION, Generation, LibraryPicture, Status, dollars
from generations.prompt_variables import escape

register = template.Library()

_ACTIVITIES: Final = {
    Status.HELD: gettext_lazy("Awaiting approval"),
    Status.QUEUED: gettext_lazy("Waiting to be sent to fal"),
    Status.SUBMITTING: gettext_lazy("Being sent to fal"),
    Status.CANCELLING: gettext_lazy("Being canceled: fal may still finish it; then it’s kept and charged"),
}
_CANCELABLE: Final = frozenset({Status.HELD, Status.QUEUED, Status.SUBMITTING, Status.RENDERING})


# a hundredth of width by height, so near to each other that no frame is off by more than a fifteenth
_RATIOS: Final = (40, 45, 50, 56, 64, 71, 80, 90, 100, 112, 125, 141, 160, 178, 200, 225, 250)


@register.filter
def ratio(generation: Generation) -> int:
    """The shape of its frame, before it is made too: the nearest one that the stylesheet knows."""
    width, height = _shape(generation)
    return min(_RATIOS, key=lambda known: abs(math.log(known * height / width / 100)))


def _shape(generation: Generation) -> tuple[int, int]:
    """Width and height of the video, else of what it will be like."""
    if (video := getattr(generation, "video", None)) is not None:
        return video.width, video.height
    if generation.aspect_ratio:
        width, height = generation.aspect_ratio.split(":")
        return int(width), int(height)
    start = next(iter(generation.pictures.all()), None)
    return (start.width, start.height) if start else (16, 9)


@register.filter
def json_text(value: Any) -> str:
    """For an attribute that a script reads."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def escape_variables(prompt: str) -> str:
    """As it stands in the composer's field, where braces may be variables."""
    return escape(prompt)


@register.filter
def money(cents: int) -> str:
    """35 → $0.35"""
    return dollars(cents)


@register.filter
def in_dollars(cents: int | None) -> str:
    """35 → 0.35, for a field; empty for no limit."""
    return "" if cents is None else f"{cents / 100:.2f}"


@register.filter
def price(cents: int | None) -> str:
    """A price that nobody has entered yet is not free."""
    return _("no price yet") if cents is None else money(cents)


@register.filter
def times(cents: int | None, count: int) -> int | None:
    """What so many cost together."""
    return None if cents is None else cents * count


@register.filter
def clock(seconds: float) -> str:
    """75 → 1:15"""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def span(seconds: float) -> str:
    """75 → 1 min 15 s"""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, _("%d h")), (minutes, _("%d min")), (0 if hours else rest, _("%d s"))]
    return " ".join(text % number for number, text in parts if number) or _("%d s") % 0


@register.filter
def sent_or_asked_at(generation: Generation) -> datetime:
    """From when its usual time counts: what waits for its turn here has not begun."""
    return generation.submitted_at or generation.created_at


@register.filter
def seconds_since(moment: datetime) -> int:
    return max(int((timezone.now() - moment).total_seconds()), 0)


@register.filter
def days_in_trash(row: Generation | LibraryPicture) -> int:
    """Whole days that are left to take it out again."""
    rested = timezone.now() - (row.trashed_at or timezone.now())
    return max((TRASH_RETENTION - rested).days, 0)


@register.filter
def undo_moment(tags: str) -> str:
    """The moment in a message's tags, by which what it tells of can be undone."""
    return next((tag.removeprefix("undo:") for tag in (tags or "").split() if tag.startswith("undo:")), "")


@register.filter
def milliseconds(moment: datetime) -> int:
    """A row's version, as the live updates name it."""
    return int(moment.timestamp() * 1000)


@register.filter
def characters(text: object) -> int:
    """As the form counts them: a line end is one."""
    return len(str(text or "").replace("\r\n", "\n"))


@register.filter
def unlocalized(value: object) -> str:
    """For scripts and the form, which read 0.4 in every language."""
    return "" if value is None else str(value)


@register.filter
def get(mapping: dict[Any, Any], key: object) -> Any:
    return mapping.get(key)


@register.filter
def is_going(generation: Generation) -> bool:
    """Whether the studio is at work on it, so that a page looks every second."""
    return generation.status in DRIVEN


@register.filter
def has_ended_badly(generation: Generation) -> bool:
    return generation.status in {Status.FAILED, Status.REJECTED, Status.CANCELED}


@register.filter
def can_be_canceled(generation: Generation) -> bool:
    return generation.status in _CANCELABLE and not generation.cancel_requested_at


@register.filter
def is_trouble(generation: Generation) -> bool:
    """Whether its message is about a try that failed and will be made again at `due_at`."""
    return bool(generation.message and generation.due_at and generation.status in DRIVEN)


@register.filter
def phase(generation: Generation) -> str:
    """One word or two for a label."""
    match Status(generation.status):
        case Status.HELD:
            return _("Awaiting approval")
        case Status.QUEUED | Status.SUBMITTING:
            return _("Waiting")
        case Status.RENDERING:  # in fal's queue is still waiting
            return _("Rendering") if generation.queue_position is None else _("Waiting")
        case Status.MIRRORING:
            return _("Saving")
        case status:
            return str(status.label)


@register.filter
def activity(generation: Generation) -> str:
    """What is being done about it right now, in a sentence without its dot."""
    match Status(generation.status):
        case Status.SUBMITTING if generation.cancel_requested_at:
            return _("Being canceled: it was on its way to fal already")
        case Status.RENDERING:
            return _fal_position_text(generation.queue_position)
        case Status.MIRRORING:
            return _copy_text(generation)
        case status:
            return str(_ACTIVITIES.get(status, status.label))


@register.filter
def charge(generation: Generation) -> str:
    """What a request that made no video cost."""
    if generation.reason == "outcome_unknown":
        return _("May have been charged")
    return _("Charged %s") % money(generation.cost_cents) if generation.cost_cents else _("Not charged")


@register.filter
def who_can_fix(generation: Generation) -> str:
    """Who can act after a failure."""
    match generation.responsible_party:
        case ResponsibleParty.USER:
            return _("You can fix this yourself.")
        case ResponsibleParty.TEAM:
            return _("Whoever manages the team can fix this.")
        case ResponsibleParty.PROVIDER:
            return _("This went wrong at fal or Kling, not on your side.")
        case ResponsibleParty.US:
            return _("Whoever runs this studio has to fix this. Show them this page.")
        case _:
            return ""


def _fal_position_text(ahead: int | None) -> str:
    if ahead is None:
        return _("Kling is rendering it")
    if ahead == 0:
        return _("Next in line at fal")
    return ngettext("%d request ahead at fal", "%d requests ahead at fal", ahead) % ahead


def _copy_text(generation: Generation) -> str:
    copied, total = generation.copied_bytes, generation.total_bytes
    if total and copied >= total:
        return _("Saving: checking that it plays")
    if total:
        return _("Saving: %(copied)s of %(total)s") % {
            "copied": filesizeformat(copied),
            "total": filesizeformat(total),
        }
    return _("Saving: %s") % filesizeformat(copied) if copied else _("Saving")
