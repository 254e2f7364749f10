"""The timeline of a generation: four stages or an early end, with the troubles between them.

Read from the Event rows and the row itself; asks the database for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import User
from generations.models import AT_FAL, FORMER_TRASH_EVENTS, RESTORED, TRASHED, Event, Generation, Status

WAITING, RENDERING, COPYING, KEPT = range(4)
_AFTER_THE_END: Final = frozenset({TRASHED, RESTORED, *FORMER_TRASH_EVENTS})
_ENDED_EARLY: Final = frozenset({Status.FAILED, Status.CANCELED, Status.REJECTED})


@dataclass(slots=True)
class Note:
    """Something that happened on the way, `times` times in a row, at last at `last`."""

    at: datetime
    title: str
    message: str
    by: User | None
    times: int = 1
    last: datetime | None = None

    def is_repeat_of(self, other: "Note") -> bool:
        return (self.title, self.message, self.by) == (other.title, other.message, other.by)


@dataclass(slots=True)
class Stage:
    """`took` in seconds, None as long as it is not over; `by` and `why` are an early end's."""

    name: str
    state: Literal["done", "now", "todo", "bad"] = "todo"
    at: datetime | None = None
    took: float | None = None
    by: User | None = None
    why: str = ""
    notes: list[Note] = field(default_factory=list)


def timeline(generation: Generation, everything: Sequence[Event]) -> list[Stage]:
    """The stages with their times and notes; `everything` that happened, in its order."""
    events = [event for event in everything if event.message not in _AFTER_THE_END]
    starts = _starts(generation, events)
    stages = [Stage(name, at=at) for name, at in zip(_names(), starts, strict=True)]
    at = max(index for index, start in enumerate(starts) if start)
    for index, stage in enumerate(stages):
        stage.state = "done" if index < at or generation.status == Status.DONE else "now" if index == at else "todo"
    _add_notes(stages, generation, events)
    if generation.status in _ENDED_EARLY:
        stages = _cut_short(stages, generation, events)
    after = [event for event in everything if event.message in _AFTER_THE_END]
    [stage for stage in stages if stage.at][-1].notes += [
        Note(event.at, "", FORMER_TRASH_EVENTS.get(event.message, event.message), event.by) for event in after
    ]
    _measure(stages)
    return [stage for stage in stages if stage.at or stage.state == "todo"]


def _names() -> list[str]:
    return [_("Waiting"), _("Rendering"), _("Saving"), _("Saved")]


def _starts(generation: Generation, events: Sequence[Event]) -> list[datetime | None]:
    """When each stage began; None for those that it has not come to, or that it skipped."""
    made = _last(events, Status.MIRRORING)
    done = generation.finished_at if generation.status == Status.DONE else None
    return [generation.created_at, _render_start(generation, events, made), made, done]


def _render_start(generation: Generation, events: Sequence[Event], made: datetime | None) -> datetime | None:
    """fal tells no such moment: its log begins then, or its own measure of the render counts back from the end."""
    taken = _last(events, Status.RENDERING)
    if taken is None or (generation.status in AT_FAL and generation.queue_position is not None):
        return None
    if generation.logs and (first := parse_datetime(generation.logs[0]["timestamp"] or "")):
        return max(first, taken)
    if made and generation.inference_seconds:
        return max(made - timedelta(seconds=generation.inference_seconds), taken)
    return taken if made or generation.queue_position is None else None


def _last(events: Sequence[Event], status: Status) -> datetime | None:
    return next((event.at for event in reversed(events) if event.status == status), None)


def _add_notes(stages: list[Stage], generation: Generation, events: Sequence[Event]) -> None:
    """Each event that is more than the beginning of a stage goes under the stage in which it happened."""
    for event, following in zip(events, [*events[1:], None], strict=True):
        note = _note(event, following)
        if note is None or event is events[0]:
            continue
        stage = _stage_of(stages, event)
        if stage.notes and stage.notes[-1].is_repeat_of(note):
            stage.notes[-1].times += 1
            stage.notes[-1].last = note.at
        else:
            stage.notes.append(note)


def _stage_of(stages: list[Stage], event: Event) -> Stage:
    begun = [stage for stage in stages if stage.at and stage.at <= event.at]
    # in the very moment in which fal has taken it nothing is being made yet
    return stages[WAITING] if event.status == Status.RENDERING or not begun else begun[-1]


def _note(event: Event, following: Event | None) -> Note | None:
    """None for what the stages say already, and for a try to send that came back: the return says why."""
    came_back = following is not None and following.status == Status.QUEUED
    if event.status == Status.SUBMITTING and came_back and not event.message:
        return None
    if event.status in {Status.DONE, Status.MIRRORING} and not event.message:
        return None
    if event.status in _ENDED_EARLY and following is None:
        return None
    return Note(event.at, _title(event), event.message, event.by)


def _title(event: Event) -> str:
    match Status(event.status):
        case Status.QUEUED:
            return _("Not sent") if event.message else str(event.get_status_display())
        case Status.SUBMITTING:
            return "" if event.message else _("Sent to fal")
        case Status.RENDERING:
            return _("fal has it")
        case Status.CANCELLING:
            return _("Cancel asked for")
        case Status.MIRRORING:
            return ""
        case status:
            return str(status.label)


def _cut_short(stages: list[Stage], generation: Generation, events: Sequence[Event]) -> list[Stage]:
    """What it has come to, and then its end instead of the stages that will not be."""
    come_to = [stage for stage in stages if stage.state != "todo"]
    for stage in come_to:
        stage.state = "done"
    last = events[-1] if events else Event()
    return [
        *come_to,
        Stage(generation.get_status_display(), "bad", generation.finished_at, by=last.by, why=last.message),
    ]


def _measure(stages: list[Stage]) -> None:
    begun = [stage for stage in stages if stage.at]
    for stage, following in pairwise(begun):
        if stage.at and following.at:
            stage.took = max((following.at - stage.at).total_seconds(), 0)
