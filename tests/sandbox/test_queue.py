"""fal's queue over HTTP: codes, headers, shapes, positions, logs, cancelling."""

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.job import new_id
from tests.sandbox.fal import TEXT, Fal
from tests.sandbox_process import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[Sandbox]:
    """Half a second in the queue, half a second of rendering, two at a time."""
    with running_sandbox(
        tmp_path_factory.mktemp("slow"),
        SANDBOX_CLIP=str(clip),
        SANDBOX_QUEUE_SECONDS="0.5",
        SANDBOX_RENDER_SECONDS="0.5",
        SANDBOX_CONCURRENCY="2",
    ) as sandbox:
        yield sandbox


@pytest.fixture
def patient(slow: Sandbox) -> Iterator[Fal]:
    with Fal(slow) as client:
        yield client


@pytest.mark.parametrize("key", [None, "Key wrong:key", "Bearer sandbox:sandbox", "Key \xff"])
def test_a_missing_or_wrong_key_is_refused(sandbox: Sandbox, key: str | None) -> None:
    headers = {b"Authorization": key.encode("latin-1")} if key else {}
    answer = httpx.post(f"{sandbox.url}/{TEXT}", json={"prompt": "x"}, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "invalid key credentials"}
    assert answer.headers["x-fal-request-id"]
    platform = httpx.get(f"{sandbox.url}/v1/models/pricing", headers=headers)
    assert (platform.status_code, platform.json()["error"]["type"]) == (401, "authorization_error")


def test_submit_answers_with_every_field(fal: Fal, sandbox: Sandbox) -> None:
    answer = fal.post(f"/{TEXT}", json={"prompt": "x"})
    body = answer.json()
    url = f"{sandbox.url}/fal-ai/kling-video/requests/{body['request_id']}"
    assert answer.status_code == 200
    assert answer.headers["x-fal-request-id"] == body["request_id"]
    assert body == {
        "status": "IN_QUEUE",
        "request_id": body["request_id"],
        "response_url": url,
        "status_url": f"{url}/status",
        "cancel_url": f"{url}/cancel",
        "logs": None,
        "metrics": {},
        "queue_position": 0,
    }


def test_ids_are_version_7_and_sort_by_time() -> None:
    ids = []
    for _ in range(3):
        ids.append(new_id())
        time.sleep(0.002)
    assert [uuid.UUID(value).version for value in ids] == [7, 7, 7]
    assert ids == sorted(ids)


def test_status_is_202_until_completed_and_positions_go_down(patient: Fal) -> None:
    request = patient.submit()
    seen: list[tuple[int, str]] = []
    positions, bodies = [], {}
    while not seen or seen[-1][1] != "COMPLETED":
        answer = patient.get(request["status_url"], params={"logs": "true"})
        body = bodies[answer.json()["status"]] = answer.json()
        seen.append((answer.status_code, body["status"]))
        positions += [body["queue_position"]] if "queue_position" in body else []
        time.sleep(0.02)

    assert list(dict.fromkeys(seen)) == [(202, "IN_QUEUE"), (202, "IN_PROGRESS"), (200, "COMPLETED")]
    assert list(dict.fromkeys(positions))[:3] == [3, 2, 1]
    assert bodies["IN_QUEUE"]["logs"] is None
    assert set(bodies["IN_PROGRESS"]["logs"][0]) == {"message", "level", "source", "timestamp"}
    assert bodies["COMPLETED"]["metrics"]["inference_time"] >= 0.45  # longer where the machine is busy
    assert all(body["response_url"] == request["response_url"] for body in bodies.values())


def test_a_request_waits_behind_those_before_it(patient: Fal) -> None:
    requests = [patient.submit(f"number {number}") for number in range(5)]
    seen: list[tuple[list[str], list[int | None]]] = []
    while not seen or seen[-1][0][-1] == "IN_QUEUE":  # until the last one's turn has come
        bodies = [patient.get(request["status_url"]).json() for request in requests]
        seen.append(([body["status"] for body in bodies], [body.get("queue_position") for body in bodies]))
        time.sleep(0.02)
    assert (["IN_PROGRESS"] * 2 + ["IN_QUEUE"] * 3, [None, None, 0, 1, 2]) in seen
    for request in requests:
        patient.wait(request)


ASKED = [("1", True), ("true", True), ("0", False), ("false", False), (None, False)]


@pytest.mark.parametrize(("asked", "given"), ASKED)
def test_logs_are_given_when_asked_for(fal: Fal, asked: str | None, given: bool) -> None:
    request = fal.submit()
    fal.wait(request)
    body = fal.get(request["status_url"], params={"logs": asked} if asked else {}).json()
    assert bool(body["logs"]) is given


