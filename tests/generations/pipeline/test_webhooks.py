"""fal's calls, signed by the sandbox and sent over real HTTP, and what a stranger can do at the same address."""

import json
import time
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.fal.responses import RequestUrls
from generations.fal.webhooks import MAX_BODY, Delivery, KeySet, mac
from generations.fal_account import fal_config
from generations.models import AT_FAL, Event, Generation, Status
from generations.pipeline import receive_webhook, submit, transitions
from generations.views import webhooks as views
from tests.cast import make_generation, make_input_picture
from tests.generations.pipeline.driven import TIMEOUT, drive_to_the_end, one_pass
from tests.sandbox_process import Sandbox

NO_VIDEO = "[sandbox: no_media_generated]"


@pytest.fixture
def studio(live_server: LiveServer, sandbox: Sandbox, settings: Settings) -> Sandbox:
    """The studio at an address that fal can call."""
    sandbox.set_faults("")
    settings.PUBLIC_URL = live_server.url
    return sandbox


def called(generation: Generation, request_id: str, **said: Any) -> bool:
    """fal's call, once it is believed."""
    return receive_webhook(generation.pk, Delivery(request_id, **said))


def until_called(generation: Generation) -> Generation:
    give_up = time.monotonic() + TIMEOUT
    while (
        not Generation.objects.filter(pk=generation.pk)
        .exclude(request_id=None)
        .exclude(webhook_received_at=None)
        .exists()
    ):
        assert time.monotonic() < give_up, "no webhook came"
        time.sleep(0.05)
    generation.refresh_from_db()
    return generation


def deliveries(sandbox: Sandbox, generation: Generation) -> list[dict[str, Any]]:
    requests = sandbox.records()["requests"]
    return [hook for request in requests if request["prompt"] == generation.prompt for hook in request["deliveries"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["", "webhook_doubled=1", "webhook_forged=1"])
def test_a_call_makes_the_row_due_at_once(alice: User, studio: Sandbox, fault: str) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Call me {fault} {NO_VIDEO}")
    studio.set_faults(fault)
    one_pass()
    until_called(generation)

    assert generation.due_at is not None
    assert generation.webhook_received_at is not None
    assert generation.due_at <= generation.webhook_received_at or generation.status != Status.RENDERING
    assert drive_to_the_end(generation).reason == "no_media_generated"


@pytest.mark.django_db(transaction=True)
def test_a_call_brings_home_a_request_whose_answer_was_lost(alice: User, studio: Sandbox) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Lost, then called {NO_VIDEO}")
    studio.set_faults("submit_cut_after=1")
    one_pass()
    give_up = time.monotonic() + TIMEOUT
    while not Generation.objects.filter(request_id__isnull=False).exists():
        assert time.monotonic() < give_up, "no webhook came"
        time.sleep(0.05)

    assert Event.objects.filter(message__contains="webhook").exists()
    assert drive_to_the_end(generation).reason == "no_media_generated"
    requests = [request for request in studio.records()["requests"] if request["prompt"] == generation.prompt]
    assert [request["id"] for request in requests] == [Generation.objects.get().request_id]


@pytest.mark.django_db(transaction=True)
def test_a_call_that_overtakes_the_submit_answer_is_no_trouble(alice: User, studio: Sandbox) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Early {NO_VIDEO}")
    studio.set_faults("webhook_early=1")
    one_pass()

    drive_to_the_end(generation)

    assert (generation.status, generation.reason) == (Status.FAILED, "no_media_generated")
    assert Event.objects.filter(status=Status.RENDERING).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_its_webhook_a_request_is_found_by_polling(alice: User, studio: Sandbox) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Never called {NO_VIDEO}")
    studio.set_faults("webhook_lost=1")

    assert drive_to_the_end(generation).reason == "no_media_generated"
    generation.refresh_from_db()
    assert generation.webhook_received_at is None


@pytest.mark.django_db
def test_a_late_or_doubled_call_changes_nothing(alice: User) -> None:
    done = make_generation(alice, alice.personal_team, status=Status.DONE)
    before = Generation.objects.values().get()

    assert not called(done, done.request_id or "")
    assert not receive_webhook(uuid.uuid4(), Delivery("r-1"))
    assert Generation.objects.values().get() == before


@pytest.mark.django_db
def test_a_call_for_the_request_of_another_row_is_not_believed(alice: User) -> None:
    ours = make_generation(alice, alice.personal_team, status=Status.RENDERING)
    lost = make_generation(alice, alice.personal_team, status=Status.SUBMITTING)

    assert not called(lost, ours.request_id or ""), "one request is one generation's"
    assert not called(lost, "../../admin"), "an id is not a path"
    lost.refresh_from_db()
    assert (lost.status, lost.request_id) == (Status.SUBMITTING, None)


# --- in whatever state it finds the row -------------------------------------------------------------------------------

SENT = {"submitted_at": timezone.now() - timedelta(minutes=3)}
ADOPTED = [
    (Status.QUEUED, SENT | {"reason": "not_taken", "message": "Sent again.", "attempts": 1}),
    (Status.SUBMITTING, {}),
    (Status.SUBMITTING, {"reason": "answer_lost", "cancel_requested_at": timezone.now()}),
    (Status.SUBMITTING, {"unconfirmed_id": "of-the-call", "unknown_since": timezone.now()}),
    (Status.CANCELED, SENT | {"cost_cents": 0}),
    *(
        (Status.FAILED, SENT | {"reason": reason, "cost_cents": cost})
        for reason, cost in (("outcome_unknown", 35), ("given_up", 0), ("never_queued", 0), ("bad_answer", 0))
    ),
    (Status.FAILED, SENT | {"cost_cents": 0, "trashed_at": timezone.now()}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "columns"), ADOPTED)
def test_a_true_call_takes_up_a_row_in_whatever_state_it_is(
    alice: User, status: Status, columns: dict[str, Any]
) -> None:
    row = make_generation(alice, alice.personal_team, status, **columns)

    assert called(row, "r-1")

    row.refresh_from_db()
    assert row.status in AT_FAL
    assert (row.request_id, row.cost_cents, row.trashed_at, row.finished_at) == ("r-1", 35, None, None)
    assert (row.unconfirmed_id, row.unknown_since) == ("", None)
    assert Event.objects.filter(status=Status.RENDERING).count() == 1
    assert called(row, "r-1"), "doubled"
    assert Generation.objects.count() == 1


def test_every_state_without_a_request_is_in_the_table_above_or_below() -> None:
    assert {status for status, _ in ADOPTED} | set(NEVER_SENT) | AT_FAL | {Status.MIRRORING, Status.DONE} == set(Status)


NEVER_SENT = [Status.HELD, Status.REJECTED]


@pytest.mark.django_db
@pytest.mark.parametrize("status", NEVER_SENT)
def test_a_call_for_what_was_never_sent_is_written_down_and_no_more(alice: User, status: Status) -> None:
    row = make_generation(alice, alice.personal_team, status)

    assert not called(row, "r-1")

    assert Generation.objects.get().status == status
    assert "r-1" in Event.objects.latest("id").message


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELED])
def test_what_has_ended_is_opened_again_for_a_video_alone(alice: User, status: Status) -> None:
    row = make_generation(alice, alice.personal_team, status, request_id="r-1", cost_cents=0)

    assert not called(row, "r-1", has_video=False)
    assert Generation.objects.get().status == status

    assert called(row, "r-1")
    row.refresh_from_db()
    assert (row.status, row.cost_cents) == (Status.RENDERING, 35)


