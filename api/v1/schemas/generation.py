"""Generations, as they are given."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from api.text import Text
from api.v1.pages import PageQuery
from api.v1.schemas.common import Input, Moment, Money, Named, NumberId, Person, money, person
from generations.fal.arguments import (
    DEFAULT_CFG_SCALE,
    DEFAULT_NEGATIVE_PROMPT,
    MAX_PROMPT_CHARACTERS,
    AspectRatio,
    Quality,
)
from generations.forms import MAX_LINES
from generations.models import Generation, ReviewStatus, Status, Video
from generations.models.collections import NAME_LENGTH
from generations.prompt_fields import MAX_VARIABLES
from generations.prompt_variables import MAX_NAME

StatusName = StrEnum("StatusName", {status.name: status.value for status in Status})  # type: ignore[misc]
ReviewName = StrEnum("ReviewName", {status.name: status.value for status in ReviewStatus})  # type: ignore[misc]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH)]
VariableName = Annotated[Text, Field(min_length=1, max_length=MAX_NAME)]
Value = Annotated[Text, Field(max_length=MAX_PROMPT_CHARACTERS)]
Values = Annotated[
    dict[VariableName, Annotated[list[Value], Field(min_length=1, max_length=MAX_LINES)]],
    Field(max_length=MAX_VARIABLES),
]
_FOX = "A red fox trots through fresh snow at dawn"


class VideoOut(BaseModel):
    """The finished file. Its addresses take the same key."""

    url: str = Field(description="The file: GET it with the key, and follow the redirect.")
    poster_url: str
    content_type: str = Field(examples=["video/mp4"])
    size: int = Field(description="In bytes.")
    sha256: str
    width: int
    height: int
    duration: float = Field(description="In seconds.")
    fps: float


class FailureOut(BaseModel):
    """Why there is no video."""

    reason: str = Field(description="A short code.", examples=["content_policy_violation"])
    message: str = Field(description="What went wrong and what to do, for a person.")
    responsible_party: str = Field(description="Who can fix it: user, admin or provider.")


class GenerationOut(BaseModel):
    """One request for one video, from the order to the end."""

    id: UUID
    url: str = Field(description="Its page, for people.")
    status: StatusName
    kind: Literal["text", "image"] = Field(description="What it was made from.")
    quality: Quality
    prompt: str = Field(examples=[_FOX])
    negative_prompt: str
    cfg_scale: float
    duration: int = Field(description="Seconds that were asked for.", examples=[5])
    aspect_ratio: str | None = Field(description="Null where it follows the picture.", examples=["16:9"])
    made_by: Person
    is_private: bool
    is_favourite: bool = Field(description="Of the key’s person.")
    batch: UUID | None
    batch_index: int
    parent: UUID | None = Field(description="What it was made from by a retry or a remix.")
    relation: Literal["", "retry", "remix", "extend", "between"]
    collection: Named | None
    tags: list[Named]
    review_status: Literal[""] | ReviewName = Field(description="What reviewers have decided; blank: nothing yet.")
    cost: Money = Field(description="What it costs; reserved while it is open, 0 when nothing was charged.")
    failure: FailureOut | None
    video: VideoOut | None
    created_at: Moment
    changed_at: Moment
    submitted_at: Moment | None
    finished_at: Moment | None


class GenerationIn(Input):
    """What Kling Video v2.5 Turbo takes, named as fal names it. With `image_url` it is made from that picture."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"prompt": _FOX, "duration": 5, "aspect_ratio": "16:9"}]},
    )

    prompt: Text = Field(max_length=MAX_PROMPT_CHARACTERS, examples=[_FOX])
    quality: Quality = Field(
        Quality.PRO, description="A draft costs less; it is made from a start frame and takes no end frame."
    )
    duration: Literal[5, 10] = Field(5, description="Seconds.")
    aspect_ratio: AspectRatio | None = Field(
        None, description="Of a video from text, 16:9 unless said. One from a picture follows the picture."
    )
    negative_prompt: Text = Field(DEFAULT_NEGATIVE_PROMPT, max_length=MAX_PROMPT_CHARACTERS)
    cfg_scale: float = Field(DEFAULT_CFG_SCALE, ge=0, le=1, allow_inf_nan=False)
    image_url: str | None = Field(None, description="The start frame: an https address or a data: URI.")
    tail_image_url: str | None = Field(None, description="The end frame; needs `image_url`.")
    variables: Values | None = Field(
        None,
        description=(
            "Values of the variables in the prompts, such as `{product}` or `{season: winter|summer}`, "
            "by name: each combination is a generation. A list of choices that is left out is taken whole. "
            "Null: braces are text."
        ),
        exclude_if=lambda values: values is None,  # the order is the one of before there were variables
    )
    is_private: bool | None = Field(None, description="Whether its maker alone sees it; null: as is usual in the team.")
    remix_of: UUID | None = Field(None, description="The generation that it began with.")


