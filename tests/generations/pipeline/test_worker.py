"""The whole way of a generation: real rows, a real bucket, and fal's protocol over real HTTP."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from generations import bucket
from generations.fal.arguments import Endpoint
from generations.fal.client import AsyncFalClient
from generations.fal.responses import RequestUrls, Submitted
from generations.fal.webhooks import Delivery
from generations.fal_account import fal_config
from generations.models import Event, Generation, Slot, Status, SubmitPause, Video
from generations.pipeline import drive, receive_webhook, schedule, submit, worker
from tests.cast import make_generation, make_input_picture
from tests.generations.pipeline.driven import TIMEOUT, drive_to_the_end, drive_until, one_pass
from tests.sandbox_process import Sandbox
from tests.scripted_server import Reply, scripted_server

pytestmark = pytest.mark.django_db


FOX = "A fox in the snow"  # the sandbox renders a request once and remembers the file


@pytest.fixture(autouse=True)
def no_faults(sandbox: Sandbox) -> None:
    sandbox.set_faults("")


def order(alice: User, prompt: str = FOX, **columns: Any) -> Generation:
    """From a small picture, which makes a small video; a request that says which endpoint is as it says."""
    if "endpoint" in columns:
        return make_generation(alice, alice.personal_team, prompt=prompt, **columns)
    generation = make_generation(alice, alice.personal_team, prompt=prompt, endpoint=Endpoint.IMAGE_TO_VIDEO, **columns)
    make_input_picture(generation, Slot.START)
    return generation


def submits(sandbox: Sandbox, generation: Generation) -> list[dict[str, object]]:
    """What the sandbox's records say was queued with this generation's prompt."""
    return [request for request in sandbox.records()["requests"] if request["prompt"] == generation.prompt]


@pytest.mark.usefixtures("rendering_sandbox")
def test_a_prompt_becomes_a_video_in_the_bucket(alice: User) -> None:
    generation = drive_to_the_end(order(alice, endpoint=Endpoint.TEXT_TO_VIDEO, aspect_ratio="1:1"))

    assert generation.status == Status.DONE, generation.message
    video = generation.video
    assert (video.width, video.height, video.duration, video.fps, video.codec) == (1080, 1080, 5, 24, "h264")
    assert video.key == f"teams/{alice.personal_team.pk}/generations/{generation.pk}/video.mp4"
    assert bucket.size(video.key) == video.size == generation.copied_bytes
    assert bucket.get(video.poster_key)[8:12] == b"WEBP"
    assert bucket.get(video.preview_key)[4:8] == b"ftyp"
    assert video.placeholder.startswith("data:image/webp;base64,")
    assert generation.cost_cents == 35
    assert generation.billable_units == 5
    assert list(Event.objects.values_list("status", flat=True)) == [
        Status.QUEUED, Status.SUBMITTING, Status.RENDERING, Status.MIRRORING, Status.DONE,
    ]  # fmt: skip


@pytest.mark.parametrize("delivery", ["upload", "presigned"])
def test_a_picture_becomes_a_video_in_its_own_shape(
    alice: User, rendering_sandbox: Sandbox, settings: Settings, delivery: str
) -> None:
    settings.FAL_INPUT_DELIVERY = delivery
    generation = order(alice, f"Pan over it ({delivery})", endpoint=Endpoint.IMAGE_TO_VIDEO, duration=10, cost_cents=70)
    make_input_picture(generation, Slot.START)
    make_input_picture(generation, Slot.TAIL)

    drive_to_the_end(generation)

    assert generation.status == Status.DONE, generation.message
    assert (generation.video.width / generation.video.height, generation.video.duration) == (400 / 300, 10)
    (sent,) = submits(rendering_sandbox, generation)
    addresses = dict(generation.pictures.values_list("slot", "fal_url"))
    assert sent["arguments"] == {
        "prompt": generation.prompt,
        "duration": "10",
        "negative_prompt": generation.negative_prompt,
        "cfg_scale": 0.5,
        "image_url": addresses["start"],
        "tail_image_url": addresses["tail"],
    }


def test_twenty_at_once_with_one_worker_are_in_flight_together(alice: User, slow_sandbox: Sandbox) -> None:
    generations = [order(alice, f"Number {number}") for number in range(20)]

    one_pass()
    for generation in generations:
        generation.refresh_from_db()
        generation.cancel(alice)
    drive_until(lambda: not Generation.objects.open().exists())

    requests = [submits(slow_sandbox, generation)[0] for generation in generations]
    last_submit = max(str(request["submitted"]) for request in requests)
    first_end = min(str(request["ended"]) for request in requests)
    assert last_submit < first_end


def test_progress_is_written_down_while_it_renders(alice: User, sandbox: Sandbox) -> None:
    generation = order(alice)
    seen: list[list[str]] = []

    def has_ended() -> bool:
        generation.refresh_from_db()
        seen.append([line["message"] for line in generation.logs])
        return not generation.is_open

    drive_until(has_ended)

    assert "Reading the prompt" in seen[-1]
    assert generation.queue_position is None
    assert generation.inference_seconds is not None


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("submit_401", "key_refused", "FAL_KEY"),
        ("submit_403_locked", "balance_exhausted", "balance"),
        ("submit_402", "balance_exhausted", "balance"),
    ],
)
def test_a_refused_account_rests_submitting_for_all_and_loses_nothing(
    alice: User, sandbox: Sandbox, fault: str, reason: str, words: str
) -> None:
    generations = [order(alice, f"{number} {fault} [sandbox: no_media_generated]") for number in range(3)]
    sandbox.set_faults(f"{fault}=1")
    before = sandbox.records()["counters"]["submits"]
    one_pass()
    refused = sandbox.records()["counters"]["submits"] - before
    one_pass()

    assert sandbox.records()["counters"]["submits"] - before == refused, "nothing is sent while submitting rests"
    pause = SubmitPause.objects.get()
    assert pause.reason == reason
    assert words in pause.message
    assert Generation.objects.filter(reason=reason, message=pause.message).count() == refused
    assert set(Generation.objects.values_list("status", flat=True)) == {Status.QUEUED}

    SubmitPause.objects.update(try_at=timezone.now())
    one_pass()
    assert sandbox.records()["counters"]["submits"] - before == refused + 1, "one request finds out"

    sandbox.set_faults("")
    SubmitPause.objects.update(try_at=timezone.now())
    drive_until(lambda: not Generation.objects.open().exists())
    assert not SubmitPause.objects.exists()
    assert all(len(submits(sandbox, generation)) == 1 for generation in generations)


@pytest.mark.parametrize("fault", ["submit_502_gateway", "submit_429", "submit_429_long"])
def test_while_fal_is_down_the_row_says_so_and_is_sent_once_when_it_is_back(
    alice: User, sandbox: Sandbox, fault: str
) -> None:
    generation = order(alice, f"Patience with {fault} [sandbox: no_media_generated]")
    sandbox.set_faults(f"{fault}=1")
    one_pass()
    one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.attempts) == (Status.QUEUED, 2)
    assert generation.message
    assert generation.due_at is not None
    assert generation.due_at - timezone.now() < timedelta(minutes=12), "fal may ask for much, but not for months"
    assert submits(sandbox, generation) == []

    sandbox.set_faults("")
    drive_to_the_end(generation)
    assert len(submits(sandbox, generation)) == 1


# --- an answer that proves nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["submit_500_after", "submit_503_after"])
def test_an_error_with_an_id_that_fal_knows_is_a_request_like_any_other(
    alice: User, sandbox: Sandbox, fault: str
) -> None:
    generation = order(alice, f"Taken with an error, {fault}")
    sandbox.set_faults(f"{fault}=1")
    one_pass()
    generation.refresh_from_db()
    assert (generation.status, generation.reason, generation.request_id) == (Status.SUBMITTING, "answer_lost", None)

    drive_to_the_end(generation)

    assert generation.status == Status.DONE, generation.message
    (request,) = submits(sandbox, generation)
    assert (request["id"], request["charged_units"]) == (generation.request_id, 5)
    assert generation.cost_cents == 35


@pytest.mark.parametrize("fault", ["submit_500", "submit_503"])
def test_an_error_with_an_id_that_fal_does_not_know_is_sent_again_when_that_was_said_twice_a_minute_apart(
    alice: User, sandbox: Sandbox, fault: str
) -> None:
    generation = order(alice, f"Not taken, {fault} [sandbox: no_media_generated]")
    sandbox.set_faults(f"{fault}=1")
    for _ in range(4):
        one_pass()
    generation.refresh_from_db()
    assert generation.status == Status.SUBMITTING, "said often, but not for long enough"
    assert generation.unknown_since

    sandbox.set_faults("")
    a_minute_passes(generation)
    one_pass()
    generation.refresh_from_db()
    assert (generation.status, generation.reason) == (Status.QUEUED, "not_taken")
    assert drive_to_the_end(generation).reason == "no_media_generated"
    assert len(submits(sandbox, generation)) == 1


@pytest.mark.parametrize("trouble", ["status_500", "nobody there"])
def test_trouble_while_asking_for_an_id_does_not_mean_that_fal_does_not_know_it(
    alice: User, sandbox: Sandbox, settings: Settings, trouble: str
) -> None:
    generation = order(alice, f"Asked for in vain, {trouble} [sandbox: no_media_generated]")
    sandbox.set_faults("submit_503_after=1")
    one_pass()
    sandbox.set_faults("status_500=1" if trouble == "status_500" else "")
    settings.FAL_QUEUE_URL = sandbox.url if trouble == "status_500" else "http://127.0.0.1:9"
    for _ in range(3):
        one_pass()
        a_minute_passes(generation)
    generation.refresh_from_db()
    assert (generation.status, generation.unknown_since) == (Status.SUBMITTING, None)

    sandbox.set_faults("")
    settings.FAL_QUEUE_URL = sandbox.url
    drive_to_the_end(generation)
    assert len(submits(sandbox, generation)) == 1


def test_an_error_whose_id_is_of_the_call_and_not_of_the_job_is_found_in_fals_list_before_it_is_sent_again(
    alice: User, sandbox: Sandbox
) -> None:
    generation = order(alice, "Another id [sandbox: no_media_generated]")
    sandbox.set_faults("submit_500_other_after=1")
    for _ in range(2):
        one_pass()
    a_minute_passes(generation)
    give_up = time.monotonic() + TIMEOUT
    while submits(sandbox, generation)[0]["status"] != "COMPLETED":
        assert time.monotonic() < give_up
        time.sleep(0.05)

    drive_to_the_end(generation)
    assert generation.reason == "no_media_generated"
    (request,) = submits(sandbox, generation)
    assert request["id"] == generation.request_id


def test_fal_may_hear_late_of_what_it_took(alice: User, sandbox: Sandbox) -> None:
    """Unknown once, then known: two of its parts were not of one mind."""
    generation = order(alice, "Heard of late [sandbox: no_media_generated]")
    sandbox.set_faults("submit_503_after=1,status_404=1")
    one_pass()
    one_pass()
    generation.refresh_from_db()
    assert generation.unknown_since
    a_minute_passes(generation)
    sandbox.set_faults("")

    drive_to_the_end(generation)
    assert len(submits(sandbox, generation)) == 1


def test_a_cancel_of_what_fal_never_took_takes_effect_without_a_cost(alice: User, sandbox: Sandbox) -> None:
    generation = order(alice, "Not taken, and canceled")
    sandbox.set_faults("submit_503=1")
    one_pass()
    one_pass()
    generation.refresh_from_db()
    assert generation.cancel(alice)
    a_minute_passes(generation)
    one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.cost_cents) == (Status.CANCELED, 0)


@pytest.mark.parametrize("fault", ["submit_500_bare_after", "submit_503_bare_after", "submit_broken_after"])
def test_an_error_without_an_id_is_looked_for_and_never_sent_again(alice: User, sandbox: Sandbox, fault: str) -> None:
    generation = order(alice, f"Taken without an id, {fault} [sandbox: no_media_generated]")
    sandbox.set_faults(f"{fault}=1")
    one_pass()
    one_pass()

    drive_to_the_end(generation)
    assert generation.reason == "no_media_generated"
    (request,) = submits(sandbox, generation)
    assert request["id"] == generation.request_id


def a_minute_passes(generation: Generation) -> None:
    row = Generation.objects.get(pk=generation.pk)
    if row.unknown_since:
        Generation.objects.filter(pk=row.pk).update(unknown_since=row.unknown_since - timedelta(minutes=1))


def test_fal_is_told_to_end_what_it_cannot_begin_before_machines_give_it_up(alice: User, settings: Settings) -> None:
    settings.GENERATION_GIVE_UP_HOURS = 24
    order(alice, "With a limit", endpoint=Endpoint.TEXT_TO_VIDEO)
    with scripted_server() as server:
        settings.FAL_QUEUE_URL = server.url
        server.will(Reply(429))
        one_pass()
        assert [one.headers["x-fal-request-start-timeout"] for one in server.asked] == [str(23 * 3600)]
    settings.GENERATION_GIVE_UP_HOURS = 0.01
    assert timedelta(0) < schedule.start_timeout() < schedule.give_up_after()
    settings.GENERATION_GIVE_UP_HOURS = 0
    assert schedule.start_timeout() > timedelta(0)


def test_a_refused_connection_is_tried_again(alice: User, sandbox: Sandbox, settings: Settings) -> None:
    settings.FAL_QUEUE_URL = "http://127.0.0.1:9"
    generation = order(alice, "Is anybody there? [sandbox: no_media_generated]")
    one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.attempts) == (Status.QUEUED, 1)
    assert "trying" in generation.message

    settings.FAL_QUEUE_URL = sandbox.url
    assert drive_to_the_end(generation).reason == "no_media_generated"


def test_a_lost_answer_is_found_again_in_fals_list_and_never_sent_twice(alice: User, sandbox: Sandbox) -> None:
    generation = order(alice, "Cut after it was queued")
    sandbox.set_faults("submit_cut_after=1")
    one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.reason, generation.request_id) == (Status.SUBMITTING, "answer_lost", None)

    drive_to_the_end(generation)
    assert generation.status == Status.DONE
    (request,) = submits(sandbox, generation)
    assert request["id"] == generation.request_id


def test_an_answer_that_stays_lost_is_never_sent_again_and_is_released_when_fals_list_would_have_it(
    alice: User, sandbox: Sandbox, settings: Settings
) -> None:
    generation = order(alice, "Cut before it was queued")
    sandbox.set_faults("submit_cut_before=1")
    one_pass()
    one_pass()
    generation.refresh_from_db()
    assert generation.status == Status.SUBMITTING

    settings.GENERATION_GIVE_UP_HOURS = 0
    drive_to_the_end(generation)

    assert (generation.status, generation.reason, generation.cost_cents) == (Status.FAILED, "never_queued", 0)
    assert submits(sandbox, generation) == []


LISTED = {"request_id": "r-9", "ended_at": "2026-01-01T00:00:00Z", "status_code": 200}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"json_input": None}, "outcome_unknown"),
        ({"json_input": {"prompt": "Lost", "duration": "10"}}, "outcome_unknown"),
        ({"json_input": {"prompt": "Lost\n"}}, "outcome_unknown"),
        ({"json_input": {}, "sent_at": None}, "outcome_unknown"),
        ({"json_input": {"prompt": "Somebody else's"}}, "never_queued"),
        ({"json_input": None, "request_id": "taken"}, "never_queued"),
        ({"json_input": None, "sent_at": "2026-01-01T00:00:00Z"}, "never_queued"),
    ],
)
def test_only_a_list_that_cannot_have_it_releases_it(
    alice: User, settings: Settings, item: dict[str, Any], reason: str
) -> None:
    """Whatever may be it, or can't be told from it, is for a person; its cost is kept meanwhile."""
    settings.GENERATION_GIVE_UP_HOURS = 0
    order(alice, "Another", status=Status.DONE, request_id="taken")
    generation = order(alice, "Lost", status=Status.SUBMITTING, endpoint=Endpoint.TEXT_TO_VIDEO)
    with scripted_server() as server:
        settings.FAL_API_URL = server.url
        server.will(Reply(body={"items": [LISTED | {"sent_at": timezone.now().isoformat()} | item]}))
        one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.reason) == (Status.FAILED, reason)
    assert generation.cost_cents == (0 if reason == "never_queued" else 35)


