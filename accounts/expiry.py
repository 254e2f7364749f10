"""Delete expired sessions and expired cache rows."""

from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone


def delete_expired() -> None:
    """Django deletes neither by itself: an expired session is only not believed, a cache's row only not read."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM cache WHERE expires < now()")
