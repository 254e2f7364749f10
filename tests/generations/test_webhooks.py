"""fal's calls, signed by the sandbox and sent over real HTTP, and what a stranger can do at the same address."""

import json
import time
import uuid
from typing import Any

import httpx
import pytest
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from generations.fal.webhooks import MAX_BODY, mac
from generations.models import Event, Generation, Status
from generations.pipeline import fal_called
from tests.cast import make_generation
from tests.generations.driven import PATIENCE, drive_to_the_end, one_pass
from tests.sandbox_process import Sandbox

NO_VIDEO = "[sandbox: no_media_generated]"


@pytest.fixture
def studio(live_server: LiveServer, sandbox: Sandbox, settings: Settings) -> Sandbox:
    """The studio at an address that fal can call."""
    sandbox.set_faults("")
    settings.PUBLIC_URL = live_server.url
    return sandbox


def until_called(generation: Generation) -> Generation:
    give_up = time.monotonic() + PATIENCE
    while not Generation.objects.filter(pk=generation.pk).exclude(request_id=None).exclude(called_at=None).exists():
        assert time.monotonic() < give_up, "no webhook came"
        time.sleep(0.05)
    generation.refresh_from_db()
    return generation


def deliveries(sandbox: Sandbox, generation: Generation) -> list[dict[str, Any]]:
    requests = sandbox.books()["requests"]
    return [hook for request in requests if request["prompt"] == generation.prompt for hook in request["deliveries"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["", "webhook_doubled=1", "webhook_forged=1"])
def test_a_call_makes_the_row_due_at_once(alice: User, studio: Sandbox, fault: str) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Call me {fault} {NO_VIDEO}")
    studio.set_faults(fault)
    one_pass()
    until_called(generation)

    assert generation.due_at is not None
    assert generation.called_at is not None
    assert generation.due_at <= generation.called_at or generation.status != Status.RENDERING
    assert drive_to_the_end(generation).reason == "no_media_generated"


@pytest.mark.django_db(transaction=True)
def test_a_call_brings_home_a_request_whose_answer_was_lost(alice: User, studio: Sandbox) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"Lost, then called {NO_VIDEO}")
    studio.set_faults("submit_cut_after=1")
    one_pass()
    give_up = time.monotonic() + PATIENCE
    while not Generation.objects.filter(request_id__isnull=False).exists():
        assert time.monotonic() < give_up, "no webhook came"
        time.sleep(0.05)

    assert Event.objects.filter(message__contains="webhook").exists()
    assert drive_to_the_end(generation).reason == "no_media_generated"
    requests = [request for request in studio.books()["requests"] if request["prompt"] == generation.prompt]
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
    assert generation.called_at is None


@pytest.mark.django_db
def test_a_late_or_doubled_call_changes_nothing(alice: User) -> None:
    done = make_generation(alice, alice.personal_team, status=Status.DONE)
    before = Generation.objects.values().get()

    assert not fal_called(done.pk, done.request_id or "")
    assert not fal_called(uuid.uuid4(), "r-1")
    assert Generation.objects.values().get() == before


@pytest.mark.django_db
def test_a_call_for_another_request_is_not_believed(alice: User) -> None:
    ours = make_generation(alice, alice.personal_team, status=Status.RENDERING)
    lost = make_generation(alice, alice.personal_team, status=Status.SUBMITTING)

    assert not fal_called(ours.pk, "someone-elses")
    assert not fal_called(lost.pk, ours.request_id or ""), "one request is one generation's"
    assert not fal_called(lost.pk, "../../admin"), "an id is not a path"
    lost.refresh_from_db()
    assert (lost.status, lost.request_id) == (Status.SUBMITTING, None)


@pytest.mark.django_db
def test_a_stranger_gets_nowhere(alice: User, client: Client, settings: Settings, sandbox: Sandbox) -> None:
    settings.PUBLIC_URL = "https://studio.example"
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
    assert generation.called_at is None


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