def test_what_fal_has_added_to_a_request_makes_it_no_other(alice: User, settings: Settings) -> None:
    generation = order(alice, "Lost", status=Status.SUBMITTING, endpoint=Endpoint.TEXT_TO_VIDEO)
    arguments = {"prompt": "Lost", "duration": 5, "aspect_ratio": "16:9", "cfg_scale": "0.5", "extra": None}
    arguments |= {"negative_prompt": generation.negative_prompt}
    with scripted_server() as server:
        settings.FAL_API_URL = server.url
        item = LISTED | {"sent_at": timezone.now().isoformat(), "json_input": arguments}
        server.will(Reply(body={"items": [item]}))
        one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.request_id) == (Status.RENDERING, "r-9")


def test_a_list_that_our_key_may_not_read_leaves_it_to_a_person(alice: User, settings: Settings) -> None:
    settings.GENERATION_GIVE_UP_HOURS = 0
    generation = order(alice, "Lost", status=Status.SUBMITTING)
    with scripted_server() as server:
        settings.FAL_API_URL = server.url
        server.will(Reply(403, {"error": {"type": "authorization_error", "message": "Not with this key"}}))
        one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.reason, generation.cost_cents) == (Status.FAILED, "outcome_unknown", 35)


def test_the_more_are_at_fal_the_later_a_new_one_is_first_asked_for(alice: User) -> None:
    urls = RequestUrls.for_id(fal_config(), "764cabcf-b745-4b3e-ae38-1200304cf45b")
    answer = Submitted(urls.request_id, urls.status_url, urls.response_url, urls.cancel_url, queue_position=None)
    generation = order(alice, "One of many", status=Status.SUBMITTING, request_id=None)

    submit._save_answer(generation, answer, submit.SubmitContext(in_flight=100 * schedule.MAX_POLLS_PER_SECOND))

    assert generation.due_at
    assert timedelta(seconds=79) < generation.due_at - timezone.now() < timedelta(seconds=121)


