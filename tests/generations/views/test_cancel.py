"""The Cancel button: who has it, what it does in each state, and what the person is told."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from generations.models import OPEN, Event, Generation, Status
from tests.cast import make_generation, signed_in

CANCELABLE = [Status.HELD, Status.QUEUED, Status.SUBMITTING, Status.RENDERING]


def cancel(row: Generation) -> str:
    return reverse("generation-cancel", args=[row.pk])


def said(client: Client, row: Generation, **data: str) -> str:
    return client.post(cancel(row), data, follow=True).content.decode()


@pytest.mark.parametrize("status", [Status.HELD, Status.QUEUED])
def test_what_fal_has_not_seen_ends_at_once(film: Team, alice: User, bob: User, status: Status) -> None:
    row = make_generation(alice, film, status)

    assert "Canceled. It costs nothing." in said(signed_in(bob), row)
    row.refresh_from_db()
    assert (row.status, row.cost_cents) == (Status.CANCELED, 0)
    assert Event.objects.latest("id").by == bob


@pytest.mark.parametrize(
    ("status", "then"), [(Status.SUBMITTING, Status.SUBMITTING), (Status.RENDERING, Status.CANCELLING)]
)
def test_what_fal_has_ends_by_fals_own_answer(film: Team, bob: User, status: Status, then: Status) -> None:
    row = make_generation(bob, film, status)

    assert "fal is asked to cancel it." in said(signed_in(bob), row)
    row.refresh_from_db()
    assert (row.status, row.cost_cents) == (then, 35)
    assert row.cancel_requested_at is not None


@pytest.mark.parametrize("status", [Status.SUBMITTING, Status.RENDERING])
def test_asked_twice_is_asked_once(film: Team, bob: User, status: Status) -> None:
    row = make_generation(bob, film, status)
    client = signed_in(bob)
    said(client, row)
    events = Event.objects.count()

    assert "It is being canceled already." in said(client, row)
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.MIRRORING, "Too late to cancel"),
        (Status.DONE, "Too late to cancel"),
        (Status.FAILED, "It has already ended."),
        (Status.REJECTED, "It has already ended."),
        (Status.CANCELED, "It has already ended."),
    ],
)
def test_too_late_changes_nothing_and_says_so(film: Team, bob: User, status: Status, words: str) -> None:
    row = make_generation(bob, film, status)

    assert words in said(signed_in(bob), row)
    row.refresh_from_db()
    assert row.status == status
    assert Event.objects.count() == 1


def test_a_row_that_a_worker_moved_meanwhile_is_canceled_as_what_it_is_now(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_generation(bob, film, Status.QUEUED)
    first_try = Generation.cancel

    def a_worker_is_quicker(generation: Generation, by: User) -> bool:
        monkeypatch.setattr(Generation, "cancel", first_try)
        Generation.objects.get().move(Status.SUBMITTING)
        return generation.cancel(by)

    monkeypatch.setattr(Generation, "cancel", a_worker_is_quicker)

    assert "fal is asked to cancel it." in said(signed_in(bob), row)
    row.refresh_from_db()
    assert (row.status, row.cancel_requested_at is not None) == (Status.SUBMITTING, True)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", ["generation", "generation-panel", "generation-card", "gallery"])
def test_button_is_there_when_it_can_do_something(film: Team, bob: User, name: str, status: Status) -> None:
    row = make_generation(bob, film, status)
    page = signed_in(bob).get(reverse(name, args=[] if name == "gallery" else [row.pk])).content.decode()

    assert (f'action="{cancel(row)}"' in page) is (status in CANCELABLE)


def test_button_is_for_those_who_may_generate(film: Team, bob: User, victor: User) -> None:
    row = make_generation(bob, film, Status.RENDERING)

    for name in ("generation", "generation-panel", "generation-card"):
        assert cancel(row) not in signed_in(victor).get(reverse(name, args=[row.pk])).content.decode()
    assert signed_in(victor).post(cancel(row)).status_code == 403
    row.refresh_from_db()
    assert row.status == Status.RENDERING


def test_button_is_gone_once_it_was_pressed(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.SUBMITTING)
    client = signed_in(bob)

    assert cancel(row) not in said(client, row)
    assert "Being canceled" in client.get(row.get_absolute_url()).content.decode()


def test_leads_back_to_where_it_was_pressed_and_nowhere_else(film: Team, bob: User) -> None:
    client = signed_in(bob)
    row = make_generation(bob, film, Status.DONE)

    assert client.post(cancel(row)).headers["Location"] == row.get_absolute_url()
    assert client.post(cancel(row), {"next": "/?before=x"}).headers["Location"] == "/?before=x"
    assert client.post(cancel(row), {"next": "https://evil.example"}).headers["Location"] == row.get_absolute_url()
    assert client.post(cancel(row), headers={"HX-Request": "true"}).headers["HX-Redirect"] == row.get_absolute_url()


@pytest.mark.parametrize("name", ["generation", "generation-panel", "generation-card", "gallery"])
def test_being_canceled_is_said_everywhere(film: Team, bob: User, name: str) -> None:
    row = make_generation(bob, film, Status.CANCELLING)
    page = signed_in(bob).get(reverse(name, args=[] if name == "gallery" else [row.pk])).content.decode()

    assert "Being canceled: fal may still finish it; then it’s kept and charged" in page
    assert "data-open" in page
    assert row.status in OPEN
