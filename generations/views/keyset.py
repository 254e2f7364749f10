"""Lists in pages, the newest first: each begins behind a row, which need not be there any more."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.dateparse import parse_datetime


def page_of(rows: QuerySet[Any], column: str, before: str, size: int) -> tuple[list[Any], str]:
    """So many of what comes after the row of the cursor `before`, and the cursor of the next page; each may be blank.

    Raises Http404 for a cursor that no page has given.
    """
    if before:
        rows = rows.filter(behind(column, before))
    found = list(rows.order_by(f"-{column}", "-id")[: size + 1])
    page = found[:size]
    return page, cursor_of(getattr(page[-1], column), page[-1].pk) if len(found) > size else ""


def cursor_of(moment: datetime, pk: uuid.UUID) -> str:
    return f"{moment.isoformat()}_{pk}"


def behind(column: str, cursor: str) -> Q:
    """What comes after the row, in the order of `-column` and `-id`. Raises Http404 for what no page has given."""
    moment, _underscore, pk = cursor.partition("_")
    at = moment_of(moment)
    try:
        return Q(**{f"{column}__lte": at}) & ~Q(**{column: at, "pk__gte": uuid.UUID(pk)})
    except ValueError:
        raise Http404 from None


def moment_of(text: str) -> datetime:
    """An aware moment, or 404 for what is none."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        raise Http404 from None
    if moment is None or moment.tzinfo is None or not 2000 <= moment.year <= 9000:
        raise Http404
    return moment
