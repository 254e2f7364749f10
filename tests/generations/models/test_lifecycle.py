"""The state machine: its whole matrix, the rows that the database refuses, and races for one row."""

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Team, User
from generations.fal.arguments import Endpoint
from generations.models import DRIVEN, MOVES, OPEN, TERMINAL, Event, Generation, Status
from generations.models.generation_queryset import IllegalMoveError
from tests.cast import make_generation

LEGAL = [(origin, target) for origin in Status for target in sorted(MOVES[origin])]
ILLEGAL = [pair for pair in itertools.product(Status, Status) if pair not in LEGAL]

# what a state asks for beyond the status itself
NEEDED: dict[Status, dict[str, Any]] = {
    Status.RENDERING: {"request_id": "r-1"},
    Status.MIRRORING: {"source_url": "https://v3.fal.media/files/x.mp4"},
    Status.FAILED: {"reason": "because", "message": "Because.", "responsible_party": "us"},
}


def test_every_state_says_where_it_may_go() -> None:
    assert set(MOVES) == set(Status)
    assert set(Status) == OPEN | TERMINAL
    assert not OPEN & TERMINAL
    assert {status for status in TERMINAL if MOVES[status]} == {Status.FAILED, Status.CANCELED}
    assert MOVES[Status.FAILED] == MOVES[Status.CANCELED] == {Status.RENDERING}, "what was paid for comes home"


@pytest.mark.django_db
@pytest.mark.parametrize(("origin", "target"), LEGAL)
def test_a_legal_move_is_made_and_written_down(alice: User, origin: Status, target: Status) -> None:
    now = timezone.now()
    generation = make_generation(alice, alice.personal_team, status=origin, needs_attention_since=now)
    before = generation.changed_at

    assert generation.move(target, by=alice, **NEEDED.get(target, {}))

    kept = Generation.objects.get()
    assert kept.status == generation.status == target
    assert kept.changed_at > before
    assert (kept.finished_at is not None) == (target in TERMINAL)
    assert (kept.due_at is not None) == (target in DRIVEN)
    assert kept.needs_attention_since is None, "that was about the state before"
    event = Event.objects.latest("id")
    assert (event.generation, event.status, event.by) == (kept, target, alice)


@pytest.mark.django_db
@pytest.mark.parametrize(("origin", "target"), ILLEGAL)
def test_an_illegal_move_is_a_programming_error(alice: User, origin: Status, target: Status) -> None:
    generation = make_generation(alice, alice.personal_team, status=origin)

    with pytest.raises(IllegalMoveError):
        generation.move(target)

    assert Generation.objects.get().status == origin


@pytest.mark.django_db
def test_the_second_of_two_movers_changes_nothing(alice: User) -> None:
    first = make_generation(alice, alice.personal_team, status=Status.QUEUED)
    second = Generation.objects.get()

    assert first.move(Status.SUBMITTING)
    events = Event.objects.count()

    assert not second.move(Status.CANCELED)
    assert Generation.objects.get().status == Status.SUBMITTING
    assert Event.objects.count() == events


@pytest.mark.django_db
def test_a_worker_whose_lease_was_taken_over_can_not_move_the_row(alice: User) -> None:
    make_generation(alice, alice.personal_team, status=Status.RENDERING)
    (slow,) = Generation.objects.claim_due([Status.RENDERING], 1, timedelta(seconds=-1))
    (quick,) = Generation.objects.claim_due([Status.RENDERING], 1, timedelta(minutes=1))

    assert not slow.move(Status.FAILED, leased=True, **NEEDED[Status.FAILED])
    assert not slow.update_if_leased(queue_position=3)
    assert quick.update_if_leased(queue_position=2)


@pytest.mark.django_db
@pytest.mark.parametrize(("origin", "target"), ILLEGAL)
def test_an_illegal_move_of_many_is_refused(alice: User, origin: Status, target: Status) -> None:
    rows = [make_generation(alice, alice.personal_team, status=origin) for _ in range(2)]

    with pytest.raises(IllegalMoveError):
        Generation.objects.move_claimed(rows, target)

    assert {row.status for row in Generation.objects.all()} == {origin}


@pytest.mark.django_db
def test_of_rows_that_are_moved_together_only_those_still_held_are_moved_and_written_down(alice: User) -> None:
    for attempts in range(4):
        make_generation(alice, alice.personal_team, status=Status.QUEUED, attempts=attempts)
    rows = Generation.objects.claim_due([Status.QUEUED], 9, timedelta(minutes=1))
    assert Generation.objects.get(attempts=1).cancel(alice)
    Generation.objects.filter(attempts=2).update(lease=uuid.uuid4())
    events = Event.objects.count()

    moved = Generation.objects.move_claimed(rows, Status.SUBMITTING, attempts=F("attempts"))

    assert {row.attempts for row in rows if row.pk in moved} == {0, 3}
    assert {row.status for row in rows if row.pk in moved} == {Status.SUBMITTING}
    assert set(Generation.objects.filter(status=Status.SUBMITTING).values_list("pk", "attempts")) == {
        (row.pk, row.attempts) for row in rows if row.pk in moved
    }
    assert set(Event.objects.filter(status=Status.SUBMITTING).values_list("generation_id", flat=True)) == moved
    assert Event.objects.count() == events + 2


