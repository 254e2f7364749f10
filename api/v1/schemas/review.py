"""Comments, verdicts and share links, as they are taken and given."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.text import Text
from api.v1.pages import PageQuery
from api.v1.schemas.common import Input, Moment, Named, NumberId, Person, person, person_or_none
from sharing.models import Comment, ShareLink, Verdict
from sharing.models.review import MAX_TEXT
from sharing.models.share_link import MAX_VIDEOS


class Author(BaseModel):
    """`id` is null for a guest, who has no account."""

    id: int | None
    name: str
    is_guest: bool


class CommentIn(Input):
    """About the whole video, a moment or a range of it, and a place on its frame (fractions of its size)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "The tail should be redder.", "start": 1.5}]}
    )

    text: Text = Field(min_length=1, max_length=MAX_TEXT, examples=["The tail should be redder."])
    start: float | None = Field(None, ge=0, le=3600, description="In seconds.")
    end: float | None = Field(None, ge=0, le=3600, description="In seconds; needs `start`.")
    x: float | None = Field(None, ge=0, le=1)
    y: float | None = Field(None, ge=0, le=1)
    width: float | None = Field(None, ge=0, le=1)
    height: float | None = Field(None, ge=0, le=1)
    is_public: bool = Field(False, description="Whether guests of share links see it.")
    reply_to: UUID | None = Field(None, description="The comment that this answers.")


class CommentEdit(Input):
    text: Text = Field(min_length=1, max_length=MAX_TEXT)
    is_public: bool = False


class CommentOut(BaseModel):
    id: UUID
    generation: UUID
    reply_to: UUID | None
    author: Author
    text: str
    start: float | None
    end: float | None
    x: float | None
    y: float | None
    width: float | None
    height: float | None
    is_public: bool
    created_at: Moment
    edited_at: Moment | None
    resolved_at: Moment | None
    resolved_by: Person | None
    hidden_at: Moment | None = Field(description="From guests.")


class VerdictIn(Input):
    kind: Literal["approved", "changes_wanted"]
    note: Text = Field("", max_length=MAX_TEXT)


class VerdictOut(BaseModel):
    author: Author
    kind: Literal["approved", "changes_wanted"]
    note: str
    at: Moment


class VerdictsOut(BaseModel):
    """One of each reviewer; `status` is what they come to: one who wants changes decides."""

    status: Literal["", "approved", "changes_wanted"]
    data: list[VerdictOut]


class ShareQuery(PageQuery):
    """Which links are asked for."""

    results: Annotated[bool, Field(description="Those that were made for programs, of their results, instead.")] = False


class ShareOptions(Input):
    name: Text = Field(min_length=1, max_length=100, description="Guests read it.", examples=["Teaser"])
    password: Text = Field("", max_length=128, description="Blank: none.")
    max_views: int | None = Field(None, ge=1, le=1_000_000)
    allows_comments: bool = False
    allows_download: bool = False


class ShareIn(ShareOptions):
    """Of these generations, or of a collection that the link follows: one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Teaser", "generations": ["2b1f6c1e-0b5c-4c57-9d0e-0c4d5f4f4f10"], "days": 7}]
        },
    )

    generations: list[UUID] = Field(default_factory=list, max_length=MAX_VIDEOS)
    collection: NumberId | None = None
    days: int = Field(7, ge=1, le=365, description="After which it ends; at most as many as the team allows.")


class ShareEdit(Input):
    """What is left out stays as it is."""

    name: Text | None = Field(None, min_length=1, max_length=100)
    days: int | None = Field(None, ge=1, le=365, description="From now.")
    password: Text | None = Field(None, max_length=128, description="Blank: none any more.")
    max_views: int | None = Field(None, ge=1, le=1_000_000, description="Null: any number.")
    allows_comments: bool | None = None
    allows_download: bool | None = None


class ShareOut(BaseModel):
    """A link for people without an account. Its address is told once, when it is made or renewed."""

    id: UUID
    name: str
    url: str | None = Field(description="Where it leads; null but in the answer that made or renewed it.")
    state: Literal["working", "pending", "expired", "revoked", "blocked"] = Field(
        description="pending: an admin has to approve it. blocked: its person or the team may not share any more."
    )
    made_by: Person
    made_at: Moment
    expires_at: Moment
    revoked_at: Moment | None
    collection: Named | None
    has_password: bool
    max_views: int | None
    views: int
    last_seen_at: Moment | None
    allows_comments: bool
    allows_download: bool


def author(row: Comment | Verdict) -> Author:
    return Author(id=row.user_id, name=row.author, is_guest=row.guest_id is not None)


def comment_out(row: Comment) -> CommentOut:
    """Of a row with its people."""
    names = (
        *("text", "start", "end", "x", "y", "width", "height", "is_public"),
        *("created_at", "edited_at", "resolved_at", "hidden_at"),
    )
    return CommentOut(
        id=row.pk,
        generation=row.generation_id,
        reply_to=row.parent_id,
        author=author(row),
        resolved_by=person_or_none(row.resolved_by),
        **{name: getattr(row, name) for name in names},
    )


def verdict_out(row: Verdict) -> VerdictOut:
    return VerdictOut(author=author(row), kind=row.kind, note=row.note, at=row.at)


def share_out(link: Any, url: str | None = None) -> ShareOut:
    """Of a link of `sharing.links.links_of`."""
    names = (
        *("name", "made_at", "expires_at", "revoked_at", "max_views", "views", "last_seen_at"),
        *("allows_comments", "allows_download"),
    )
    collection: Any = link.collection
    return ShareOut(
        id=link.pk,
        url=url,
        state=_state(link),
        made_by=person(link.made_by),
        collection=Named(id=collection.pk, name=collection.name) if collection else None,
        has_password=bool(link.password),
        **{name: getattr(link, name) for name in names},
    )


def _state(link: Any) -> Literal["working", "pending", "expired", "revoked", "blocked"]:
    found: ShareLink = link
    if found.revoked_at:
        return "revoked"
    if found.is_expired:
        return "expired"
    if found.approved_at is None:
        return "pending"
    return "working" if link.is_working else "blocked"
