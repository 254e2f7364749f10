"""`run` and streams against the real web server: they wait without a thread, and their key counts until the end."""

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import User
from api.models import ApiRequest, Key
from api.views.access import answered_later
from config.server.gateway import FILE_THREADS, PAGE_THREADS
from generations.fal.arguments import Endpoint
from generations.models import Generation, Status
from tests.api.conftest import make_key
from tests.api.test_fal_routes import of_key
from tests.cast import columns_of, make_video
from tests.security.web_server import MAX_WAIT, WebServer, running_web

pytestmark = pytest.mark.django_db(transaction=True)

RUN: Final = f"/fal/run/{Endpoint.TEXT_TO_VIDEO}"
APP: Final = "/fal/queue/fal-ai/kling-video/requests"
BODY: Final = {"prompt": "A fox in the snow"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[WebServer]:
    with running_web(tmp_path_factory.mktemp("web") / "web.log") as server:
        yield server


@pytest.fixture
def program(web: WebServer, bobs_key: tuple[Key, str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Key {bobs_key[1]}"}
    limits = httpx.Limits(max_connections=1000)
    with httpx.Client(base_url=web.url, headers=headers, timeout=MAX_WAIT, limits=limits) as client:
        yield client


def finish(row: Generation, status: Status = Status.DONE, **columns: Any) -> None:
    """As the pipeline would leave it."""
    left = {"lease_until": None, "changed_at": timezone.now()}
    with transaction.atomic():
        Generation.objects.filter(pk=row.pk).update(status=status, **left | columns_of(status) | columns)
        if status == Status.DONE:
            row.refresh_from_db()
            make_video(row)


def cancel_all() -> None:
    ended = columns_of(Status.CANCELED) | {"status": Status.CANCELED, "cost_cents": 0, "changed_at": timezone.now()}
    Generation.objects.open().update(**ended)


@contextmanager
def running(program: httpx.Client, path: str = RUN) -> Iterator[tuple[Generation, "Future[httpx.Response]"]]:
    """A `run` call that waits, and what it waits for."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(program.post, path, json=BODY)
        try:
            yield until(Generation.objects.first), asked
        finally:
            cancel_all()  # so that nothing hangs where the test has failed


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + MAX_WAIT
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def test_run_answers_with_the_output_once_it_is_there(program: httpx.Client) -> None:
    with running(program) as (row, asked):
        assert not asked.done()
        finish(row)
        answer = asked.result()

    assert answer.status_code == 200
    assert answer.headers["x-fal-request-id"] == str(row.pk)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["video"]["content_type"] == "video/mp4"
    assert answer.json() == program.get(f"{APP}/{row.pk}").json()


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"status": Status.CANCELED}, 499),
        ({"status": Status.FAILED, "reason": "content_policy_violation", "message": "Refused."}, 422),
        ({"status": Status.FAILED, "reason": "runner_disconnected", "message": "Gone."}, 503),
    ],
)
def test_run_ends_with_its_reason(program: httpx.Client, columns: dict[str, Any], status: int) -> None:
    with running(program) as (row, asked):
        finish(row, **({"cost_cents": 0} | columns))
        answer = asked.result()

    assert answer.status_code == status
    assert answer.headers["x-fal-request-id"] == str(row.pk)
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 422), (b'{"prompt": ""}', 422), (b'{"prompt": "x", "duration": 7}', 422)]
)
def test_run_refuses_at_once_and_nothing_is_made(program: httpx.Client, body: bytes, status: int) -> None:
    answer = program.post(RUN, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status
    assert answer.headers["x-fal-request-id"]
    assert not Generation.objects.exists()


def test_a_key_that_is_revoked_meanwhile_is_told_no_result(program: httpx.Client, bobs_key: tuple[Key, str]) -> None:
    with running(program) as (row, asked):
        Key.objects.update(revoked_at=timezone.now())
        finish(row)
        answer = asked.result()

    assert answer.status_code == 401


def test_more_wait_than_the_server_has_threads_and_pages_are_answered(
    web: WebServer, program: httpx.Client, bobs_key: tuple[Key, str]
) -> None:
    """Of each kind twenty times as many as there are threads in both of the server's processes."""
    many = 20 * 2 * (PAGE_THREADS + FILE_THREADS)
    rows = [of_key(bobs_key[0], Status.RENDERING, request_id=f"r{number}") for number in range(5)]
    head = f"Host: 127.0.0.1\r\nAuthorization: Key {bobs_key[1]}\r\n"
    body = json.dumps(BODY)
    posts = [f"POST {RUN} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"] * 40
    gets = [f"GET {APP}/{rows[number % 5].pk}/status/stream HTTP/1.1\r\n{head}\r\n" for number in range(many)]
    opened = [socket.create_connection(("127.0.0.1", web.port), timeout=MAX_WAIT) for _ in range(many + 40)]
    for each, request in zip(opened, posts + gets, strict=True):
        each.sendall(request.encode())
    assert all(each.recv(12) == b"HTTP/1.1 200" for each in opened[40:])
    until(lambda: Generation.objects.filter(status=Status.QUEUED).count() == 40)

    assert program.get("/accounts/login/").status_code == 200
    assert program.get(f"{APP}/{rows[0].pk}/status").status_code == 202
    cancel_all()
    assert all(each.recv(12) == b"HTTP/1.1 499" for each in opened[:40])
    for each in opened:
        each.close()


def test_status_stream_tells_what_is_new_and_ends(program: httpx.Client, bobs_key: tuple[Key, str]) -> None:
    row = of_key(bobs_key[0], Status.RENDERING, logs=[{"message": "one", "timestamp": "2026-11-28T12:00:00Z"}])
    events: list[dict[str, Any]] = []
    with program.stream("GET", f"{APP}/{row.pk}/status/stream?logs=1") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-fal-request-id"] == str(row.pk)
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            events.append(json.loads(line.removeprefix("data: ")))
            if len(events) == 1:
                logs = [*row.logs, {"message": "two", "timestamp": "2026-11-28T12:00:01Z"}]
                Generation.objects.filter(pk=row.pk).update(logs=logs, changed_at=timezone.now())
            if len(events) == 2:
                finish(row)

    assert [event["status"] for event in events] == ["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]
    assert [[line["message"] for line in event["logs"]] for event in events] == [["one"], ["two"], []]


def test_status_stream_of_a_revoked_key_ends(program: httpx.Client, bobs_key: tuple[Key, str]) -> None:
    row = of_key(bobs_key[0], Status.RENDERING)
    with program.stream("GET", f"{APP}/{row.pk}/status/stream") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        Key.objects.update(revoked_at=timezone.now())
        Generation.objects.filter(pk=row.pk).update(changed_at=timezone.now())

        assert not [line for line in lines if line.startswith("data: ")]


def test_output_stream_ends_with_the_output(program: httpx.Client) -> None:
    def end() -> None:
        finish(until(Generation.objects.first))
        connection.close()

    thread = threading.Thread(target=end)
    thread.start()
    with program.stream("POST", f"{RUN}/stream", json=BODY) as answer:
        data = [line for line in answer.iter_lines() if line.startswith("data: ")]
    thread.join()

    assert json.loads(data[-1].removeprefix("data: "))["video"]["content_type"] == "video/mp4"


def test_status_is_told_as_to_anybody_who_asks_slowly(
    program: httpx.Client, bobs_key: tuple[Key, str], alice: User
) -> None:
    """The gateway's shortcut gives what the view gives, refusals included; at once, of many, each gets their own."""
    key, token = bobs_key
    states = [Status.QUEUED, Status.HELD, Status.RENDERING, Status.CANCELLING, Status.MIRRORING, Status.CANCELED]
    rows = [of_key(key, status, request_id=f"r-{status}") for status in states]
    hers = make_key(alice, alice.personal_team)[1]
    asked = [(row.pk, token) for row in rows for _ in range(10)]
    asked += [(rows[0].pk, hers), (uuid.uuid4(), token), (rows[0].pk, token + "x"), (rows[0].pk, "?")]
    slowly = {}
    for pk, token_ in set(asked):
        answer = program.head(f"{APP}/{pk}/status", headers={"Authorization": f"Key {token_}"})
        slowly[pk, token_] = answer.status_code

    def ask(one: tuple[uuid.UUID, str]) -> httpx.Response:
        return program.get(f"{APP}/{one[0]}/status", headers={"Authorization": f"Key {one[1]}"})

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, asked))

    assert [answer.status_code for answer in answers] == [slowly[one] for one in asked]
    assert [answer.json()["request_id"] for answer in answers[:-4]] == [str(pk) for pk, _ in asked[:-4]]
    assert [answer.json()["status"] for answer in answers[:-4:10]] == [
        *("IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"),
    ]
    assert [answer.status_code for answer in answers[-4:]] == [404, 404, 401, 401]
    for answer in answers:
        assert answer.headers["x-fal-request-id"]
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("value", ["1", "0", "true", "false", "TRUE", "yes", "no", "", "2"])
def test_logs_are_told_to_who_asks_for_them_whoever_answers(
    program: httpx.Client, bobs_key: tuple[Key, str], value: str
) -> None:
    """The gateway answers a GET, and the view what comes through the proxy."""
    row = of_key(bobs_key[0], Status.RENDERING)
    target = f"https://queue.fal.run/fal-ai/kling-video/requests/{row.pk}/status?logs={value}"

    directly = program.get(f"{APP}/{row.pk}/status?logs={value}").json()
    by_proxy = program.get("/fal/proxy", headers={"x-fal-target-url": target}).json()

    assert directly == by_proxy
    assert (directly["logs"] is not None) == (value.lower() in {"1", "true", "yes"})


def test_server_that_is_stopped_tells_run_not_to_send_it_again(tmp_path: Path, bobs_key: tuple[Key, str]) -> None:
    """A connection that just ends makes fal's Python client send the request once more, and pay twice."""
    with running_web(tmp_path / "web.log") as server, ThreadPoolExecutor(1) as pool:
        headers = {"Authorization": f"Key {bobs_key[1]}"}
        asked = pool.submit(httpx.post, f"{server.url}{RUN}", json=BODY, headers=headers, timeout=MAX_WAIT)
        row = until(Generation.objects.first)
        until(ApiRequest.objects.exists)
        server.stop()
        answer = asked.result()

    # the one answer after which no client of fal's sends the order again: see tests/clients/test_nginx.py
    assert (answer.status_code, answer.headers["X-Fal-Request-Timeout-Type"]) == (504, "user")
    assert answer.headers["x-fal-request-id"] == str(row.pk)
    assert "do not send it again" in answer.json()["detail"]


def test_fault_of_ours_while_something_waits_is_told_as_fal_would() -> None:
    """No middleware sees it any more."""

    async def find() -> HttpResponse:
        raise RuntimeError("broken")

    async def ask() -> HttpResponse:
        return await answered_later(find)()

    answer = asyncio.run(ask())

    assert (answer.status_code, answer.headers["X-Fal-Error-Type"]) == (500, "internal_error")
    assert json.loads(answer.content)["detail"] == "Internal Server Error"
