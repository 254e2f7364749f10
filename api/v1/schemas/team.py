"""Teams, money, presets and events, as they are given."""

from datetime import date
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from accounts.roles import Role
from api.text import Text
from api.v1.schemas.common import Input, Moment, Money, Person
from api.v1.schemas.generation import StatusName, Values
from generations.fal.arguments import Quality

RoleName = StrEnum("RoleName", {role.name: role.value for role in Role})  # type: ignore[misc]


class KeyOut(BaseModel):
    """The key that asks."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Literal["read", "generate", "manage"]]
    created_at: Moment
    expires_at: Moment | None
    monthly_limit: Money | None
    person: Person


class TeamOut(BaseModel):
    """The team that the key acts in."""

    id: UUID
    slug: str
    name: str
    role: RoleName = Field(description="Of the key’s person.")
    is_personal: bool
    is_private: bool = Field(description="Whether a new generation is its maker’s alone, unless it says otherwise.")
    key: KeyOut


class MemberOut(BaseModel):
    """A person, and what they are in the team."""

    id: int
    name: str
    email: str
    role: RoleName
    joined_at: Moment


class Limit(BaseModel):
    """A month’s limit, and what is left of it."""

    owner: Literal["team", "member", "own", "project", "key"] = Field(
        description="Whose: the team’s, the team’s for the person, the person’s own, the project’s, or the key’s."
    )
    limit: Money
    left: Money


class BudgetOut(BaseModel):
    """What may still be spent this month. Without limits, `left` is null: there is none."""

    month: str = Field(examples=["2026-11"])
    left: Money | None = Field(description="The least that any limit leaves.")
    limits: list[Limit]
    paused: str = Field(description="Why the team’s queue takes nothing at the moment; blank: it does.")


class SubtotalOut(BaseModel):
    """`spent` has ended, `reserved` is still open; `free` requests ended without a charge."""

    spent: Money
    reserved: Money
    requests: int
    free: int


class DayOut(SubtotalOut):
    day: date


class MemberUsageOut(SubtotalOut):
    member: Person


class KindOut(SubtotalOut):
    kind: Literal["text", "image"]
    quality: Quality
    duration: int


class PartOut(SubtotalOut):
    """Of a project, a client, a tag or a key."""

    key: str = Field(description="Its id, or a client’s name; blank: what is of none.")
    name: str


class UsageOut(BaseModel):
    """What a month cost: in all, by day where the studio is, by member, by kind and by what it was for."""

    month: str = Field(examples=["2026-11"])
    of: Literal["team", "member", "key"] = Field(
        description="Whose it is: those who may not see the team’s get their own."
    )
    total: SubtotalOut
    limit: Money | None
    days: list[DayOut]
    members: list[MemberUsageOut]
    kinds: list[KindOut]
    projects: list[PartOut] = Field(description="By the project of the order, wherever the video was moved to.")
    clients: list[PartOut]
    tags: list[PartOut] = Field(description="A request with two tags counts for both.")
    keys: list[PartOut]


class PriceOut(BaseModel):
    kind: Literal["text", "image"]
    quality: Quality
    duration: int
    price: Money


class PricesOut(BaseModel):
    data: list[PriceOut]


Scope = Literal["personal", "team"]


class PresetIn(Input):
    """Parameters of the composer under a name. A name that is taken gets a new version."""

    name: Text = Field(min_length=1, max_length=60, examples=["Snow"])
    scope: Scope = Field("personal", description="Whether the person alone has it, or everyone in the key’s team.")
    kind: Literal["text", "image"] = "text"
    quality: Quality | None = None
    prompt: Text = Field("", description="With variables, such as `{product}` or `{season: winter|summer}`.")
    variables: Values = Field(default_factory=dict, description="Values of the prompt’s variables, by name.")
    negative_prompt: Text | None = None
    cfg_scale: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    duration: Literal[5, 10] | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None


class PresetOut(BaseModel):
    id: int
    name: str
    scope: Scope = Field(description="personal: the key’s person alone has it.")
    values: dict[str, Any] = Field(description="By the composer’s field names; `var-` before those of variables.")
    made_by: Person
    version: int = Field(description="It counts up with each change.", examples=[1])
    changed_by: Person = Field(description="Who made this version.")
    changed_at: Moment
    uses: int = Field(description="Orders that began with it.", examples=[12])
    created_at: Moment


class EventOut(BaseModel):
    """Something that happened to a generation."""

    id: str = Field(examples=["event-4711"])
    kind: Literal["status", "comment", "verdict"]
    at: Moment
    generation: UUID
    status: StatusName | None = Field(description="The state that it was in from then on; of a status alone.")
    by: str | None = Field(description="Who did it; null: the studio.")
    text: str = Field(description="What was noted, said or decided.")


class EventFeed(BaseModel):
    """`next` is always there: ask with it later for what has happened since."""

    data: list[EventOut]
    next: str
    has_more: bool = Field(description="Whether there is more at once.")
