"""What machines can't find out, a person decides in the admin: attach fal's request, or give it up."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from generations.models import Event, Generation, Status
from generations.pipeline import transitions
from tests.cast import make_generation, signed_in
from tests.history import rewriting_history

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("root@example.com", "secret")


@pytest.fixture
def desk(admin: User) -> Client:
    return signed_in(admin)


def lost(owner: User) -> Generation:
    """Sent two days ago, and nobody knows what became of it."""
    return make_generation(
        owner,
        owner.personal_team,
        Status.FAILED,
        reason="outcome_unknown",
        message="fal's answer was lost.",
        responsible_party="us",
        request_id=None,
        submitted_at=timezone.now() - timedelta(days=2),
    )


def attach(desk: Client, row: Generation, request_id: str) -> str:
    url = reverse("admin:generations_generation_attach", args=[row.pk])
    return desk.post(url, {"request_id": request_id}, follow=True).content.decode()


def give_up(desk: Client, row: Generation) -> str:
    url = reverse("admin:generations_generation_give_up", args=[row.pk])
    return desk.post(url, follow=True).content.decode()


def test_the_request_that_a_person_has_found_is_taken_up_and_logged(desk: Client, admin: User, alice: User) -> None:
    row, request_id = lost(alice), str(uuid.uuid4())

    assert f"request {request_id} is attached" in attach(desk, row, f" {request_id} ")
    row.refresh_from_db()
    assert (row.status, row.request_id, row.cost_cents) == (Status.RENDERING, request_id, 35)
    assert Event.objects.latest("id").by == admin
    assert LogEntry.objects.get().object_id == str(row.pk)


def test_what_is_no_request_id_of_fal_is_refused(desk: Client, alice: User) -> None:
    row = lost(alice)

    assert "This is not a request id of fal" in attach(desk, row, "non sense/../x")
    row.refresh_from_db()
    assert (row.status, row.request_id) == (Status.FAILED, None)
    assert not LogEntry.objects.exists()


def test_a_request_belongs_to_one_video_only(desk: Client, alice: User) -> None:
    row, other = lost(alice), lost(alice)
    request_id = str(uuid.uuid4())
    attach(desk, other, request_id)

    assert f"belongs to another video already: {other.pk}" in attach(desk, row, request_id)
    assert Generation.objects.get(pk=row.pk).request_id is None


def test_giving_up_releases_the_cost_and_is_logged(desk: Client, admin: User, alice: User) -> None:
    row = lost(alice)

    assert "Given up; its cost is released." in give_up(desk, row)
    row.refresh_from_db()
    assert (row.status, row.reason, row.cost_cents) == (Status.FAILED, "given_up", 0)
    assert Event.objects.latest("id").by == admin
    assert LogEntry.objects.get().object_id == str(row.pk)


def test_what_was_given_up_and_turns_up_after_all_costs_again(desk: Client, alice: User) -> None:
    row = lost(alice)
    give_up(desk, row)

    attach(desk, row, str(uuid.uuid4()))

    row.refresh_from_db()
    assert (row.status, row.cost_cents) == (Status.RENDERING, 35)


def test_there_is_nothing_to_settle_about_what_goes_its_way(desk: Client, alice: User) -> None:
    row = make_generation(alice, alice.personal_team, Status.RENDERING)
    for name in ("attach", "give_up"):
        assert desk.post(reverse(f"admin:generations_generation_{name}", args=[row.pk])).status_code == 404


def test_who_may_only_look_settles_nothing(alice: User, mona: User) -> None:
    row = lost(alice)
    mona.is_staff = True
    mona.save(update_fields=["is_staff"])
    for name in ("attach", "give_up"):
        assert signed_in(mona).post(reverse(f"admin:generations_generation_{name}", args=[row.pk])).status_code == 403


def test_a_request_that_was_taken_up_late_is_waited_for_anew(desk: Client, alice: User, settings: Settings) -> None:
    settings.GENERATION_GIVE_UP_HOURS = 24
    row = lost(alice)
    attach(desk, row, str(uuid.uuid4()))
    row.refresh_from_db()

    assert not transitions.is_overdue(row), "a person has just settled it"
    with rewriting_history():
        Event.objects.filter(status=Status.RENDERING).update(at=timezone.now() - timedelta(days=1, minutes=1))
    assert transitions.is_overdue(row)
