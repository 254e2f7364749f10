"""Django's sessions in the database, read by a prepared query: every request of somebody who is signed in begins so."""

from datetime import datetime
from typing import Any, Final

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from config.prepared_query import SAMPLE_MOMENT, PreparedQuery


class SessionStore(DatabaseSessionStore):
    def _get_session_from_db(self) -> Session | None:
        """What Django's gives, which is None and a key of its own for a session that is none any more."""
        found = _SESSION.rows(self.session_key, timezone.now())
        if not found:
            self._session_key: Any = None
            return None
        return found[0]


def _unexpired_session(key: str, now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=now)


_SESSION: Final = PreparedQuery(_unexpired_session, "the key", SAMPLE_MOMENT)
