"""What has happened, from a cursor on: what moved, what was said and what was decided, in the order of time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from accounts.models import User
from api.horizon import horizon
from api.v1.callers import READ_OWN
from api.v1.http import caller_of, respond
from api.v1.pages import PageQuery, read_cursor, refuse_unknown, write_cursor
from api.v1.problems import invalid, of_parameter
from api.v1.schemas.generation import StatusName
from api.v1.schemas.team import EventFeed, EventOut
from generations.models import Event, Generation
from sharing.models import Comment, Verdict

router = Router(tags=["Events"])
_USUAL_SPAN: Final = timedelta(days=1)
_MAX_ID: Final = 2**63 - 1


class EventQuery(PageQuery):
    """Where the feed is to go on."""

    since: Annotated[
        AwareDatetime | None,
        Field(
            description="Where to begin without a cursor; a day ago, unless said.", examples=["2026-11-28T00:00:00Z"]
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class _Source:
    """A table that tells of something: `moment` is the column by which its rows are in order, then by key."""

    name: str
    moment: str
    key: Callable[[str], Any]
    rows: Callable[["QuerySet[Any]"], "QuerySet[Any]"]
    text: Callable[[Any], str]

    def find(self, seen: "QuerySet[Any]", begin: "_Place", until: datetime, limit: int) -> list[tuple["_Place", Any]]:
        moment = self.moment
        rows = self.rows(seen).filter(**{f"{moment}__gte": begin.at, f"{moment}__lt": until})
        if begin.source == self.name:
            rows = rows.exclude(**{moment: begin.at, "pk__lte": begin.key})
        elif begin.source > self.name:
            rows = rows.exclude(**{moment: begin.at})
        found = rows.order_by(moment, "pk")[:limit]
        return [(_Place(getattr(row, moment), self.name, row.pk), row) for row in found]


@dataclass(frozen=True, slots=True)
class _Place:
    """Of one thing in the feed: things of one moment are in order by their source, then by key."""

    at: datetime
    source: str = ""
    key: Any = None

    def cursor(self) -> str:
        return write_cursor([self.at, self.source, "" if self.key is None else str(self.key)])


def _by_place(found: tuple[_Place, Any]) -> tuple[datetime, str, Any]:
    place, _row = found
    return place.at, place.source, place.key


@router.get("", auth=READ_OWN, response=EventFeed, operation_id="listEvents", url_name="v1-events")
def list_events(request: HttpRequest, query: Query[EventQuery]) -> HttpResponse:
    """What has happened to the generations that the key’s person sees, the earliest first, each thing once.

    Keep `next`, and ask with it again: nothing is missed, and nothing comes twice.
    """
    refuse_unknown(request, EventQuery)
    begin = _begin(query)
    until = max(horizon(), begin.at)
    found = sorted(_find(caller_of(request).user, begin, until, query.limit + 1), key=_by_place)
    page, has_more = found[: query.limit], len(found) > query.limit
    following = page[-1][0] if has_more else _Place(until)
    data = [_out(place, row) for place, row in page]
    return respond(EventFeed(data=data, next=following.cursor(), has_more=has_more))


def _find(user: User, begin: _Place, until: datetime, limit: int) -> list[tuple[_Place, Any]]:
    seen = Generation.objects.visible_to(user).order_by().values("pk")
    return [one for source in _SOURCES for one in source.find(seen, begin, until, limit)]


def _begin(query: EventQuery) -> _Place:
    """The last thing that was told, or the moment from which on to tell. Raises a 422 for what no feed has given."""
    if not query.cursor:
        return _Place(query.since or timezone.now() - _USUAL_SPAN)
    at, name, key = read_cursor(query.cursor, (datetime, str, str))
    source = next((one for one in _SOURCES if one.name == name), None)
    try:
        return _Place(at, name, source.key(key)) if source else _Place(at)
    except ValueError:
        raise invalid([of_parameter("cursor", _("No list has given this cursor. Begin without one."))]) from None


def _number(text: str) -> int:
    found = int(text)
    if not 0 <= found <= _MAX_ID:
        raise ValueError(text)
    return found


def _out(place: _Place, row: Any) -> EventOut:
    source = next(one for one in _SOURCES if one.name == place.source)
    kind: Any = "status" if isinstance(row, Event) else source.name
    return EventOut(
        id=f"{source.name}-{row.pk}",
        kind=kind,
        at=place.at,
        generation=row.generation_id,
        status=StatusName(row.status) if isinstance(row, Event) else None,
        by=_author(row),
        text=source.text(row),
    )


def _author(row: Event | Comment | Verdict) -> str | None:
    if isinstance(row, Event):
        return str(row.by) if row.by else None
    return row.author


def _verdict_text(row: Verdict) -> str:
    return f"{row.kind}: {row.note}" if row.note else row.kind


# by name: so are things of one moment in order
_SOURCES: Final = (
    _Source(
        "comment",
        "created_at",
        UUID,
        lambda seen: Comment.objects.filter(generation__in=seen).shown().select_related("user", "guest"),
        lambda row: str(row.text),
    ),
    _Source(
        "event",
        "at",
        _number,
        lambda seen: Event.objects.filter(generation__in=seen).select_related("by"),
        lambda row: str(row.message),
    ),
    _Source(
        "verdict",
        "at",
        _number,
        lambda seen: Verdict.objects.filter(generation__in=seen).select_related("user", "guest"),
        _verdict_text,
    ),
)
