"""What tools take and give. The descriptions are read by language models."""

from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.models.request import MAX_IDEMPOTENCY_KEY
from api.text import Text
from generations.fal.arguments import (
    DEFAULT_CFG_SCALE,
    DEFAULT_NEGATIVE_PROMPT,
    MAX_PROMPT_CHARACTERS,
    AspectRatio,
    Quality,
)

DEFAULT_WAIT: Final = 50  # s; many clients end a call after 60
MAX_WAIT: Final = 600  # s


class Arguments(BaseModel):
    """What nobody knows is a mistake, and said so."""

    model_config = ConfigDict(extra="forbid")


class VideoId(Arguments):
    id: UUID = Field(description="The video's id, as generate_video and list_videos give it.")


class GenerateArguments(Arguments):
    prompt: Text = Field(max_length=MAX_PROMPT_CHARACTERS, description="What the video should show.")
    quality: Quality = Field(
        Quality.PRO, description="A draft costs less. It needs image_url and takes no tail_image_url."
    )
    duration: Literal[5, 10] = Field(5, description="Seconds. 10 seconds cost twice as much.")
    aspect_ratio: AspectRatio | None = Field(
        None, description="Of a video from text; 16:9 unless said. A video from an image follows the image."
    )
    image_url: Text | None = Field(
        None, description="Start frame: an https address or a data: URI. Without it the video is made from text."
    )
    tail_image_url: Text | None = Field(None, description="End frame; needs image_url.")
    negative_prompt: Text = Field(DEFAULT_NEGATIVE_PROMPT, max_length=MAX_PROMPT_CHARACTERS)
    cfg_scale: float = Field(DEFAULT_CFG_SCALE, ge=0, le=1, description="How closely the prompt is followed.")
    confirm_cost_cents: int | None = Field(
        None,
        description="The price that the person has agreed to, in US cents. Leave it out in the first call: its answer "
        "tells the price, and nothing is made or spent. Never fill it in before the person has agreed.",
    )
    idempotency_key: Text = Field(
        "",
        max_length=MAX_IDEMPOTENCY_KEY,
        description="Calls with the same key within 24 hours make one video. Use the one that the first answer gives.",
    )


class WaitArguments(VideoId):
    timeout_seconds: int = Field(
        DEFAULT_WAIT,
        ge=0,
        le=MAX_WAIT,
        description="How long to wait at most. If the video is not finished then, call the tool again.",
    )


class ListArguments(Arguments):
    query: Text = Field("", max_length=200, description='Words of the prompt; "exact phrase", or, -without.')
    member: Text = Field("", description="Only videos of this person: part of their name or address.")
    status: Literal["", "running", "done", "failed"] = Field("", description="failed: rejected and cancelled ones too.")
    review: Literal["", "approved", "changes_wanted", "none"] = Field("", description="none: no verdict yet.")
    made_from: Literal["", "text", "image"] = ""
    aspect_ratio: Literal["", "16:9", "9:16", "1:1"] = ""
    duration: Literal[5, 10] | None = None
    since: date | None = Field(None, description="From this day on.")
    until: date | None = Field(None, description="To the end of this day.")
    tag: Text = Field("", description="Only videos with this tag, by its name.")
    collection: Text = Field("", description="Only videos in this collection, by its name.")
    favourites_only: bool = False
    order: Literal["newest", "oldest"] = "newest"
    limit: int = Field(20, ge=1, le=50)
    after: UUID | None = Field(None, description="The last id of the page before, for the next page.")


class CostArguments(Arguments):
    pass


class ShareArguments(Arguments):
    ids: list[UUID] = Field(min_length=1, max_length=50, description="Finished videos, in the order of the page.")
    name: Text = Field("Videos", min_length=1, max_length=100, description="The page's title. Guests read it.")
    days: int = Field(7, ge=1, le=365, description="How long the link works; the team may allow less.")
    allows_download: bool = True
    allows_comments: bool = Field(False, description="Whether guests may comment and decide.")


class Video(BaseModel):
    id: UUID
    status: str = Field(description="held, queued, submitting, rendering, cancelling, mirroring, done, rejected, …")
    is_final: bool = Field(description="Nothing about it changes any more by itself.")
    message: str = Field(description="How it stands, in words; why there is no video, and what to do.")
    prompt: str
    made_from: Literal["text", "image"]
    quality: Quality
    duration: int = Field(description="Seconds.")
    aspect_ratio: str | None = None
    cost_cents: int = Field(description="In US cents; 0 if nothing was charged.")
    made_by: str
    created_at: datetime
    page_url: str = Field(description="Its page, for people who sign in to the studio.")
    video_url: str | None = Field(None, description="The file; opens without signing in until its link expires.")


class Videos(BaseModel):
    videos: list[Video]
    after: UUID | None = Field(None, description="Give this as `after` for the next page; absent: that was all.")


class Generated(BaseModel):
    """`confirm_cost_cents` asks for a yes: nothing was made."""

    is_ordered: bool
    cost_cents: int
    video: Video | None = None
    confirm_cost_cents: int | None = None
    idempotency_key: str | None = None


class PriceOf(BaseModel):
    made_from: Literal["text", "image"]
    quality: Quality
    duration: int
    cents: int


class LimitOf(BaseModel):
    owner: str = Field(description="team, member (the team's for the person), own (the person's), project, or key.")
    limit_cents: int
    left_cents: int


class CostAndBudget(BaseModel):
    currency: Literal["USD"] = "USD"
    prices: list[PriceOf]
    limits: list[LimitOf] = Field(description="All hold. Empty: there is no limit.")
    left_cents: int | None = Field(None, description="The least that any limit leaves this month.")
    paused: str = Field(description="Why the team's queue sends nothing now; blank: it does.")


class Shared(BaseModel):
    url: str
    expires_at: datetime
    works_now: bool = Field(description="False: an admin of the team has to approve the link first.")
