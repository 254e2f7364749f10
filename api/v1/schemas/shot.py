"""Shots of a storyboard, as they are given and taken."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.text import Text
from api.v1.schemas.common import Input, Money, NumberId, Person, person_or_none
from api.v1.schemas.generation import StatusName
from generations.fal.arguments import MAX_PROMPT_CHARACTERS, AspectRatio, Quality
from generations.films.storyboard import MAX_ORDERED, MAX_TAKES, Slide, Take
from generations.models import MAX_SHOTS, Upload
from generations.models.shot import NOTE_LENGTH

_FOLLOWS = "null: as the project’s default parameters say."
_PICTURE = "An https address or a data: URI; null: none."
Prompt = Annotated[Text, Field(max_length=MAX_PROMPT_CHARACTERS)]
Place = Annotated[int, Field(ge=1, le=MAX_SHOTS)]


class PictureOut(BaseModel):
    """A start or end picture."""

    width: int
    height: int
    media_type: str
    sha256: str


class TakeOut(BaseModel):
    """A generation of the shot."""

    generation: UUID
    status: StatusName
    is_current: bool = Field(description="It stands for the shot: it was chosen, or is the newest finished one.")


class ShotOut(BaseModel):
    id: int
    collection: int = Field(description="The project in whose storyboard it is.")
    number: int = Field(description="Its place in the storyboard, from 1.")
    prompt: str
    note: str = Field(description="For the team; it is not sent to Kling.")
    negative_prompt: str = Field(description="Blank: as the project’s default parameters say.")
    duration: int | None = Field(description=f"Seconds; {_FOLLOWS}")
    aspect_ratio: str | None = Field(description=_FOLLOWS[0].upper() + _FOLLOWS[1:])
    quality: Quality | None = Field(description="Null: the usual one.")
    start: PictureOut | None
    tail: PictureOut | None
    chosen: UUID | None = Field(description="The take that somebody chose; null: the newest finished one counts.")
    takes: list[TakeOut] = Field(description=f"The newest {MAX_TAKES}, and the one that stands for the shot.")
    take_count: int
    is_missing: bool = Field(description="Nothing is made of it, and nothing is being made.")
    changed_by: Person | None


class ShotEdit(Input):
    """What is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"prompt": "A fox looks up", "duration": 5, "number": 1}]}
    )

    prompt: Prompt | None = None
    note: Annotated[Text, Field(max_length=NOTE_LENGTH)] | None = None
    negative_prompt: Prompt | None = None
    duration: Literal[5, 10] | None = Field(None, description=f"Seconds; {_FOLLOWS}")
    aspect_ratio: AspectRatio | None = Field(None, description=_FOLLOWS)
    quality: Quality | None = Field(None, description="null: the usual one.")
    image_url: str | None = Field(None, description=f"The start picture: {_PICTURE}")
    tail_image_url: str | None = Field(None, description=f"The end picture: {_PICTURE}")
    number: Place | None = Field(None, description="The place to put it at, from 1; past the last one: at the end.")


class ShotIn(ShotEdit):
    """It may be blank but for its place: what it shows can be said later. Without `number` it is the last one."""


class ShotChange(ShotEdit):
    """What is left out stays as it is."""

    chosen: UUID | None = Field(
        None, description="The finished take that stands for the shot; null: the newest one does again."
    )


class ShotOrderIn(Input):
    """Which shots: those that are named, or all that have no video and of which none is being made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"missing": True, "max_cents": 500}]})

    shots: Annotated[list[NumberId], Field(max_length=MAX_ORDERED)] = Field(default_factory=list)
    missing: bool = Field(False, description=f"The first {MAX_ORDERED} of them.")
    max_cents: Annotated[int, Field(ge=0)] | None = Field(None, description="Order nothing where it costs more.")


class ShotQuoteLine(BaseModel):
    shot: int
    number: int = Field(description="Its place in the storyboard, from 1.")
    cost: Money
    problems: list[str] = Field(description="What stands in the way of it, for a person; empty: it can be ordered.")


class ShotQuote(BaseModel):
    """What these shots would cost at this moment. Nothing was ordered."""

    cost: Money
    shots: list[ShotQuoteLine]
    left: Money | None = Field(description="The least that any limit leaves now; null: there is no limit.")
    is_affordable: bool = Field(description="None has a problem, and no limit is passed.")
    left_out: int = Field(description="How many more are missing; they wait for the next order.")


def shot_out(slide: Slide, number: int) -> ShotOut:
    shot = slide.shot
    return ShotOut(
        id=shot.pk,
        collection=shot.project_id,
        number=number,
        prompt=shot.prompt,
        note=shot.note,
        negative_prompt=shot.negative_prompt,
        duration=shot.duration,
        aspect_ratio=shot.aspect_ratio or None,
        quality=Quality(shot.quality) if shot.quality else None,
        start=_picture(shot.start),
        tail=_picture(shot.tail),
        chosen=next((take.generation.pk for take in slide.takes if take.is_chosen), None),
        takes=[_take(take) for take in slide.takes],
        take_count=slide.take_count,
        is_missing=slide.is_missing,
        changed_by=person_or_none(shot.changed_by),
    )


def _picture(upload: Upload | None) -> PictureOut | None:
    if upload is None:
        return None
    names = ("width", "height", "media_type", "sha256")
    return PictureOut(**{name: getattr(upload, name) for name in names})


def _take(take: Take) -> TakeOut:
    row = take.generation
    return TakeOut(generation=row.pk, status=StatusName(row.status), is_current=take.is_current)
