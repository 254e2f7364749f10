"""A worker is killed at each step; the next one brings the row to its right end, and fal was never asked twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from devserver import addresses
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.fal.webhooks import Delivery
from generations.models import Generation, Slot, Status, Video
from generations.pipeline import receive_webhook, submit
from tests.cast import make_generation, make_input_picture
from tests.chaos.dying_worker import POINTS
from tests.chaos.processes import url_of_test_database
from tests.generations.pipeline.driven import drive_to_the_end, drive_until, make_due, one_pass
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

TIMEOUT = 60.0  # s; a limit against hanging, not a measure
AT_FAL_ALREADY = {
    "before the cancel is noted",
    "between poll and verdict",
    "during the copy",
    "before done",
    "inside done",
}
REFUSED = "[sandbox: no_media_generated]"
COMMITTED_ONLY = {"between commit and POST", "between two groups"}


@pytest.fixture(autouse=True)
def no_faults(sandbox: Sandbox) -> None:
    sandbox.set_faults("")


def order(alice: User, prompt: str) -> Generation:
    """From a small picture, which makes a small video."""
    generation = make_generation(alice, alice.personal_team, prompt=prompt, endpoint=Endpoint.IMAGE_TO_VIDEO)
    make_input_picture(generation, Slot.START)
    return generation


def requests(sandbox: Sandbox, generation: Generation) -> list[dict[str, Any]]:
    """What the sandbox's records say was accepted with this generation's prompt."""
    return [request for request in sandbox.records()["requests"] if request["prompt"] == generation.prompt]


def kill_a_worker(point: str) -> None:
    """Have a worker process take up all that is due, and die at the point."""
    make_due()
    worker = subprocess.run(
        [sys.executable, "-m", "tests.chaos.dying_worker", point],
        cwd=addresses.ROOT,
        env=os.environ | {"DATABASE_URL": url_of_test_database()},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert worker.returncode == -signal.SIGKILL, f"it did not come to that point:\n{worker.stderr[-2000:]}"


def let_leases_run_out() -> None:
    Generation.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now())


def bring_to_fal(sandbox: Sandbox, generation: Generation) -> None:
    """Until fal has ended it, and the studio has yet to hear of that."""
    one_pass()
    give_up = time.monotonic() + TIMEOUT
    while requests(sandbox, generation)[0]["status"] != "COMPLETED":
        assert time.monotonic() < give_up
        time.sleep(0.1)
    assert Generation.objects.get().status == Status.RENDERING


@pytest.mark.parametrize("point", [point for point in POINTS if point not in AT_FAL_ALREADY | COMMITTED_ONLY])
def test_killed_on_the_way_to_fal_it_is_sent_once(alice: User, sandbox: Sandbox, point: str) -> None:
    generation = order(alice, f"Killed {point}")

    kill_a_worker(point)
    let_leases_run_out()
    drive_to_the_end(generation)

    assert_made_once(sandbox, generation)


@pytest.mark.parametrize("point", ["between poll and verdict", "during the copy", "before done", "inside done"])
def test_killed_on_the_way_home_it_comes_home_all_the_same(alice: User, sandbox: Sandbox, point: str) -> None:
    generation = order(alice, f"Killed {point}")
    bring_to_fal(sandbox, generation)

    kill_a_worker(point)
    assert not Video.objects.exists()
    let_leases_run_out()
    drive_to_the_end(generation)

    assert_made_once(sandbox, generation)


def test_killed_between_commit_and_post_it_is_not_sent_again_and_released_at_no_cost(
    alice: User, sandbox: Sandbox, settings: Settings
) -> None:
    generation = order(alice, "Killed between commit and POST")

    kill_a_worker("between commit and POST")
    let_leases_run_out()
    one_pass()
    generation.refresh_from_db()
    assert generation.status == Status.SUBMITTING, "nobody can know that it was not sent"

    settings.GENERATION_GIVE_UP_HOURS = 0
    drive_to_the_end(generation)
    assert (generation.status, generation.reason, generation.cost_cents) == (Status.FAILED, "never_queued", 0)
    assert requests(sandbox, generation) == []


def test_killed_amid_a_batch_it_releases_one_small_group_and_sends_the_rest(
    alice: User, sandbox: Sandbox, settings: Settings
) -> None:
    count = 2 * submit.COMMIT_BATCH_SIZE + 3
    prompts = [f"Killed amid a batch, {number} {REFUSED}" for number in range(count)]
    for prompt in prompts:
        make_generation(alice, alice.personal_team, prompt=prompt)

    kill_a_worker("between two groups")
    assert Generation.objects.filter(status=Status.QUEUED).count() >= 3
    let_leases_run_out()
    drive_until(lambda: Generation.objects.open().count() == submit.COMMIT_BATCH_SIZE)
    settings.GENERATION_GIVE_UP_HOURS = 0
    drive_until(lambda: not Generation.objects.open().exists())

    sent = count - submit.COMMIT_BATCH_SIZE
    reasons = Counter(Generation.objects.values_list("reason", flat=True))
    assert reasons == {"never_queued": submit.COMMIT_BATCH_SIZE, "no_media_generated": sent}
    records = [request["prompt"] for request in sandbox.records()["requests"] if request["prompt"] in prompts]
    assert len(records) == len(set(records)) == sent


@pytest.mark.parametrize("point", ["before the answer", "before the id is saved"])
def test_a_webhook_takes_up_what_a_killed_worker_has_sent(alice: User, sandbox: Sandbox, point: str) -> None:
    generation = order(alice, f"Called, killed {point}")

    kill_a_worker(point)
    (request,) = requests(sandbox, generation)
    assert receive_webhook(generation.pk, Delivery(request["id"]))
    drive_to_the_end(generation)

    assert_made_once(sandbox, generation)


def test_killed_between_a_cancel_and_its_note_it_is_canceled_and_costs_nothing(
    alice: User, slow_sandbox: Sandbox
) -> None:
    generation = order(alice, "Killed while it was canceled")
    one_pass()
    generation.refresh_from_db()
    assert generation.cancel(alice)

    kill_a_worker("before the cancel is noted")
    let_leases_run_out()
    drive_to_the_end(generation)

    assert (generation.status, generation.cost_cents) == (Status.CANCELED, 0)
    assert len(requests(slow_sandbox, generation)) == 1


def assert_made_once(sandbox: Sandbox, generation: Generation) -> None:
    """One request at fal, one video in the bucket, one charge."""
    (request,) = requests(sandbox, generation)
    assert (generation.status, generation.request_id) == (Status.DONE, request["id"]), generation.message
    assert (generation.cost_cents, request["charged_units"]) == (35, 5)
    assert bucket.size(generation.video.key) == generation.video.size
