"""When and from where a session was last used. allauth would write that at every request; this does once in a while."""

import time
from functools import lru_cache
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User

PERIOD: Final = 300  # s, to which `last_seen_at` is exact
_MAX_REMEMBERED: Final = 10_000  # sessions of which this process knows that it has written them down


def record_activity(request: HttpRequest) -> None:
    """For a session that is signed in. Asks the database only where this process has not done so in this period."""
    try:
        ip = get_adapter().get_client_ip(request)
    except (ImproperlyConfigured, PermissionDenied):  # of a proxy that was not announced: signing in says so
        return
    agent = request.headers.get("User-Agent", "")[: UserSession._meta.get_field("user_agent").max_length]
    period = int(time.time() / PERIOD)
    _write(request.session.session_key, request.user.pk, ip, agent, period)


def change_key(request: HttpRequest) -> None:
    """What a page of before has sent does not count any more; the session is listed as it was."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def open_sessions(user: User) -> list[UserSession]:
    """Those in which the user is signed in, as Django would find it. The rows of others are deleted."""
    rows = list(UserSession.objects.filter(user=user))
    keys = [row.session_key for row in rows]
    stored = {one.pk: one for one in Session.objects.filter(pk__in=keys, expire_date__gt=timezone.now())}
    ended = [row.pk for row in rows if not _is_signed_in(user, stored.get(row.session_key))]
    if ended:
        UserSession.objects.filter(pk__in=ended).delete()
    return [row for row in rows if row.pk not in ended]


def _is_signed_in(user: User, session: Session | None) -> bool:
    """See django.contrib.auth.get_user: a change of the password ends it."""
    data = session.get_decoded() if session else {}
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    found = str(data.get(HASH_SESSION_KEY, ""))
    return data.get(SESSION_KEY) == str(user.pk) and any(constant_time_compare(found, one) for one in hashes)


@lru_cache(_MAX_REMEMBERED)
def _write(session_key: str | None, user_id: int, ip: str, user_agent: str, period: int) -> None:
    """A session whose key has changed since its sign-in gets a row, so that it is listed and can be ended."""
    row = UserSession(session_key=session_key, user_id=user_id, ip=ip, user_agent=user_agent)
    UserSession.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["session_key"],
        update_fields=["user_id", "ip", "user_agent", "last_seen_at"],
    )
