"""The months in which there are videos, to jump to in a long gallery."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.filters import GalleryFilters
from generations.models.generation_queryset import GenerationQuerySet

_MAX_MONTHS: Final = 240
_BEFORE_ALL: Final = UUID(int=0)

# From the newest row to the newest one of an earlier month, and so on: a step for each month, however many rows it has.
_QUERY: Final = """
WITH RECURSIVE months (month) AS (
    (SELECT date_trunc('month', newest.created_at, %s) FROM ({newest}) AS newest)
    UNION ALL
    SELECT (SELECT date_trunc('month', earlier.created_at, %s) FROM ({earlier}) AS earlier)
    FROM months WHERE months.month IS NOT NULL
)
SELECT month FROM months WHERE month IS NOT NULL LIMIT %s
"""


@require_safe
@login_required
def months(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Links to the months of what the filters let through, by years, the newest first."""
    filters = GalleryFilters(request.user, request.GET)
    years = groupby(_links(filters), key=lambda link: link[0])
    context = {"years": [(year, [link[1:] for link in links]) for year, links in years], "query": filters.query}
    return render(request, "generations/_months.html", context)


def _links(filters: GalleryFilters) -> Iterator[tuple[int, str, str]]:
    """Year, name of the month, and the cursor from which its videos come in the list's order."""
    for begin in _months(filters.rows()):
        local = timezone.localtime(begin)
        first = local if filters.is_oldest_first else _next_month(local)
        yield local.year, date_format(local, "F"), f"{first.isoformat()}_{_BEFORE_ALL}"


def _next_month(begin: datetime) -> datetime:
    year, month = divmod(begin.year * 12 + begin.month, 12)
    return begin.replace(year=year, month=month + 1)


def _months(rows: GenerationQuerySet) -> list[datetime]:
    """The first moment of each month, where the person is."""
    dates = rows.order_by("-created_at").values("created_at")
    before = RawSQL("months.month", [])  # a column of the query around it
    newest, newest_values = dates[:1].query.sql_with_params()
    earlier, earlier_values = dates.filter(created_at__lt=before)[:1].query.sql_with_params()
    zone = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        query = _QUERY.format(newest=newest, earlier=earlier)
        cursor.execute(query, [zone, *newest_values, zone, *earlier_values, _MAX_MONTHS])
        return [month for (month,) in cursor.fetchall()]
