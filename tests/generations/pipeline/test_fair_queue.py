"""The fair queue: whose turn it is, never more at fal than may be, and a team's queue that is paused."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.models import Generation, Status, TeamPause
from generations.pipeline import drive
from generations.pipeline.fair_queue import MemberLoad, Pair, claim_next, fair_order, queue_positions
from tests.cast import make_generation, signed_in
from tests.generations.pipeline.driven import drive_until
from tests.sandbox_process import Sandbox

A, B = (uuid.UUID(int=number) for number in (1, 2))
BATCH = 50


def order(lines: dict[Pair, MemberLoad], count: int = 6) -> list[Pair]:
    return list(islice(fair_order(lines), count))


def test_teams_take_turns_and_members_within_them() -> None:
    lines = {(A, 1): MemberLoad(9, 0), (A, 2): MemberLoad(9, 0), (B, 3): MemberLoad(9, 0)}

    assert order(lines) == [(A, 1), (B, 3), (A, 2), (B, 3), (A, 1), (B, 3)]


def test_who_has_least_at_fal_comes_first() -> None:
    assert order({(A, 1): MemberLoad(9, 2), (B, 3): MemberLoad(9, 0)}, 3) == [(B, 3), (B, 3), (A, 1)]
    assert order({(A, 1): MemberLoad(9, 1), (A, 2): MemberLoad(9, 0)}, 1) == [(A, 2)]


def test_who_was_served_the_longest_ago_breaks_the_tie() -> None:
    assert order({(A, 1): MemberLoad(9, 0, last=20), (B, 3): MemberLoad(9, 0, last=10)}, 2) == [(B, 3), (A, 1)]
    assert order({(A, 1): MemberLoad(9, 0, last=20), (A, 2): MemberLoad(9, 0, last=10)}, 2) == [(A, 2), (A, 1)]


_LINES = st.dictionaries(
    st.tuples(st.sampled_from([A, B]), st.integers(1, 4)), st.builds(MemberLoad, st.integers(0, 9), st.integers(0, 3))
)


@given(_LINES)
def test_everything_that_waits_has_its_turn_once(lines: dict[Pair, MemberLoad]) -> None:
    found = list(fair_order(lines))
    assert {pair: found.count(pair) for pair in lines} == {pair: line.waiting for pair, line in lines.items()}


@given(_LINES)
def test_no_team_is_more_than_one_ahead_of_another_that_waits(lines: dict[Pair, MemberLoad]) -> None:
    at_fal = {team: sum(line.running for (of, _), line in lines.items() if of == team) for team in (A, B)}
    waits = {team: sum(line.waiting for (of, _), line in lines.items() if of == team) for team in (A, B)}
    for team, _ in fair_order(lines):
        other = B if team == A else A
        assert not waits[other] or at_fal[team] <= at_fal[other]
        at_fal[team] += 1
        waits[team] -= 1


# --- the rows ---------------------------------------------------------------------------------------------------------


def batch(user: User, team: Team, count: int, **columns: Any) -> list[Generation]:
    return [make_generation(user, team, batch_index=number, **columns) for number in range(count)]


def test_never_more_are_claimed_than_there_is_room(film: Team, alice: User, bob: User, settings: Settings) -> None:
    settings.FAL_MAX_RUNNING = 3
    make_generation(bob, film, Status.RENDERING)
    batch(alice, film, 5)

    assert len(claim_next(45)) == 2
    assert claim_next(45) == []


def test_what_a_dead_worker_has_claimed_comes_free_with_its_lease(film: Team, alice: User, settings: Settings) -> None:
    settings.FAL_MAX_RUNNING = 1
    rows = batch(alice, film, 2)
    assert claim_next(1) == [rows[0]]
    assert claim_next(1) == []

    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert len(claim_next(1)) == 1


@pytest.mark.parametrize(
    ("status", "columns"),
    [
        (Status.SUBMITTING, {"submitted_at": timezone.now() - timedelta(seconds=61), "reason": "answer_lost"}),
        (Status.SUBMITTING, {"submitted_at": timezone.now() - timedelta(seconds=61), "unconfirmed_id": "r-1"}),
        (Status.RENDERING, {"needs_attention_since": timezone.now()}),
    ],
)
def test_what_may_take_for_ever_holds_nobody_up(
    film: Team, alice: User, settings: Settings, status: Status, columns: dict[str, Any]
) -> None:
    settings.FAL_MAX_RUNNING = 1
    make_generation(alice, film, status, **columns)
    make_generation(alice, film)

    assert len(claim_next(1)) == 1


@pytest.mark.django_db(transaction=True)
def test_claims_at_once_do_not_pass_the_limit_together(film: Team, alice: User, settings: Settings) -> None:
    settings.FAL_MAX_RUNNING = 7
    batch(alice, film, 40)
    together = threading.Barrier(8)

    def claim(_: int) -> list[Generation]:
        try:
            together.wait(10)
            return claim_next(3)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        claimed = [row.pk for rows in threads.map(claim, range(8)) for row in rows]
    assert len(claimed) == len(set(claimed)) == 7


def test_one_video_of_another_member_does_not_wait_for_a_batch(
    film: Team, alice: User, bob: User, sandbox: Sandbox, settings: Settings
) -> None:
    """With two slots: the other's is among the next two that fal is sent, as fal's own records say."""
    settings.FAL_MAX_RUNNING = 2
    sandbox.set_faults("")
    refused = "[sandbox: no_media_generated]"
    batch(alice, film, BATCH, prompt=f"A batch {refused}")
    drive()
    sent_before = len(_sent(sandbox, "A batch"))
    assert 2 <= sent_before < BATCH - 2
    make_generation(bob, film, prompt=f"One alone {refused}")

    drive_until(lambda: not Generation.objects.open().exists())
    records = [one["prompt"].partition(" [")[0] for one in _sent(sandbox, "A batch", "One alone")]
    assert records.index("One alone") - sent_before < 2
    assert records.count("A batch") == BATCH


def _sent(sandbox: Sandbox, *words: str) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = sandbox.records()["requests"]
    return [one for one in requests if one["prompt"].startswith(words)]


def test_place_counts_what_is_sent_before(film: Team, alice: User, bob: User) -> None:
    of_alice, of_bob = batch(alice, film, 3), batch(bob, film, 1)
    running = make_generation(alice, film, Status.RENDERING)

    # one of hers is at fal, so his comes first
    assert queue_positions([*of_alice, *of_bob, running]) == {
        of_bob[0].pk: 0,
        of_alice[0].pk: 1,
        of_alice[1].pk: 2,
        of_alice[2].pk: 3,
    }


def test_queries_for_places_do_not_grow(film: Team, alice: User, django_assert_max_num_queries: Any) -> None:
    rows = batch(alice, film, 12)
    with django_assert_max_num_queries(5):
        assert len(queue_positions(rows)) == 12


# --- a team's queue is paused ----------------------------------------------------------------------------------------


def test_paused_team_waits_and_nobody_else(film: Team, alice: User, mallory: User) -> None:
    theirs, other = make_generation(alice, film), make_generation(mallory, mallory.personal_team)
    pause = TeamPause.objects.create(team=film, began_by=alice)

    assert claim_next(9) == [other]
    assert queue_positions([theirs]) == {}
    pause.ended_at = timezone.now()
    pause.save()
    assert claim_next(9) == [theirs]


def test_owner_pauses_and_resumes_and_both_are_on_record(film: Team, alice: User, bob: User) -> None:
    row = make_generation(bob, film)
    client = signed_in(alice)
    client.post("/teams/film/queue", {"verb": "pause", "note": "Until the budget is there"})
    client.post("/teams/film/queue", {"verb": "pause", "note": "Twice"})
    page = signed_in(bob).get("/teams/film/queue").content.decode()
    assert "Until the budget is there" in page
    assert "Until the budget is there" in signed_in(bob).get(row.get_absolute_url()).content.decode()
    assert claim_next(9) == []

    client.post("/teams/film/queue", {"verb": "resume"})
    pause = TeamPause.objects.get()
    assert (pause.began_by, pause.ended_by) == (alice, alice)
    assert claim_next(9) == [row]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER, Role.VIEWER])
def test_others_see_the_queue_and_pause_nothing(film: Team, alice: User, bob: User, role: Role) -> None:
    Membership.objects.filter(team=film, user=bob).update(role=role)
    client = signed_in(bob)

    assert client.get("/teams/film/queue").status_code == 200
    assert client.post("/teams/film/queue", {"verb": "pause"}).status_code == 403
    assert not TeamPause.objects.exists()


def test_places_are_told_to_those_who_may_see_the_rows(film: Team, alice: User, bob: User, mallory: User) -> None:
    rows = batch(alice, film, 2)
    address = f"/events/queue-positions?ids={rows[0].pk},{rows[1].pk}"

    assert signed_in(bob).get(address).json() == {
        str(rows[0].pk): "Next to be sent to fal",
        str(rows[1].pk): "1 request ahead here",
    }
    assert signed_in(mallory).get(address).json() == {}
    assert signed_in(bob).get("/events/queue-positions?ids=nonsense").status_code == 400