def test_stream_sends_each_change_and_each_log_line_once(patient: Fal) -> None:
    request = patient.submit()
    with patient.stream("GET", f"{request['status_url']}/stream", params={"logs": "1"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]
    assert list(dict.fromkeys(event["status"] for event in events)) == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    messages = [log["message"] for event in events for log in event["logs"] or []]
    assert messages == ["Reading the prompt", *(f"Rendered {n} of 120 frames" for n in (40, 80, 120)), "Done"]


def test_result_is_bare_and_says_what_is_billed(fal: Fal) -> None:
    request = fal.submit(duration="10")
    answer = fal.result(request)
    assert set(answer.json()) == {"video"}
    assert answer.headers["x-fal-request-id"] == request["request_id"]
    assert answer.headers["x-fal-billable-units"] == "10"
    assert answer.headers["content-type"] == "application/json"
    for alias in ("/response", "/", "/response/"):
        assert fal.get(request["response_url"] + alias).json() == answer.json()


def test_result_before_the_end_is_400(patient: Fal) -> None:
    request = patient.submit()
    answer = patient.get(request["response_url"])
    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})
    patient.wait(request)


@pytest.mark.parametrize("path", ["", "/status", "/status/", "/status/stream"])
def test_an_unknown_request_is_404(fal: Fal, path: str) -> None:
    answer = fal.get(f"/fal-ai/kling-video/requests/{new_id()}{path}")
    assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})


@pytest.mark.parametrize("path", ["", "/status", "/status/", "/cancel"])
def test_the_long_form_is_405(fal: Fal, path: str) -> None:
    request = fal.submit()
    method = "PUT" if path == "/cancel" else "GET"
    assert fal.request(method, f"/{TEXT}/requests/{request['request_id']}{path}").status_code == 405


def test_an_unknown_endpoint_is_404(fal: Fal) -> None:
    answer = fal.post("/fal-ai/kling-video/v9/text-to-video", json={"prompt": "x"})
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Path /fal-ai/kling-video/v9/text-to-video not found"}


def test_cancel_in_the_queue_removes_it(patient: Fal) -> None:
    request = patient.submit()
    answer = patient.put(request["cancel_url"])
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    body = patient.get(request["status_url"]).json()
    assert (body["status"], body["error_type"]) == ("COMPLETED", "client_cancelled")
    result = patient.get(request["response_url"])
    assert (result.status_code, result.headers["x-fal-error-type"]) == (499, "client_cancelled")
    assert result.headers["x-fal-billable-units"] == "0"


def test_cancel_in_progress_ends_it(patient: Fal) -> None:
    request = patient.submit()
    patient.wait(request, "IN_PROGRESS")
    assert patient.put(request["cancel_url"] + "/").status_code == 202
    assert patient.get(request["response_url"]).status_code == 499


def test_cancel_in_progress_may_be_ignored(patient: Fal) -> None:
    request = patient.submit("a fox [sandbox: ignores_cancel]")
    patient.wait(request, "IN_PROGRESS")
    assert patient.put(request["cancel_url"]).status_code == 202
    assert patient.get(request["status_url"]).json()["status"] == "IN_PROGRESS"
    assert patient.result(request).status_code == 200


def test_cancel_too_late_and_of_nothing(fal: Fal) -> None:
    request = fal.submit()
    fal.wait(request)
    late = fal.put(request["cancel_url"])
    assert (late.status_code, late.json()) == (400, {"status": "ALREADY_COMPLETED"})
    nothing = fal.put(f"/fal-ai/kling-video/requests/{new_id()}/cancel")
    assert (nothing.status_code, nothing.json()) == (404, {"status": "NOT_FOUND"})


@pytest.mark.parametrize("header", ["X-Fal-Request-Timeout", "X-Fal-Request-Start-Timeout"])
def test_a_start_timeout_ends_in_the_queue(patient: Fal, header: str) -> None:
    result = patient.result(patient.submit(headers={header: "0.2"}))
    assert result.status_code == 504
    assert result.json() == {"detail": "Request timed out", "error_type": "request_timeout"}
    assert result.headers["x-fal-request-timeout-type"] == "user"


def test_the_books_count(patient: Fal, slow: Sandbox) -> None:
    before = slow.records()["counters"]
    requests = [patient.submit(f"counted {number}") for number in range(3)]
    for request in requests:
        patient.result(request)
    records = slow.records()
    assert records["counters"]["accepted"] - before["accepted"] == 3
    assert records["counters"]["result_gets"] - before["result_gets"] == 3
    assert records["counters"]["max_in_flight"] >= 3
    entry = records["requests"][-1]
    assert entry["prompt"] == "counted 2"
    assert entry["submitted"] < entry["started"] < entry["ended"]
    assert (entry["outcome"]["code"], entry["charged_units"]) == (200, 5)
