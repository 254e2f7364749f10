"""A project's shots in order with their takes, and what generating them asks for."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from generations.exceptions import OrderRefusedError
from generations.fal.arguments import Arguments, Duration, Endpoint, InvalidArguments, Problem, Source, parse
from generations.models import OPEN, Collection, Generation, Shot, Slot, Upload, dollars
from generations.moderation.screening import banned_message
from generations.orders.place import Order, Record

MAX_ORDERED: Final = 50  # shots at once
MAX_TAKES: Final = 6  # of a shot on the storyboard, the newest
_PLACEHOLDER: Final = "data:image/kept"  # stands in for the address that fal will read the picture from
# also what the person who looks doesn't see, private or waiting for a review: nobody pays for it twice
_HAS_VIDEO_OR_WILL: Final = Q(trashed_at=None, deleted_at=None, taken_down_at=None) & (
    Q(video__isnull=False) | Q(status__in=sorted(OPEN))
)


class ShotsChangedError(OrderRefusedError):
    """The shots, or what they cost, are not those any more that were shown."""


class ShotsPriceError(ShotsChangedError):
    """They cost something else than was shown."""

    def __init__(self, cents: int) -> None:
        super().__init__(_("Nothing was ordered yet: it costs %s now. Look at it and press again.") % dollars(cents))


class ShotsOrderedError(OrderRefusedError):
    """Of shots that were missing some have a video meanwhile, or one is being made."""

    def __init__(self) -> None:
        words = _("Nothing was ordered: some of these shots were ordered meanwhile. Untick them, or press again.")
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Take:
    """A generation of a shot. `number` is 1 for the oldest that the user sees; `is_current`: it stands for the shot."""

    generation: Generation
    number: int | None
    is_current: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Slide:
    """A shot in its place, from 1, with the newest of its takes and the one that somebody chose."""

    shot: Shot
    number: int
    takes: list[Take]
    take_count: int
    is_missing: bool  # nothing is made of it, and nothing is being made, also by people whose takes are not shown
    hidden: frozenset[Slot]  # of pictures that are banned, or frames of videos that were taken down

    @property
    def current(self) -> Generation | None:
        """The take that stands for the shot: the chosen one, or else the newest finished one."""
        return next((take.generation for take in self.takes if take.is_current), None)


def slides_of(user: User, project: Collection, *, has_takes: bool = True) -> list[Slide]:
    """All of the project, as the user sees them: one query for the shots, and one for their takes."""
    rows = Shot.objects.filter(project=project).select_related("start", "tail")
    return slides_with_takes(user, rows, MAX_TAKES if has_takes else 0)


def slides_with_takes(user: User, rows: QuerySet[Shot], most: int = MAX_TAKES) -> list[Slide]:
    """Of the shots, numbered as they come, each with at most so many takes besides that which stands for it.

    With 0 none are read.
    """
    takes = Generation.objects.visible_to(user).filter(shot=OuterRef("pk"))
    newest = takes.order_by("-created_at", "-id")
    count = takes.order_by().values("shot").annotate(count=Count("pk")).values("count")
    shown = {f"{slot}_is_shown": Exists(Upload.objects.shown().filter(pk=OuterRef(slot.value))) for slot in Slot}
    shots = list(
        rows.annotate(
            take_ids=ArraySubquery(newest.values("pk")[: most or 1]),
            newest_done=Subquery(newest.filter(video__isnull=False).values("pk")[:1]),
            take_count=Coalesce(Subquery(count), Value(0)),
            is_missing=~Exists(Generation.objects.filter(_HAS_VIDEO_OR_WILL, shot=OuterRef("pk")).order_by()),
            **shown,
        )
    )
    ids = {pk for shot in shots for pk in (*shot.take_ids, shot.newest_done, shot.chosen_id) if pk}
    seen = Generation.objects.visible_to(user).filter(pk__in=ids).select_related("video", "user").defer("logs")
    known = {row.pk: row for row in seen} if ids and most else {}
    return [_slide(shot, number, known) for number, shot in enumerate(shots, 1)]


def _slide(shot: Any, number: int, known: Mapping[uuid.UUID, Generation]) -> Slide:
    """Newest first; what is older than those that were asked for has no number."""
    chosen = known.get(shot.chosen_id)
    if chosen and chosen.shot_id != shot.pk:  # it stands for a shot of another storyboard now
        chosen = None
    current = chosen.pk if chosen and hasattr(chosen, "video") else shot.newest_done
    numbers: dict[uuid.UUID, int | None] = {pk: shot.take_count - index for index, pk in enumerate(shot.take_ids)}
    if current:
        numbers.setdefault(current, None)
    takes = [
        Take(known[pk], place, is_current=pk == current, is_chosen=pk == shot.chosen_id == current)
        for pk, place in numbers.items()
        if pk in known
    ]
    hidden = frozenset(slot for slot in Slot if getattr(shot, f"{slot}_id") and not getattr(shot, f"{slot}_is_shown"))
    return Slide(shot, number, takes, shot.take_count, shot.is_missing, hidden)


@dataclass(frozen=True, slots=True)
class ShotOrder:
    """What one order of a shot is, and costs in US cents; or the `problems` that it has, each a sentence."""

    slide: Slide
    endpoint: Endpoint
    seconds: int
    cents: int = 0
    arguments: Arguments | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Of all that is ordered of the shot. Another one: it would be another video."""
        arguments = self.arguments.model_dump(mode="json") if self.arguments else None
        pictures = {slot.value: upload.sha256 for slot, upload in self.slide.shot.uploads.items()}
        text = json.dumps([self.slide.shot.pk, self.endpoint, arguments, pictures], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def order(self, user: User, key: uuid.UUID) -> Order:
        """Raises AssertionError where there are problems."""
        assert self.arguments
        shot = self.slide.shot
        return Order(
            user=user,
            team=shot.project.team,
            idempotency_key=key,
            endpoint=self.endpoint,
            arguments=self.arguments,
            pictures=shot.uploads,
            project=shot.project,
            shot=shot,
        )


def plan_orders(
    slides: Iterable[Slide], defaults: Mapping[str, Any], prices: Mapping[Endpoint, Mapping[str, int]]
) -> list[ShotOrder]:
    """`defaults` are the parameters of what a shot leaves blank, `prices` what the team may order, by duration."""
    return [_plan_order(slide, defaults, prices) for slide in slides]


def _plan_order(slide: Slide, defaults: Mapping[str, Any], prices: Mapping[Endpoint, Mapping[str, int]]) -> ShotOrder:
    shot, problems = slide.shot, []
    source = Source.IMAGE if shot.start else Source.TEXT
    endpoint = Endpoint.choose(source, shot.quality) or Endpoint.default(source)
    values = _values(shot, defaults)
    arguments = None
    try:
        arguments = parse(endpoint, values)
    except InvalidArguments as error:
        problems += [problem.message for problem in error.problems]
    if shot.tail and not shot.start:
        problems.append(_("It has an end picture only. Choose a start picture, too, or remove it."))
    elif shot.quality and endpoint.quality != shot.quality:
        problems.append(_("A draft is made from a picture. Choose a start picture, or another quality."))
    elif shot.tail and not endpoint.has_tail:
        problems.append(_("A draft takes no end picture. Remove it, or choose another quality."))
    seconds = str(arguments.duration.value) if arguments else str(values["duration"])
    cents = prices.get(endpoint, {}).get(seconds)
    if slide.hidden:
        problems.append(banned_message())
    if cents is None and not problems:
        problems.append(_("This can’t be ordered now: it has no price, or its quality is switched off for the team."))
    return ShotOrder(slide, endpoint, int(seconds), cents or 0, arguments, problems)


def text_problems(prompt: str, negative_prompt: str) -> list[Problem]:
    """By fal's rules, but for a prompt that is not written yet."""
    try:
        parse(Endpoint.default(Source.TEXT), {"prompt": prompt or "any", "negative_prompt": negative_prompt})
    except InvalidArguments as error:
        return [problem for problem in error.problems if problem.type != "sequence_too_short"]
    return []


def _values(shot: Shot, defaults: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        "duration": str(shot.duration or ""),
        "aspect_ratio": shot.aspect_ratio,
        "negative_prompt": shot.negative_prompt,
    }
    values = {name: value or defaults.get(name, "") for name, value in own.items()}
    values["duration"] = values["duration"] or Duration.FIVE.value
    pictures = {Slot.START: "image_url", Slot.TAIL: "tail_image_url"}
    values |= {pictures[slot]: _PLACEHOLDER for slot in shot.uploads}
    return values | {"prompt": shot.prompt, "cfg_scale": defaults["cfg_scale"]}


def refuse_changed(shots: Sequence[ShotOrder], *, is_missing: bool) -> Record:
    """For `place_batch`: raise OrderRefusedError at the end of the order's transaction, in which others wait, unless
    the shots are there, cost what they do in `shots`, and with `is_missing` have no video yet.
    """
    cents = sum(shot.cents for shot in shots)

    def record(rows: list[Generation]) -> None:
        if any(row.shot_id is None for row in rows):
            raise ShotsChangedError(_("Nothing was ordered: some of these shots were deleted meanwhile. Look again."))
        if (now := sum(row.cost_cents for row in rows)) != cents:
            raise ShotsPriceError(now)
        if is_missing:
            _refuse_ordered(rows)

    return record


def _refuse_ordered(rows: list[Generation]) -> None:
    others = Generation.objects.exclude(pk__in=[row.pk for row in rows])
    if others.filter(_HAS_VIDEO_OR_WILL, shot__in=[row.shot_id for row in rows]).exists():
        raise ShotsOrderedError
