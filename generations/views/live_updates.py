"""Live updates: a tab asks what has changed since it last asked. One query; 204 when nothing did.

Every open tab asks once a second, so a tab that has asked before is remembered: the same query then also checks
whether its session and its user are still what they were, and nothing else is read.
"""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final
from zlib import crc32

import psycopg
from csp.decorators import csp_exempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Exists, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.impersonation import active_impersonation
from accounts.models import User
from accounts.second_factor import missing_step_url
from generations.models import Generation, Notification
from generations.notifications.bell import unread

_MAX_ROWS: Final = 100
_OVERLAP: Final = timedelta(seconds=3)  # a transaction may commit after one that began later
_LONGEST_LOOK_BACK: Final = timedelta(hours=1)
_MAX_TABS: Final = 20_000  # some 1 KB each

Moved = list[tuple[Any, datetime]]


@csp_exempt()  # no page: there is nothing to protect, and the header is a tenth of the work
@require_safe
def events(request: HttpRequest) -> HttpResponseBase:
    """`?since=<milliseconds since 1970>` → `{"now": …, "moved": [[id, version], …], "unread": …}`.

    What moved are generations and the person's notifications. A tab skips what it has seen.
    """
    now = timezone.now()
    after = _since(request, now) - _OVERLAP
    tab = _tabs.get(request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""))
    moved = tab.fetch_changes(after) if tab else None
    if tab is None or moved is None:
        return _ordinary_events(request, now, after)
    return _answer(request, now, moved, tab.person)


@login_required
def _ordinary_events(request: AuthenticatedHttpRequest, now: datetime, after: datetime) -> HttpResponse:
    """For a tab that is new to us, or is not signed in any more, or whose staff acts as somebody."""
    if request.user.is_suspended or missing_step_url(request):
        raise PermissionDenied
    if impersonation := active_impersonation(request):
        person = impersonation.person
        return _answer(request, now, list(_changed_rows(person, after)), person)
    answer = _answer(request, now, list(_changed_rows(request.user, after)), request.user)
    if not request.user.is_staff:  # of staff more is asked, each time
        _Tab.remember(request)
    return answer


def _answer(request: HttpRequest, now: datetime, moved: Moved, person: User) -> HttpResponse:
    versions = [[str(pk), _milliseconds(changed_at)] for pk, changed_at in moved]
    if not versions:
        return HttpResponse(status=204)
    etag = f'W/"{crc32(json.dumps(versions).encode()):x}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    content = {"now": _milliseconds(now), "moved": versions, "unread": unread(person).total}
    return JsonResponse(content, headers={"ETag": etag})


def _changed_rows(user: User, after: datetime) -> "QuerySet[Any, tuple[Any, datetime]]":
    """Of both kinds, in one query."""
    rows = Generation.objects.visible_to(user).filter(changed_at__gt=after)
    told = Notification.objects.in_bell_of(user).filter(changed_at__gt=after)
    moved, news = (found.order_by("-changed_at").values_list("pk", "changed_at")[:_MAX_ROWS] for found in (rows, told))
    return moved.union(news, all=True)


@dataclass(frozen=True, slots=True)
class _Tab:
    """A session that Django has let in, and the query for what moved: ready, since making it costs more than asking.

    It gives no row at all once the session has ended, or the person may not sign in or has another password.
    """

    person: User
    sql: str
    parameters: tuple[Any, ...]  # with `_AFTER` where the moment belongs

    @classmethod
    def remember(cls, request: AuthenticatedHttpRequest) -> None:
        key, user = request.session.session_key or "", request.user
        user.rights = None  # the query asks for them, each time it is asked
        session = Session.objects.filter(session_key=key, expire_date__gt=Now())
        free = Q(suspended_until=None) | Q(suspended_until__lt=Now())
        person = User.objects.filter(
            free, Exists(session), pk=user.pk, password=user.password, is_active=True, is_staff=False
        )
        is_in, of_person = person.values("pk").query.sql_with_params()
        moved, of_moved = _changed_rows(user, _AFTER).query.sql_with_params()
        sql = f"SELECT moved.* FROM ({is_in}) person LEFT JOIN ({moved}) moved ON true"  # noqa: S608  Django's own SQL
        while len(_tabs) >= _MAX_TABS:
            _tabs.pop(next(iter(_tabs)), None)
        # psycopg takes long to find out what an enum is
        plain = (value.value if isinstance(value, Enum) else value for value in (*of_person, *of_moved))
        _tabs[key] = cls(User(pk=user.pk), sys.intern(sql), tuple(plain))

    def fetch_changes(self, after: datetime) -> Moved | None:
        """What has moved; None when the tab has to be asked who it is."""
        parameters = [after if value is _AFTER else value for value in self.parameters]
        database: Any = connection
        database.health_check_done = True  # this query shows it as well as one more would
        try:
            database.ensure_connection()
            database.connection.prepare_threshold = 1  # to plan it costs more than to run it; Django's cursors never do
            with psycopg.Cursor(database.connection) as cursor:
                rows: Moved = cursor.execute(self.sql, parameters, prepare=True).fetchall()
        except psycopg.Error:
            connection.close()
            return None
        return [row for row in rows if row[0]] if rows else None


_AFTER: Final = datetime.max.replace(tzinfo=UTC)
_tabs: Final[dict[str, _Tab]] = {}  # by session key


def _since(request: HttpRequest, now: datetime) -> datetime:
    try:
        since = datetime.fromtimestamp(int(request.GET.get("since", "")) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return max(since, now - _LONGEST_LOOK_BACK)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