class GenerationEdit(Input):
    """What is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"tags": ["snow", "fox"], "collection": "Trailer"}]}
    )

    tags: list[Name] | None = Field(None, max_length=50, description="All of its tags, by name.")
    collection: Name | None = Field(None, description="By name, made where there is none; null: in none.")
    is_favourite: bool | None = None
    is_private: bool | None = None


class GenerationQuery(PageQuery):
    """The gallery's filters."""

    q: Annotated[str, Field(max_length=200, description='Words of the prompt: "exact phrase", or, -without.')] = ""
    member: Annotated[NumberId | None, Field(description="Whose, by the person’s id.")] = None
    status: Annotated[
        Literal["", "running", "done", "failed"], Field(description="failed: rejected and canceled ones too.")
    ] = ""
    review: Annotated[Literal["", "approved", "changes_wanted", "none"], Field(description="none: no verdict yet.")] = (
        ""
    )
    kind: Literal["", "text", "image"] = ""
    ratio: Literal["", "16:9", "9:16", "1:1"] = ""
    duration: Annotated[Literal["", "5", "10"], Field(description="Seconds.")] = ""
    since: Annotated[date | None, Field(description="From this day on, where the studio is.")] = None
    until: Annotated[date | None, Field(description="To the end of this day.")] = None
    tag: Annotated[NumberId | None, Field(description="By the tag’s id.")] = None
    collection: Annotated[NumberId | None, Field(description="By the collection’s id.")] = None
    favourite: Annotated[bool, Field(description="Only those that the key’s person has marked.")] = False
    order: Annotated[
        Literal["newest", "oldest", "review"],
        Field(description="Which come first; review: those of which changes are wanted."),
    ] = "newest"


def generation_out(row: Generation) -> GenerationOut:
    """Of a row with `user`, `video`, `collection`, `tags` and `is_favourite`."""
    return GenerationOut(
        id=row.pk,
        url=f"{settings.SITE_URL}{row.get_absolute_url()}",
        status=StatusName(row.status),
        kind=row.fal_endpoint.source.value,
        quality=row.fal_endpoint.quality,
        aspect_ratio=row.aspect_ratio or None,
        made_by=person(row.user),
        is_favourite=row.is_favourite,  # type: ignore[attr-defined]  # annotated
        parent=row.parent_id,
        collection=Named(id=row.collection.pk, name=row.collection.name) if row.collection else None,
        tags=[Named(id=tag.pk, name=tag.name) for tag in row.tags.all()],
        cost=money(row.cost_cents),
        failure=_failure(row),
        video=_video(row),
        **{name: getattr(row, name) for name in _SAME},
    )


_SAME = (
    *("prompt", "negative_prompt", "cfg_scale", "duration", "is_private", "batch", "batch_index", "relation"),
    *("review_status", "created_at", "changed_at", "submitted_at", "finished_at"),
)


def _failure(row: Generation) -> FailureOut | None:
    if row.status not in {Status.FAILED, Status.REJECTED}:
        return None
    return FailureOut(reason=row.reason, message=row.message, responsible_party=row.responsible_party)


def _video(row: Generation) -> VideoOut | None:
    video: Video | None = getattr(row, "video", None)
    if video is None:
        return None
    own = f"{settings.SITE_URL}/api/v1/generations/{row.pk}"
    names = ("content_type", "size", "sha256", "width", "height", "duration", "fps")
    return VideoOut(url=f"{own}/video", poster_url=f"{own}/poster", **{name: getattr(video, name) for name in names})
