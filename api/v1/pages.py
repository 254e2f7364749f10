"""Lists in pages, by keyset: a page stays where it is, whatever is added meanwhile, and the last one is as fast."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import F, Lookup, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field

from api.v1.http import respond
from api.v1.problems import invalid, of_parameter

T = TypeVar("T")
R = TypeVar("R")
DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 100
_MAX_CURSOR: Final = 300
_MAX_ID: Final = 2**63 - 1


class Page(BaseModel, Generic[T]):
    """A part of a list. `next` is the cursor of what comes behind it; null at the end."""

    data: list[T]
    next: str | None = Field(description="Ask with `cursor` set to this for the next page; null at the end.")


class PageQuery(BaseModel):
    """Which part of a list is asked for."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many at most.")] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=_MAX_CURSOR, description="`next` of the page before.")] = ""


class Keyset:
    """An order of rows by columns whose last one is unique: datetimes, UUIDs or numbers. All go one way."""

    def __init__(self, *columns: str, kinds: Sequence[type] = (datetime, UUID), is_descending: bool = True) -> None:
        self.columns, self.kinds, self.is_descending = columns, kinds, is_descending

    def select(self, rows: "QuerySet[Any, R]", query: PageQuery) -> tuple[list[R], str | None]:
        """The page's rows, and the cursor behind them."""
        if query.cursor:
            rows = rows.filter(self._behind(read_cursor(query.cursor, self.kinds)))
        order = [f"-{name}" if self.is_descending else name for name in self.columns]
        found = list(rows.order_by(*order)[: query.limit + 1])
        page = found[: query.limit]
        return page, self.cursor_of(page[-1]) if len(found) > query.limit else None

    def cursor_of(self, row: Any) -> str:
        return write_cursor([getattr(row, name) for name in self.columns])

    def _behind(self, values: list[Any]) -> "Q | Lookup[Any]":
        """A range of rows of values, which an index finds at any depth."""
        if len(self.columns) == 1:
            return Q(**{f"{self.columns[0]}__{'lt' if self.is_descending else 'gt'}": values[0]})
        comparison: Any = TupleLessThan if self.is_descending else TupleGreaterThan
        found: Lookup[Any] = comparison(Tuple(*map(F, self.columns)), tuple(values))
        return found


def write_cursor(values: Sequence[Any]) -> str:
    text = json.dumps([one.isoformat() if isinstance(one, datetime) else one for one in values], default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, kinds: Sequence[type]) -> list[Any]:
    """Raises a 422 for what no list has given."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return [_read(kind, value) for kind, value in zip(kinds, found, strict=True)]
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        words = _("No list has given this cursor. Begin without one.")
        raise invalid([of_parameter("cursor", words)]) from None


def _read(kind: type, value: Any) -> Any:
    if kind is int:
        if not isinstance(value, int) or not 0 <= value <= _MAX_ID:
            raise ValueError
        return value
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None or not 2000 <= moment.year <= 9000:
            raise ValueError
        return moment
    return UUID(value) if kind is UUID else str(value)


def refuse_unknown(request: HttpRequest, *models: type[BaseModel]) -> None:
    """A filter that is misspelt would be none, and the list far too long."""
    known = {name for model in models for name in model.model_fields}
    unknown = [of_parameter(name[:100], _("There is no such parameter.")) for name in request.GET if name not in known]
    if unknown:
        raise invalid(unknown)


def respond_page(
    request: HttpRequest, rows: Sequence[R], following: str | None, build: Callable[[R], BaseModel]
) -> HttpResponse:
    """With the address of the next page as a Link (RFC 8288), too."""
    page: Page[Any] = Page(data=[build(row) for row in rows], next=following)
    response = respond(page)
    if following:
        query = request.GET.copy()
        query["cursor"] = following
        response.headers["Link"] = f'<{settings.SITE_URL}{request.path}?{query.urlencode()}>; rel="next"'
    return response
