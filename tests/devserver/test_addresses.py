"""The servers of a test run answer where the settings look for them."""

import pytest
import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection


@pytest.mark.django_db
def test_settings_reach_every_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        assert cursor.fetchone() == ("200",)
    assert redis.from_url(settings.REDIS_URL).ping()
    name = default_storage.save("tests/hello.txt", ContentFile(b"hello"))
    with default_storage.open(name) as stored:
        assert stored.read() == b"hello"