def test_a_worker_that_died_while_submitting_is_followed_by_a_search_not_by_a_second_post(
    alice: User, sandbox: Sandbox
) -> None:
    generation = order(alice, "The worker died", status=Status.SUBMITTING)

    one_pass()

    generation.refresh_from_db()
    assert generation.status == Status.SUBMITTING
    assert submits(sandbox, generation) == []


@pytest.mark.parametrize("fault", ["status_500", "status_404", "result_500"])
def test_no_verdict_means_asking_again(alice: User, sandbox: Sandbox, fault: str) -> None:
    generation = order(alice)
    one_pass()
    sandbox.set_faults(f"{fault}=1")
    drive_until(lambda: Generation.objects.get().attempts > 1)

    generation.refresh_from_db()
    assert generation.status == Status.RENDERING

    sandbox.set_faults("")
    assert drive_to_the_end(generation).status == Status.DONE


@pytest.mark.parametrize(
    ("word", "responsible_party", "cost"),
    [
        ("content_policy_violation", "user", 0),
        ("image_too_small", "user", 0),
        ("generation_timeout", "provider", 0),
        ("internal_server_error", "provider", 0),
        ("runner_disconnected", "provider", 0),
    ],
)
def test_fals_verdict_ends_it_with_a_reason_and_no_charge(
    alice: User, word: str, responsible_party: str, cost: int
) -> None:
    generation = drive_to_the_end(order(alice, f"Do it [sandbox: {word}]"))

    assert (generation.status, generation.responsible_party, generation.cost_cents) == (
        Status.FAILED,
        responsible_party,
        cost,
    )
    assert generation.message
    assert generation.provider_message
    assert Event.objects.latest("id").message == generation.message


