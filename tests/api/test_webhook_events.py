"""What happened becomes one message to each endpoint that wants it: whatever sweeps, and whatever was killed."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership, Team, User
from api.models import WebhookCursor, WebhookDelivery, WebhookEndpoint
from api.webhooks import collect, deliver, health
from generations import tasks
from generations.backup.after_restore import BARRIER, mark_restored, raise_barrier
from generations.billing.budget_alerts import send_budget_alerts
from generations.models import BudgetWarning, Cause, DecisionKind, Hold, Status, SubmitPause
from generations.moderation import decisions
from generations.moderation.cases import open_case
from sharing import review
from sharing.review import Reviewer
from tests.api.webhook_cast import make_endpoint
from tests.cast import make_generation
from tests.scripted_server import Reply, ScriptedServer
from tests.sharing.cast import Shared

MARKER = "xylophonist"


def bodies() -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in WebhookDelivery.objects.order_by("made_at", "pk")]


def types() -> list[str]:
    return [body["type"] for body in bodies()]


# --- endings


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED, Status.CANCELED, Status.REJECTED])
def test_each_ending_is_told_once(endpoint: WebhookEndpoint, bob: User, film: Team, status: Status) -> None:
    row = make_generation(bob, film, status, prompt="A fox")
    assert collect.collect() == 1
    assert collect.collect() == 0
    (body,) = bodies()
    data = body["data"]
    assert body["type"] == f"generation.{status}"
    assert data["id"] == str(row.pk)
    assert data["url"].endswith(f"/generations/{row.pk}/")
    assert data["team"] == {"id": str(film.pk), "slug": "film", "name": "Film"}
    assert data["user"] == {"id": bob.pk, "name": "Bob"}
    assert (data["status"], data["prompt"], data["cost_cents"]) == (status, "A fox", 35)
    assert data["reason"] == ("content_policy" if status == Status.FAILED else None)
    assert (data["poster_url"] is not None) == (status == Status.DONE)


@pytest.mark.parametrize("status", [one for one in Status if one not in {"done", "failed", "canceled", "rejected"}])
def test_what_is_under_way_is_not_told(endpoint: WebhookEndpoint, bob: User, film: Team, status: Status) -> None:
    make_generation(bob, film, status)
    assert collect.collect() == 0


def test_later_events_of_the_same_state_are_no_endings(
    endpoint: WebhookEndpoint, bob: User, alice: User, film: Team
) -> None:
    row = make_generation(bob, film, Status.DONE)
    assert collect.collect() == 1
    row.move_to_trash(bob)
    row.restore_from_trash(bob)
    row.events.create(status=row.status, by=bob, message="Shared by link “Teaser”.")
    assert collect.collect() == 0


def test_video_that_comes_after_all_is_a_second_ending(endpoint: WebhookEndpoint, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.FAILED, reason="outcome_unknown")
    collect.collect()
    for status in (Status.RENDERING, Status.MIRRORING, Status.DONE):
        assert row.move(status, request_id="a", source_url="https://fal.media/a.mp4")
    collect.collect()
    assert types() == ["generation.failed", "generation.done"]


def test_endpoint_gets_what_it_wants_of_its_team_since_it_is_on(
    film: Team, alice: User, bob: User, mallory: User, receiver: ScriptedServer
) -> None:
    other = Team.objects.get_queryset().get(personal_of=mallory)
    wanting = make_endpoint(film, receiver.url, events=["generation.done"])
    make_endpoint(film, receiver.url, events=["generation.failed"])
    make_endpoint(film, receiver.url, disabled_at=timezone.now(), disabled_reason="x")
    make_endpoint(other, receiver.url)
    make_endpoint(film, receiver.url, active_since=timezone.now() + timedelta(minutes=1))
    make_generation(bob, film, Status.DONE)
    assert collect.collect() == 1
    assert WebhookDelivery.objects.get().endpoint == wanting


def test_closed_team_is_told_nothing(endpoint: WebhookEndpoint, bob: User, film: Team) -> None:
    make_generation(bob, film, Status.DONE)
    Team.objects.get_queryset().filter(pk=film.pk).update(closed_at=timezone.now())
    assert collect.collect() == 0
    health.delete_old()
    assert not WebhookEndpoint.objects.exists()


# --- privacy


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED])
@pytest.mark.parametrize(
    "hidden", [{"is_private": True}, {"awaits_review": True}, {"trashed_at": timezone.now()}], ids="/".join
)
@pytest.mark.parametrize("format_", ["standard", "slack", "discord", "teams"])
def test_no_word_of_what_others_may_not_see(
    film: Team, alice: User, bob: User, status: Status, hidden: dict[str, Any], format_: str
) -> None:
    endpoint = make_endpoint(film, "https://example.com/", format=format_)
    words = {"message": f"fal refused “{MARKER}”", "provider_message": MARKER, "reason": "x", "responsible_party": "us"}
    row = make_generation(
        bob, film, status, prompt=f"A {MARKER}", **hidden, **(words if status == Status.FAILED else {})
    )
    by = Reviewer(bob)
    review.add_comment(row, by, {"text": MARKER}, None)
    Hold.objects.create(generation=row, kind=Hold.Kind.APPROVAL, reason=MARKER)
    assert collect.collect() == 2
    for delivery in endpoint.deliveries.all():
        assert MARKER not in delivery.body
        assert "/poster" not in delivery.body
        assert str(row.pk) in delivery.body


# --- the other sources


def test_approval_is_asked_once_for_an_order(endpoint: WebhookEndpoint, bob: User, film: Team) -> None:
    first = make_generation(bob, film, Status.HELD)
    rows = [make_generation(bob, film, Status.HELD, batch=first.pk, batch_index=number) for number in range(3)]
    for row in rows:
        Hold.objects.create(generation=row, kind=Hold.Kind.APPROVAL, reason="Above $1")
    Hold.objects.create(generation=first, kind=Hold.Kind.RULE, reason="A word")
    assert collect.collect() == 1
    (body,) = bodies()
    assert body["type"] == "approval.requested"
    assert body["data"]["total_cents"] == 105
    assert sorted(body["data"]["generations"]) == sorted(str(row.pk) for row in rows)
    assert body["data"]["approval_url"].endswith("/teams/film/approvals")
    rows[0].cancel(bob)
    assert "approval.requested" not in types()[1:]


def test_budget_is_told_by_its_highest_threshold(endpoint: WebhookEndpoint, bob: User, film: Team) -> None:
    Team.objects.get_queryset().filter(pk=film.pk).update(monthly_limit_cents=100)
    Membership.objects.filter(user=bob, team=film).update(monthly_limit_cents=60)
    make_generation(bob, film, Status.RENDERING, cost_cents=85)
    send_budget_alerts()
    assert collect.collect() == 2
    told = {(body["data"]["user"] or {}).get("name"): body["data"]["percent"] for body in bodies()}
    assert told == {None: 80, "Bob": 100}
    assert types() == ["budget.warning"] * 2
    assert BudgetWarning.objects.count() == 5
    assert collect.collect() == 0


def test_comments_and_verdicts_of_members_and_guests(film: Team, alice: User, shared: Shared, bob: User) -> None:
    make_endpoint(film, "https://example.com/", events=["comment.created", "verdict.given"])
    review.add_comment(shared.first, Reviewer(bob), {"text": "Redder, please", "start_ms": 1500}, None)
    review.give_verdict(shared.first, Reviewer(bob), "approved", "Fine")
    collect.collect()
    told = {(body["type"], body["data"].get("comment", body["data"].get("verdict"))["author"]) for body in bodies()}
    assert told == {("comment.created", "Gwen"), ("comment.created", "Bob"), ("verdict.given", "Bob")}
    (bobs,) = [one["data"] for one in bodies() if one["data"].get("comment", {}).get("author") == "Bob"]
    assert bobs["comment"]["text"] == "Redder, please"
    assert bobs["comment"]["start"] == 1.5
    assert bobs["review_url"].endswith(f"/generations/{shared.first.pk}/review/")
    review.give_verdict(shared.first, Reviewer(bob), "changes_wanted", "Not yet")
    assert collect.collect() == 1


def test_take_down_and_its_end(endpoint: WebhookEndpoint, bob: User, mo: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE, prompt=f"A {MARKER}")
    WebhookEndpoint.objects.update(events=["video.taken_down", "video.restored"])
    case = open_case(row, Cause.REPORT)
    decisions.decide(case, DecisionKind.TAKE_DOWN, mo, "It shows a logo")
    collect.collect()
    assert types() == ["video.taken_down"]
    assert MARKER not in WebhookDelivery.objects.get().body


# --- sweeps that meet, and transactions that are late


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_is_not_missed(film: Team, alice: User, bob: User, receiver: ScriptedServer) -> None:
    """A transaction that began before two sweeps, and ends after them."""
    make_endpoint(film, receiver.url)
    begun, may_end = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            make_generation(bob, film, Status.DONE)
            begun.set()
            may_end.wait(20)
        connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    begun.wait(20)
    assert collect.collect() == 0
    make_generation(bob, film, Status.FAILED)
    assert collect.collect() == 1
    assert collect.collect() == 0
    may_end.set()
    thread.join()
    assert collect.collect() == 1
    assert collect.collect() == 0


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_make_one_of_each(film: Team, alice: User, bob: User, receiver: ScriptedServer) -> None:
    make_endpoint(film, receiver.url)
    for _ in range(20):
        make_generation(bob, film, Status.DONE)

    def sweep() -> None:
        collect.collect()
        connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    collect.collect()
    assert WebhookDelivery.objects.count() == 20


def test_killed_in_the_middle_of_a_sweep(
    endpoint: WebhookEndpoint, bob: User, film: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is half done: the next sweep makes the same rows with the same ids."""
    make_generation(bob, film, Status.DONE)
    real = collect._save

    def killed(news: list[Any]) -> int:
        real(news)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(collect, "_save", killed)
        with pytest.raises(SystemExit):
            collect.collect()
    assert not WebhookDelivery.objects.exists()
    assert collect.collect() == 1
    first = WebhookDelivery.objects.get().pk
    WebhookDelivery.objects.all().delete()
    WebhookCursor.objects.all().delete()
    collect.collect()
    assert WebhookDelivery.objects.get().pk == first