@pytest.mark.django_db
def test_what_was_deleted_stays_deleted_and_is_paid_for_once(alice: User) -> None:
    row = make_generation(alice, alice.personal_team, Status.FAILED, cost_cents=0)
    assert row.delete_permanently(alice)

    for _ in range(2):
        assert not called(row, "r-1")

    row.refresh_from_db()
    assert (row.status, row.request_id, row.cost_cents) == (Status.FAILED, "r-1", 35)
    assert row.deleted_at


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.RENDERING, Status.CANCELLING, Status.MIRRORING, Status.DONE])
def test_a_second_job_for_one_order_becomes_a_row_of_its_own(alice: User, status: Status) -> None:
    row = make_generation(alice, alice.personal_team, status, endpoint=Endpoint.IMAGE_TO_VIDEO, is_private=True)
    picture = make_input_picture(row)

    for _ in range(3):
        assert called(row, "r-2")

    second = Generation.objects.exclude(pk=row.pk).get()
    assert (second.status, second.request_id, second.cost_cents) == (Status.RENDERING, "r-2", 35)
    assert (second.parent, second.user, second.team, second.is_private) == (row, alice, row.team, True)
    assert second.webhook_received_at
    assert bucket.get(second.pictures.get().key) == bucket.get(picture.key)
    assert Generation.objects.get(pk=row.pk).status == status


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["other", "known"])
def test_fals_own_attempts_at_a_job_are_the_same_job(alice: User, name: str) -> None:
    row = make_generation(alice, alice.personal_team, Status.RENDERING, request_id="known")

    assert called(row, "other", other_ids=frozenset({"known"}))
    assert Generation.objects.count() == 1