@pytest.mark.parametrize("word", ["null_urls", "back_to_queue", "truncated", "html"])
def test_fals_odd_ways_cost_time_and_nothing_else(alice: User, word: str) -> None:
    generation = drive_to_the_end(order(alice, f"Oddly [sandbox: {word}]"))

    assert generation.status == Status.DONE, generation.message
    assert Video.objects.get().size == bucket.size(generation.video.key)


@pytest.mark.parametrize("fault", ["file_503", "file_redirect_private", "result_504"])
def test_trouble_with_the_file_is_tried_again(alice: User, sandbox: Sandbox, fault: str) -> None:
    sandbox.set_faults(f"{fault}=1")

    generation = drive_to_the_end(order(alice))

    assert generation.status == Status.DONE, generation.message


def test_a_made_video_whose_file_is_gone_is_not_given_up(alice: User) -> None:
    generation = order(alice, "Gone [sandbox: expired]")
    drive_until(lambda: Generation.objects.get().reason == "expired")

    generation.refresh_from_db()
    assert generation.status == Status.MIRRORING
    assert generation.message
    assert generation.cost_cents == 35


def test_a_bucket_that_does_not_answer_is_waited_for(
    alice: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = order(alice, "No bucket", endpoint=Endpoint.IMAGE_TO_VIDEO)
    make_input_picture(generation, Slot.START)
    with monkeypatch.context() as away:
        away.setattr(bucket, "name", lambda: "no-such-bucket")
        one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.reason) == (Status.QUEUED, "storage_unavailable")
    assert submits(sandbox, generation) == []
    assert drive_to_the_end(generation).status == Status.DONE


