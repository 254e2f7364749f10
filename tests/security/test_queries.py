"""No page of the studio asks the database more than eight times, whatever there is to show.

Staff's pages are left out: the admin reads each person's rights, logs and histories besides.
"""

import uuid
from collections.abc import Iterator
from typing import Final

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import invitations
from accounts.models import FormerMembership, Impersonation, Membership, Team, User
from accounts.roles import Role
from generations.fal.arguments import Endpoint
from generations.models import (
    Collection,
    Draft,
    Event,
    Favourite,
    Generation,
    Hold,
    Preset,
    Slot,
    Status,
    SubmitPause,
    Tag,
    TeamPause,
)
from tests.cast import make_generation, make_input_picture, make_upload, make_video
from tests.security.access_cast import Things, browser_of, person
from tests.security.test_access import ADDRESSES, TABLE, things

MOST: Final = 8
OF_STAFF: Final = ("admin/", "django-rq/")
NO_PAGES: Final = {"healthz", "readyz", "metrics"}
__all__ = ["things"]  # a fixture


def _add_people(film: Team, alice: User, name: str) -> User:
    """A member of the team, one who was invited by mail, and a link."""
    member = person(name, film, Role.MEMBER)
    invitations.invite(film, alice, Role.MEMBER, email=f"{name}-too@example.com")
    invitations.invite(film, alice, Role.VIEWER)
    return member


def _add_teams(user: User, name: str) -> None:
    """One that the user is in, and one that they have left."""
    own, left = (Team.objects.create(name=f"{name} {kind}", slug=f"{name}-{kind}") for kind in ("own", "left"))
    Membership.objects.create(team=own, user=user, role=Role.ADMIN, monthly_limit_cents=5000)
    FormerMembership.objects.create(team=left, user=user)
    make_generation(user, left, Status.DONE, is_private=True)


def _add_generations(film: Team, user: User, row: Generation, name: str) -> None:
    """Of every status, and around `row` whatever a page shows of it."""
    for status in Status:
        made = make_generation(user, film, status, parent=row, batch=row.batch)
        Favourite.objects.toggle(user, made)
        Tag.objects.add_to([made, row], f"{name} {status}")
        Collection.objects.assign([made], f"{name} {status}")
    make_input_picture(make_generation(user, film, Status.FAILED, endpoint=Endpoint.IMAGE_TO_VIDEO))
    make_video(make_generation(user, film, Status.DONE, trashed_at=timezone.now()))
    make_video(make_generation(user, film, Status.DONE, taken_down_at=timezone.now()))
    held = make_generation(user, film, Status.HELD, batch=uuid.uuid4())
    Hold.objects.create(generation=held, kind=Hold.Kind.APPROVAL, reason="x")
    Event.objects.bulk_create(Event(generation=row, status=Status.QUEUED, by=user, message=name) for _ in range(3))


def add_rows(things: Things, name: str) -> None:
    """One more of each thing that a page may list."""
    film, alice = things.film, User.objects.get(name="Alice")
    member = _add_people(film, alice, name)
    for user in (alice, things.bob):
        _add_teams(user, f"{name}-{user.name.lower()}")
        _add_generations(film, user, things.generation, name)
        Draft.objects.create(user=user, key=uuid.uuid4(), values={"prompt": name}, start=make_upload(user))
        Preset.objects.create(user=user, name=name, values={})
        now = timezone.now()
        Impersonation.objects.create(staff=member, person=user, reason=name, until=now, ended_at=now)


@pytest.fixture
def rich(things: Things) -> Things:
    """The video's page shows all that it can."""
    row = things.generation
    parent = make_generation(things.bob, things.film, Status.DONE, parent=make_generation(things.bob, things.film))
    Generation.objects.filter(pk=row.pk).update(parent=parent, relation="remix", batch=row.pk)
    make_input_picture(row, Slot.TAIL)
    Team.objects.filter(pk=things.film.pk).update(monthly_limit_cents=100_000, approval_above_cents=1)
    Membership.objects.filter(team=things.film).update(monthly_limit_cents=50_000)
    SubmitPause.objects.begin_or_extend("balance_exhausted", "The balance is exhausted.")
    TeamPause.objects.create(team=things.film, began_by=things.bob, note="Wait.")
    add_rows(things, "first")
    return things


def _queries(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return [query["sql"][:140] for query in queries]


def _paths(things: Things, role: str) -> Iterator[tuple[str, str]]:
    """Each page that the role gets, and the video's page in every status."""
    column = ("nobody", "outsider", "viewer", "maker", "admin", "owner").index(role)
    for address in ADDRESSES:
        answers = TABLE.get((address.name, "GET"))
        is_page = address.name not in NO_PAGES and not address.route.startswith(OF_STAFF)
        if is_page and answers and answers[column] == "200":
            yield address.name, things.path(address)
    for row in Generation.objects.filter(team=things.film, user=things.bob, trashed_at=None).order_by("pk"):
        yield f"generation, {row.status}, {row.endpoint}", row.get_absolute_url()
    yield "gallery of the team", "/?team=film"
    yield "gallery, narrowed", "/?team=film&status=done&q=fox&order=oldest&since=2026-01-01"
    yield "video, narrowed", f"{things.generation.get_absolute_url()}?team=film&status=done"


@pytest.mark.parametrize("role", ["nobody", "maker", "owner"])
def test_page_asks_eight_times_at_most_however_many_rows_there_are(rich: Things, role: str) -> None:
    client = browser_of(role, rich)
    paths = dict(_paths(rich, role))
    for path in paths.values():  # the first writes down where the session is used, the first video reads the usual time
        client.get(path)

    few = {name: _queries(client, path) for name, path in paths.items()}
    add_rows(rich, "second")
    add_rows(rich, "third")
    many = {name: _queries(client, path) for name, path in paths.items()}

    assert {name: queries for name, queries in many.items() if len(queries) > MOST} == {}
    assert {name: queries for name, queries in many.items() if len(queries) > len(few[name])} == {}
