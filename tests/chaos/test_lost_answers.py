"""fal took the request and its answer was lost: without webhooks, fal's list is what finds it."""

import pytest
from pytest_django import Settings

from accounts.models import User
from generations.models import Generation, Status
from tests.cast import make_generation
from tests.generations.pipeline.driven import drive_until, one_pass
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db

REFUSED = "[sandbox: no_media_generated]"


def lose_answers(sandbox: Sandbox) -> None:
    """One pass in which fal takes every request, and no answer arrives."""
    sandbox.set_faults("submit_cut_after=1")
    one_pass()
    sandbox.set_faults("")
    assert set(Generation.objects.values_list("status", "request_id")) == {(Status.SUBMITTING, None)}


def test_equal_requests_that_were_lost_together_are_all_found(alice: User, sandbox: Sandbox) -> None:
    prompt = f"Four variants of one prompt {REFUSED}"
    for _ in range(4):
        make_generation(alice, alice.personal_team, prompt=prompt)
    lose_answers(sandbox)

    drive_until(lambda: not Generation.objects.open().exists())

    at_fal = {request["id"] for request in sandbox.records()["requests"] if request["prompt"] == prompt}
    assert len(at_fal) == 4
    assert set(Generation.objects.values_list("request_id", flat=True)) == at_fal


def test_a_request_is_not_given_up_while_fals_list_cannot_be_read(
    alice: User, sandbox: Sandbox, settings: Settings
) -> None:
    generation = make_generation(alice, alice.personal_team, prompt=f"The list is away {REFUSED}")
    lose_answers(sandbox)
    listed, settings.FAL_API_URL = settings.FAL_API_URL, "http://127.0.0.1:9/v1"
    settings.GENERATION_GIVE_UP_HOURS = 0
    one_pass()

    generation.refresh_from_db()
    assert generation.status == Status.SUBMITTING
    assert generation.needs_attention_since is not None

    settings.FAL_API_URL = listed
    settings.GENERATION_GIVE_UP_HOURS = 1
    drive_until(lambda: not Generation.objects.open().exists())
    generation.refresh_from_db()
    assert generation.reason == "no_media_generated"
    assert not Generation.objects.filter(needs_attention_since__isnull=False).exists()