def test_a_step_that_breaks_does_not_take_the_others_with_it(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = order(alice, "Broken", endpoint=Endpoint.IMAGE_TO_VIDEO)  # no picture: nobody could send this
    whole = order(alice, "Whole [sandbox: no_media_generated]")

    drive_to_the_end(whole)

    broken.refresh_from_db()
    assert broken.status == Status.QUEUED
    assert whole.reason == "no_media_generated"


@pytest.mark.parametrize("status", [Status.HELD, Status.QUEUED])
def test_what_fal_has_not_seen_is_canceled_at_once_and_costs_nothing(alice: User, status: Status) -> None:
    generation = order(alice, status=status)

    assert generation.cancel(alice)

    generation.refresh_from_db()
    assert (generation.status, generation.cost_cents) == (Status.CANCELED, 0)
    assert Event.objects.latest("id").by == alice


@pytest.mark.parametrize("moment", ["queued at fal", "rendering"])
def test_a_cancel_at_fal_ends_by_fals_own_answer(alice: User, slow_sandbox: Sandbox, moment: str) -> None:
    generation = order(alice, f"Stop it, {moment}")
    one_pass()
    if moment == "rendering":
        drive_until(lambda: bool(Generation.objects.get().logs))
    generation.refresh_from_db()

    assert generation.cancel(alice)
    assert generation.status == Status.CANCELLING
    drive_to_the_end(generation)

    assert (generation.status, generation.cost_cents) == (Status.CANCELED, 0)


def test_a_cancel_that_nobody_asked_for_says_so(alice: User) -> None:
    generation = drive_to_the_end(order(alice, "Canceled in the dashboard [sandbox: client_cancelled]"))

    assert (generation.status, generation.reason) == (Status.FAILED, "cancelled_at_fal")
    assert (generation.responsible_party, generation.cost_cents) == ("us", 0)
    assert "at fal" in generation.message


@pytest.mark.usefixtures("rendering_sandbox")  # which takes long enough for a cancel meanwhile
def test_a_video_that_was_made_despite_the_cancel_is_kept_and_charged(alice: User) -> None:
    generation = order(alice, "Too late [sandbox: ignores_cancel]")
    drive_until(lambda: bool(Generation.objects.get().logs))
    generation.refresh_from_db()
    assert generation.cancel(alice)

    drive_to_the_end(generation)

    assert (generation.status, generation.cost_cents) == (Status.DONE, 35)
    assert "kept and charged" in Event.objects.get(status=Status.MIRRORING).message


def test_a_cancel_on_the_way_to_fal_takes_effect_on_arrival(alice: User, slow_sandbox: Sandbox) -> None:
    generation = order(alice, "Canceled while its answer was lost")
    slow_sandbox.set_faults("submit_cut_after=1")
    one_pass()
    generation.refresh_from_db()
    assert generation.status == Status.SUBMITTING
    assert generation.cancel(alice)

    (request,) = submits(slow_sandbox, generation)
    receive_webhook(generation.pk, Delivery(str(request["id"])))
    drive_to_the_end(generation)

    assert (generation.status, generation.cost_cents) == (Status.CANCELED, 0)


def test_what_has_ended_is_not_canceled(alice: User) -> None:
    generation = order(alice, status=Status.DONE)

    assert not generation.cancel(alice)


def test_an_overdue_request_goes_to_a_person_and_is_still_asked_for(
    alice: User, sandbox: Sandbox, settings: Settings
) -> None:
    generation = order(alice, "Overdue")
    one_pass()
    settings.GENERATION_GIVE_UP_HOURS = 0
    sandbox.set_faults("status_500=1")
    one_pass()

    generation.refresh_from_db()
    assert (generation.status, generation.reason) == (Status.RENDERING, "overdue")
    assert generation.needs_attention_since is not None
    assert generation.due_at
    assert generation.due_at - timezone.now() < timedelta(minutes=1), "trouble on the way is soon over"

    sandbox.set_faults("")
    drive_to_the_end(generation)
    assert generation.status == Status.DONE
    assert not Generation.objects.filter(needs_attention_since__isnull=False).exists()


def test_a_cancel_is_passed_on_before_others_are_asked_for(
    alice: User, slow_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one call at a time, and the canceled one due last."""
    rows = [order(alice, f"Asked for in turn {number}") for number in range(4)]
    one_pass()
    canceled = Generation.objects.get(pk=rows[-1].pk)
    assert canceled.cancel(alice)
    Generation.objects.filter(pk=canceled.pk).update(due_at=timezone.now())
    Generation.objects.exclude(pk=canceled.pk).update(due_at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(worker, "MAX_CALLS", 1)
    calls: list[str] = []
    monkeypatch.setattr(AsyncFalClient, "status", _noting(calls, AsyncFalClient.status))
    monkeypatch.setattr(AsyncFalClient, "cancel", _noting(calls, AsyncFalClient.cancel))

    drive()

    assert calls[0] == canceled.request_id
    assert set(calls) == set(Generation.objects.values_list("request_id", flat=True))


def _noting(calls: list[str], method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The method as it is, which also writes down whose request it was called for."""

    async def noting(self: AsyncFalClient, urls: RequestUrls) -> Any:
        calls.append(urls.request_id)
        return await method(self, urls)

    return noting
