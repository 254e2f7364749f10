"""Lists in pages, the newest first: each begins behind a row, which need not be there any more."""

import uuid
from datetime import datetime

from django.db.models import Q
from django.http import Http404
from django.utils.dateparse import parse_datetime


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