@pytest.mark.django_db
def test_a_worker_that_is_about_to_send_what_fal_calls_for_sends_nothing(
    alice: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_faults("")
    row = make_generation(alice, alice.personal_team, prompt=f"Called before it is sent again {NO_VIDEO}")
    commit = submit._commit_to_submitting

    def call_first(rows: list[Generation]) -> set[uuid.UUID]:
        assert called(row, "r-1")
        return commit(rows)

    monkeypatch.setattr(submit, "_commit_to_submitting", call_first)
    before = sandbox.records()["counters"]["submits"]
    one_pass()

    row.refresh_from_db()
    assert (row.status, row.request_id) == (Status.RENDERING, "r-1")
    assert sandbox.records()["counters"]["submits"] == before


@pytest.mark.django_db
def test_an_answer_that_names_another_job_than_the_call_did_is_kept_as_a_second_one(alice: User) -> None:
    row = make_generation(alice, alice.personal_team, Status.SUBMITTING)
    assert called(row, "r-1")

    transitions.mark_at_fal(row, RequestUrls.for_id(fal_config(), "r-2"), None)

    assert set(Generation.objects.values_list("request_id", "status", "cost_cents")) == {
        ("r-1", Status.RENDERING, 35),
        ("r-2", Status.RENDERING, 35),
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "fault", ["submit_500_bare_after", "submit_503_bare_after", "submit_broken_after", "submit_503_after"]
)
def test_a_call_brings_home_what_fal_took_with_an_error(alice: User, studio: Sandbox, fault: str) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Called home after {fault} {NO_VIDEO}")
    studio.set_faults(f"{fault}=1")
    one_pass()
    until_called_or_adopted(generation)

    studio.set_faults("")
    assert drive_to_the_end(generation).reason == "no_media_generated"
    assert len([one for one in studio.records()["requests"] if one["prompt"] == generation.prompt]) == 1


def until_called_or_adopted(generation: Generation) -> None:
    give_up = time.monotonic() + TIMEOUT
    while not Generation.objects.filter(pk=generation.pk, request_id__isnull=False).exists():
        assert time.monotonic() < give_up, "no webhook came"
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_replaced_costs_a_call_and_no_more(alice: User, studio: Sandbox) -> None:
    for number in range(2):
        generation = make_generation(alice, alice.personal_team, prompt=f"Rotated {number} {NO_VIDEO}")
        studio.set_faults("key_rotated=1")
        one_pass()
        until_called(generation)


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["keys_hang", "keys_broken", "keys_503"])
def test_while_fals_keys_cannot_be_had_a_call_is_asked_to_come_back(
    alice: User, client: Client, settings: Settings, sandbox: Sandbox, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "https://studio.example"
    monkeypatch.setattr(views, "_keys", cache(lambda: KeySet(settings.FAL_JWKS_URL)))
    sandbox.set_faults(f"{fault}=1")
    generation = make_generation(alice, alice.personal_team, status=Status.RENDERING)
    headers = {"X-Fal-Webhook-Timestamp": str(int(time.time())), "X-Fal-Webhook-Signature": "00" * 64}

    answer = client.post(
        f"/webhooks/fal/{generation.pk}/",
        json.dumps({"request_id": generation.request_id, "status": "OK"}),
        content_type="application/json",
        query_params={"mac": mac(generation.pk, settings.SECRET_KEY)},
        headers=headers,
    )
    assert answer.status_code == 503


@pytest.mark.django_db
def test_a_stranger_gets_nowhere(
    alice: User, client: Client, settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "https://studio.example"
    sandbox.set_faults("")
    monkeypatch.setattr(views, "_keys", cache(lambda: KeySet(settings.FAL_JWKS_URL, wait=TIMEOUT)))
    generation = make_generation(alice, alice.personal_team, status=Status.RENDERING)
    path = f"/webhooks/fal/{generation.pk}/"
    ours = {"mac": mac(generation.pk, settings.SECRET_KEY)}
    body = json.dumps({"request_id": generation.request_id, "status": "OK"})

    def post(query: dict[str, str], content: str = body, **headers: str) -> int:
        answer = client.post(path, content, content_type="application/json", query_params=query, headers=headers)
        return answer.status_code

    assert post({}) == 404
    assert post({"mac": mac(uuid.uuid4(), settings.SECRET_KEY)}) == 404
    assert post(ours) == 403
    assert post(ours, **{"X-Fal-Webhook-Timestamp": str(int(time.time())), "X-Fal-Webhook-Signature": "00" * 64}) == 403
    assert post(ours, "x" * (MAX_BODY + 1)) == 413
    assert client.get(path, ours).status_code == 405
    generation.refresh_from_db()
    assert generation.webhook_received_at is None


@pytest.mark.django_db
def test_without_a_public_address_there_is_no_webhook(alice: User, client: Client, settings: Settings) -> None:
    generation = make_generation(alice, alice.personal_team, status=Status.RENDERING)
    query = {"mac": mac(generation.pk, settings.SECRET_KEY)}

    assert (
        client.post(f"/webhooks/fal/{generation.pk}/", "{}", "application/json", query_params=query).status_code == 404
    )


@pytest.mark.django_db(transaction=True)
def test_fal_is_never_redirected(alice: User, studio: Sandbox, live_server: LiveServer) -> None:
    answer = httpx.post(f"{live_server.url}/webhooks/fal/{uuid.uuid4()}", follow_redirects=False)

    assert not answer.is_redirect
