"""How far rows can be read by the time of their transaction, so that none which is committed late is missed."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

_READS_ONLY_AFTER: Final = timedelta(minutes=15)


def horizon() -> datetime:
    """Whatever is committed from now on began at this moment or later.

    A transaction that has written nothing for so long reads only: a backup's lasts for hours.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database()"
            " AND (backend_xid IS NOT NULL OR xact_start > now() - make_interval(secs => %s))",
            [_READS_ONLY_AFTER.total_seconds()],
        )
        (began,) = cursor.fetchone()
    moment: datetime = began
    return moment