@pytest.mark.django_db
def test_moving_none_moves_none() -> None:
    assert Generation.objects.move_claimed([], Status.SUBMITTING) == set()


@pytest.mark.django_db
def test_a_move_forgets_what_went_wrong_before_it(alice: User) -> None:
    generation = make_generation(
        alice, alice.personal_team, status=Status.QUEUED, attempts=3, reason="down", message="fal is down."
    )

    generation.move(Status.SUBMITTING)

    assert (generation.attempts, generation.reason, generation.message) == (0, "", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "columns"),
    [
        (Status.QUEUED, {"status": "lost"}),
        (Status.QUEUED, {"due_at": None}),
        (Status.QUEUED, {"finished_at": timezone.now()}),
        (Status.QUEUED, {"duration": 7}),
        (Status.QUEUED, {"cfg_scale": 1.1}),
        (Status.QUEUED, {"cfg_scale": -0.1}),
        (Status.QUEUED, {"endpoint": "fal-ai/other"}),
        (Status.QUEUED, {"aspect_ratio": "4:3"}),
        (Status.QUEUED, {"endpoint": Endpoint.IMAGE_TO_VIDEO, "aspect_ratio": "16:9"}),
        (Status.RENDERING, {"request_id": None}),
        (Status.MIRRORING, {"source_url": ""}),
        (Status.DONE, {"finished_at": None}),
        (Status.DONE, {"due_at": timezone.now()}),
        (Status.DONE, {"request_id": None}),
        (Status.FAILED, {"reason": ""}),
        (Status.FAILED, {"message": ""}),
        (Status.FAILED, {"responsible_party": ""}),
        (Status.QUEUED, {"unconfirmed_id": "r-1"}),
        (Status.RENDERING, {"unknown_since": timezone.now()}),
    ],
)
def test_the_database_refuses_rows_that_make_no_sense(alice: User, status: Status, columns: dict[str, Any]) -> None:
    generation = make_generation(alice, alice.personal_team, status=status)

    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.filter(pk=generation.pk).update(**columns)


@pytest.mark.django_db
def test_two_rows_never_share_a_request_at_fal(alice: User) -> None:
    first = make_generation(alice, alice.personal_team, status=Status.RENDERING)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_generation(alice, alice.personal_team, status=Status.RENDERING, request_id=first.request_id)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_threads_that_move_one_row_one_wins(alice: User) -> None:
    make_generation(alice, alice.personal_team, status=Status.QUEUED)
    together = Barrier(50)

    def move(number: int) -> bool:
        generation = Generation.objects.get()
        together.wait()
        try:
            return generation.move(Status.SUBMITTING if number % 2 else Status.CANCELED)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        wins = list(threads.map(move, range(50)))

    assert sum(wins) == 1
    assert Event.objects.filter(status__in=[Status.SUBMITTING, Status.CANCELED]).count() == 1
    close_old_connections()


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_never_get_the_same_row(alice: User) -> None:
    for _ in range(40):
        make_generation(alice, alice.personal_team, status=Status.QUEUED)
    together = Barrier(8)

    def claim(_: int) -> list[Generation]:
        together.wait()
        try:
            return Generation.objects.claim_due([Status.QUEUED], 10, timedelta(minutes=1))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        claimed = [row.pk for rows in threads.map(claim, range(8)) for row in rows]

    assert len(claimed) == len(set(claimed))
    rest = Generation.objects.claim_due([Status.QUEUED], 100, timedelta(minutes=1))
    assert len(claimed) + len(rest) == 40


@pytest.mark.django_db
def test_only_due_and_free_rows_are_claimed_the_longest_waiting_first(alice: User) -> None:
    now = timezone.now()
    later = make_generation(alice, alice.personal_team, status=Status.RENDERING, due_at=now - timedelta(seconds=1))
    sooner = make_generation(alice, alice.personal_team, status=Status.RENDERING, due_at=now - timedelta(seconds=9))
    make_generation(alice, alice.personal_team, status=Status.RENDERING, due_at=now + timedelta(minutes=1))
    make_generation(alice, alice.personal_team, status=Status.RENDERING, lease_until=now + timedelta(minutes=1))
    make_generation(alice, alice.personal_team, status=Status.QUEUED)

    assert Generation.objects.claim_due([Status.RENDERING], 9, timedelta(minutes=1)) == [sooner, later]
    assert Generation.objects.claim_due([Status.RENDERING], 9, timedelta(minutes=1)) == []


@pytest.mark.django_db
def test_a_dead_workers_rows_come_back_when_its_lease_has_run_out(alice: User) -> None:
    make_generation(alice, alice.personal_team, status=Status.MIRRORING)
    (row,) = Generation.objects.claim_due([Status.MIRRORING], 1, timedelta(seconds=30))

    assert Generation.objects.claim_due([Status.MIRRORING], 1, timedelta(seconds=30)) == []
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert Generation.objects.claim_due([Status.MIRRORING], 1, timedelta(seconds=30)) == [row]


def test_keys_are_deterministic_and_lie_under_the_team() -> None:
    generation = Generation(team=Team())

    assert generation.key_prefix == f"teams/{generation.team_id}/generations/{generation.pk}"
