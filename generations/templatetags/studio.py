"""How the pages put numbers and progress into words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from generations.fal.advice import Fixer
from generations.models import DRIVEN, Generation, Status

register = template.Library()

_STEP_OF: Final = {
    Status.HELD: 0,
    Status.QUEUED: 0,
    Status.SUBMITTING: 0,
    Status.RENDERING: 1,
    Status.MIRRORING: 2,
    Status.DONE: 4,
}


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    state: Literal["done", "now", "todo"]


@register.filter
def money(cents: int) -> str:
    """35 → $0.35"""
    return f"${cents / 100:,.2f}"


@register.filter
def price(cents: int | None) -> str:
    """A price that nobody has entered yet is not free."""
    return _("no price yet") if cents is None else money(cents)


@register.filter
def clock(seconds: float) -> str:
    """75 → 1:15"""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def seconds_since(moment: datetime) -> int:
    return max(int((timezone.now() - moment).total_seconds()), 0)


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
def steps(generation: Generation) -> list[Step]:
    """The way of a request, with what is behind it and what it is at."""
    at = _step(generation)
    names = [_("Waiting"), _("Rendering"), _("Copying"), _("In your bucket")]
    states: list[Literal["done", "now", "todo"]] = [
        "done" if i < at else "now" if i == at else "todo" for i in range(4)
    ]
    return [Step(name, state) for name, state in zip(names, states, strict=True)]


@register.filter
def phase(generation: Generation) -> str:
    """One word or two for a label."""
    if generation.status in _STEP_OF and generation.status not in {Status.HELD, Status.DONE}:
        return [_("Waiting"), _("Rendering"), _("Copying")][_step(generation)]
    return {Status.HELD: _("Held"), Status.DONE: _("Done")}.get(Status(generation.status)) or str(
        Status(generation.status).label
    )


@register.filter
def doing(generation: Generation) -> str:
    """What is being done about it right now, in a sentence without its dot."""
    match Status(generation.status):
        case Status.HELD:
            return _("A moderator looks at it before it is sent")
        case Status.QUEUED:
            return _("Waiting to be sent to fal")
        case Status.SUBMITTING:
            return _("Being sent to fal")
        case Status.RENDERING:
            return _at_fal(generation.queue_position)
        case Status.MIRRORING:
            return _copying(generation)
        case status:
            return str(status.label)


@register.filter
def charge(generation: Generation) -> str:
    """What a request that made no video cost."""
    if generation.reason == "outcome_unknown":
        return _("May have been charged")
    return _("Charged %s") % money(generation.cost_cents) if generation.cost_cents else _("Not charged")


@register.filter
def who_can_fix(generation: Generation) -> str:
    """Whose move it is after a failure."""
    match generation.fixer:
        case Fixer.USER:
            return _("You can fix this yourself.")
        case Fixer.TEAM:
            return _("Whoever manages the team can fix this.")
        case Fixer.PROVIDER:
            return _("This went wrong at fal or Kling, not on your side.")
        case Fixer.US:
            return _("Whoever runs this studio has to fix this. Show them this page.")
        case _:
            return ""


def _step(generation: Generation) -> int:
    """In fal's queue is still waiting, though the row's status is that of a render."""
    waits = generation.status == Status.RENDERING and generation.queue_position is not None
    return 0 if waits else _STEP_OF.get(Status(generation.status), 1)


def _at_fal(ahead: int | None) -> str:
    if ahead is None:
        return _("Kling is rendering it")
    if ahead == 0:
        return _("Next in line at fal")
    return ngettext("%d request ahead at fal", "%d requests ahead at fal", ahead) % ahead


def _copying(generation: Generation) -> str:
    copied, total = generation.copied_bytes, generation.total_bytes
    if total and copied >= total:
        return _("Copied; checking that it plays")
    if total:
        return _("Made; copied %(copied)s of %(total)s") % {
            "copied": filesizeformat(copied),
            "total": filesizeformat(total),
        }
    return _("Made; copied %s") % filesizeformat(copied) if copied else _("Made; the copy begins")
