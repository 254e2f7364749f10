"""Parts that many answers have."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from accounts.models import User

CURRENCY: Final = "USD"
MAX_ID: Final = 2**63 - 1


def _to_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_to_utc, return_type=str, when_used="json")]
NumberId = Annotated[int, Field(ge=1, le=MAX_ID)]


class Input(BaseModel):
    """A body: what it has and nobody knows is a mistake, and said so."""

    model_config = ConfigDict(extra="forbid")


class Money(BaseModel):
    """An amount, as whole cents."""

    cents: int = Field(examples=[35])
    currency: str = Field(CURRENCY, examples=["USD"])


class Person(BaseModel):
    """A person of the team; `id` is what the filter `member` takes."""

    id: int
    name: str = Field(description="Their name, or their address by mail where they have given none.")


class Named(BaseModel):
    """A tag or a collection."""

    id: int
    name: str


def person(user: User) -> Person:
    return Person(id=user.pk, name=str(user))


def person_or_none(user: Any) -> Person | None:
    return person(user) if user else None


def money(cents: int) -> Money:
    return Money(cents=cents, currency=CURRENCY)
