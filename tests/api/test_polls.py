"""What is remembered of a request is told to nobody who may not know of it, at no moment."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from api.credentials import Credentials
from api.fal.polls import Poll, look
from api.models import Key
from generations.models import Generation, Status
from tests.api.conftest import client_with, make_key
from tests.api.test_fal_routes import of_key

pytestmark = pytest.mark.django_db

APP: Final = "/fal/queue/fal-ai/kling-video/requests"


def poll(token: str, row: Generation) -> int:
    """The status that a poll is told. An answer that is closed must not end the test's transaction."""
    request_finished.disconnect(close_old_connections)
    try:
        (told,) = look([Poll(Credentials(f"Key {token}", "127.0.0.1", ""), row.pk)])
    finally:
        request_finished.connect(close_old_connections)
    return told.status


def test_private_request_is_remembered_for_its_person_alone(
    bobs_key: tuple[Key, str], victor: User, film: Team
) -> None:
    key, token = bobs_key
    others = make_key(victor, film, scopes=["read"])[1]
    row = of_key(key, Status.CANCELED)
    assert (poll(token, row), poll(others, row), poll(token, row)) == (200, 200, 200)

    Generation.objects.filter(pk=row.pk).update(is_private=True)
    assert (poll(token, row), poll(others, row), poll(token, row)) == (200, 404, 200)
    paths = (f"{APP}/{row.pk}", f"{APP}/{row.pk}/status", f"{APP}/{row.pk}/status/stream")
    assert {client_with(others).get(path).status_code for path in paths} == {404}
    assert client_with(others).get(f"/api/v1/generations/{row.pk}").status_code == 404


@pytest.mark.parametrize(
    ("end", "status"),
    [("revoked", 401), ("expired", 401), ("removed", 403), ("suspended", 403), ("second factor", 403), ("closed", 403)],
)
def test_rights_that_end_end_what_is_remembered(
    end: str, status: int, bobs_key: tuple[Key, str], bob: User, film: Team
) -> None:
    key, token = bobs_key
    row, now = of_key(key, Status.CANCELED), timezone.now()
    etag = client_with(token).get(f"/api/v1/generations/{row.pk}").headers["ETag"]
    assert client_with(token).get(f"/api/v1/generations/{row.pk}", headers={"If-None-Match": etag}).status_code == 304
    assert poll(token, row) == 200
    teams = Team.objects.filter(pk=film.pk)
    ends: dict[str, Callable[[], Any]] = {
        "revoked": lambda: Key.objects.update(revoked_at=now),
        "expired": lambda: Key.objects.update(expires_at=now),
        "removed": Membership.objects.filter(user=bob, team=film).delete,
        "suspended": lambda: User.objects.filter(pk=bob.pk).update(suspended_until=now + timedelta(days=1)),
        "second factor": lambda: teams.update(needs_second_factor=True),
        "closed": lambda: teams.update(closed_at=now),
    }
    ends[end]()

    assert poll(token, row) == status
    asked = client_with(token).get(f"/api/v1/generations/{row.pk}", headers={"If-None-Match": etag})
    assert asked.status_code == status


def test_viewer_reads_on_and_cancels_nothing(bobs_key: tuple[Key, str], bob: User, film: Team) -> None:
    key, token = bobs_key
    row = of_key(key, Status.QUEUED)
    assert poll(token, row) == 202
    Membership.objects.filter(user=bob, team=film).update(role=Role.VIEWER)
    assert poll(token, row) == 202
    assert client_with(token).put(f"{APP}/{row.pk}/cancel").status_code == 403