# --- the flows of the project


def test_nothing_old_is_sent_after_a_restore(
    endpoint: WebhookEndpoint, bob: User, film: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generations.backup.after_restore.refuse_company", lambda: None)
    make_generation(bob, film, Status.DONE)
    collect.collect()
    make_generation(bob, film, Status.DONE)
    raise_barrier()
    assert collect.collect() == 0
    mark_restored()
    assert not SubmitPause.objects.filter(reason=BARRIER).exists()
    assert collect.collect() == 0
    assert not WebhookDelivery.objects.filter(due_at__isnull=False).exists()


def test_bodies_go_after_a_month_and_with_their_videos(endpoint: WebhookEndpoint, bob: User, film: Team) -> None:
    rows = [make_generation(bob, film, Status.DONE, prompt=f"{MARKER} {number}") for number in range(4)]
    collect.collect()
    deliveries = {one.generation_id: one for one in WebhookDelivery.objects.all()}
    for one in deliveries.values():
        one.attempts.create(number=1, milliseconds=1, response=MARKER, request_headers={"a": MARKER})
    now = timezone.now()
    WebhookDelivery.objects.filter(generation=rows[0]).update(made_at=now - timedelta(days=31))
    WebhookDelivery.objects.filter(generation=rows[1]).update(made_at=now - timedelta(days=91))
    rows[2].delete_permanently(bob)
    health.delete_old()
    left = {one.generation_id: one for one in WebhookDelivery.objects.all()}
    assert set(left) == {rows[0].pk, rows[2].pk, rows[3].pk}
    assert [bool(left[rows[number].pk].body) for number in (0, 2, 3)] == [False, False, True]
    assert left[rows[2].pk].failed_at
    assert not left[rows[0].pk].attempts.filter(response=MARKER).exists()
    assert WebhookDelivery.objects.replay() == 0


@pytest.mark.django_db(transaction=True)
def test_the_sweep_sends_in_threads_of_its_own(film: Team, alice: User, bob: User, receiver: ScriptedServer) -> None:
    """The worker goes on at once, whatever a receiver does: its next pass over generations waits for nobody."""
    may_answer = threading.Event()
    make_endpoint(film, f"{receiver.url}/slow")
    receiver.pages["/slow"] = Reply(204, pause=0.3)
    rows = [make_generation(bob, film, Status.DONE) for _ in range(3)]
    tasks.frequent()
    told_at_once = len(receiver.asked)
    while WebhookDelivery.objects.filter(due_at__isnull=False).exists():
        tasks.frequent()
        may_answer.wait(0.05)
    assert told_at_once <= 1
    assert [asked.json["data"]["id"] for asked in receiver.asked] == [str(row.pk) for row in rows]
    while len(deliver._free) < deliver.THREADS:
        may_answer.wait(0.05)
    assert health.delete_old in tasks._hourly
