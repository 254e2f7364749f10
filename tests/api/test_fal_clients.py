"""fal's own clients, unmodified, against the studio over TLS: only host and key are ours."""

import ast
import base64
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final

import httpx
import pytest
from django.db import connections
from PIL import Image
from pytest_django import Settings

from accounts.models import Team, User
from api.models import ApiRequest
from devserver.s3 import S3Address
from generations import pipeline
from generations.fal.arguments import MAX_PICTURE_BYTES, Endpoint
from generations.models import Generation, Status
from tests.api.conftest import make_key
from tests.api.programs import ELSEWHERE, SECONDS, Studio, quick_start, running_studio
from tests.cast import signed_in
from tests.generations.mirror.videos import mp4
from tests.sandbox_process import KEY, Sandbox, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)

SEED: Final = (Endpoint.TEXT_TO_VIDEO, Endpoint.IMAGE_TO_VIDEO)  # the endpoints of the Quick Starts


@pytest.fixture(scope="module")
def fal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """It hands out one short video, which need not be rendered."""
    directory = tmp_path_factory.mktemp("fal")
    clip = directory / "clip.mp4"
    clip.write_bytes(mp4(seconds=0.25))
    quick = {"SANDBOX_QUEUE_SECONDS": "0.2", "SANDBOX_RENDER_SECONDS": "0.2"}
    with running_sandbox(directory, None, SANDBOX_CLIP=str(clip), **quick) as running:
        yield running


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, s3: S3Address, valkey: Any
) -> Iterator[Studio]:
    with running_studio(tmp_path_factory.mktemp("studio"), WEB_CONCURRENCY="1") as running:
        yield running


@pytest.fixture
def worker(fal: Sandbox, settings: Settings) -> Iterator[None]:
    """Drives the pipeline until the test ends."""
    settings.FAL_KEY = KEY
    settings.FAL_QUEUE_URL = settings.FAL_REST_URL = fal.url
    settings.FAL_API_URL = f"{fal.url}/v1"
    with driving():
        yield


@contextmanager
def driving() -> Iterator[None]:
    ends = threading.Event()

    def run() -> None:
        try:
            while not ends.wait(0.1):
                pipeline.drive()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def assert_made(studio: Studio, url: str, size: int, bob: User, film: Team, endpoint: Endpoint) -> Generation:
    """The video opens without a key, stands in the gallery, and was paid for by the team."""
    got = studio.get(url)
    assert (got.status_code, got.headers["content-type"], len(got.content)) == (200, "video/mp4", size)
    row: Generation = ApiRequest.objects.latest("created_at").generation
    assert (row.user, row.team, row.endpoint, row.status) == (bob, film, endpoint, Status.DONE)
    assert row.cost_cents == 35
    assert row.pictures.count() == (endpoint == Endpoint.IMAGE_TO_VIDEO)
    assert row.get_absolute_url() in signed_in(bob).get("/?team=film").content.decode()
    return row


@pytest.mark.parametrize("endpoint", SEED, ids=["text", "image"])
def test_quick_start_in_python(endpoint: Endpoint, studio: Studio, worker: None, bob: User, film: Team) -> None:
    _, key = make_key(bob, film)
    result = ast.literal_eval(studio.run_python(quick_start("python", endpoint), key).splitlines()[-1])
    assert set(result) == {"video"}
    assert set(result["video"]) == {"url", "content_type", "file_name", "file_size"}
    assert_made(studio, result["video"]["url"], result["video"]["file_size"], bob, film, endpoint)


@pytest.mark.parametrize("endpoint", SEED, ids=["text", "image"])
def test_quick_start_in_javascript(endpoint: Endpoint, studio: Studio, worker: None, bob: User, film: Team) -> None:
    _, key = make_key(bob, film)
    said = studio.run_node(quick_start("javascript", endpoint), key)
    (url,), (size,) = re.findall(r"url: *'(.+?)'", said), re.findall(r"file_size: (\d+)", said)
    row = assert_made(studio, url, int(size), bob, film, endpoint)
    assert said.splitlines()[-1] == str(row.pk)


@pytest.mark.parametrize("endpoint", SEED, ids=["text", "image"])
def test_quick_start_in_curl(endpoint: Endpoint, studio: Studio, worker: None, bob: User, film: Team) -> None:
    _, key = make_key(bob, film)
    result = json.loads(studio.run_shell(quick_start("bash", endpoint), key))
    assert_made(studio, result["video"]["url"], result["video"]["file_size"], bob, film, endpoint)


WAITS_IN_PYTHON: Final = """
import fal_client
endpoint = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
print(fal_client.run(endpoint, {"prompt": "A fox"})["video"]["content_type"])
events = list(fal_client.stream(endpoint, {"prompt": "A cat"}))
print(events[-1]["video"]["content_type"])
"""
WAITS_IN_JAVASCRIPT: Final = """
import { fal } from "@fal-ai/client";
const endpoint = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video";
const ran = await fal.run(endpoint, { input: { prompt: "A fox" } });
console.log(ran.data.video.content_type, ran.requestId.length);
const seen = new Set();
const input = { prompt: "A cat" };
const onQueueUpdate = ({ status }) => seen.add(status);
const streamed = await fal.subscribe(endpoint, { input, mode: "streaming", logs: true, onQueueUpdate });
console.log(streamed.data.video.content_type, seen.has("COMPLETED"));
"""


def test_whatever_waits_in_the_clients(studio: Studio, worker: None, bob: User, film: Team) -> None:
    """`run`, `stream`, and a status that is streamed."""
    _, key = make_key(bob, film)
    assert studio.run_python(WAITS_IN_PYTHON, key).splitlines() == ["video/mp4"] * 2
    assert studio.run_node(WAITS_IN_JAVASCRIPT, key).splitlines() == ["video/mp4 36", "video/mp4 true"]
    assert Generation.objects.count() == 4


PYTHON: Final = """
import asyncio, fal_client, json
endpoint = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video"
handle = fal_client.submit(endpoint, {"prompt": "A fox", "image_url": fal_client.encode_file("picture.png")},
                           headers={"Idempotency-Key": "order-17"})
again = fal_client.submit(endpoint, {"prompt": "A fox", "image_url": fal_client.encode_file("picture.png")},
                          headers={"Idempotency-Key": "order-17"})
print(handle.request_id == again.request_id)
print(type(handle.status(with_logs=True)).__name__)
print(handle.get()["video"]["content_type"])
print(type(fal_client.status(endpoint, handle.request_id)).__name__)
print(fal_client.result(endpoint, handle.request_id)["video"]["file_name"])
try:
    fal_client.cancel(endpoint, handle.request_id)
except fal_client.FalClientHTTPError as error:
    print(error.response.status_code, error.response.json()["status"])
for arguments in ({}, {"prompt": "x", "image_url": "data:image/png;base64,AAAA"}):
    try:
        fal_client.submit(endpoint, arguments)
    except fal_client.FalClientHTTPError as error:
        print(error.response.status_code, error.response.json()["detail"][0]["type"])
try:
    fal_client.SyncClient(key="wrong").submit(endpoint, {"prompt": "x"})
except fal_client.FalClientHTTPError as error:
    print(error.response.status_code, error.message)
async def subscribe():
    found = await fal_client.subscribe_async("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", {"prompt": "A cat"})
    print(found["video"]["content_type"])
asyncio.run(subscribe())
"""


def test_whatever_the_python_client_does_with_the_queue(
    studio: Studio, worker: None, bob: User, film: Team, png: bytes
) -> None:
    _, key = make_key(bob, film)
    (studio.directory / "picture.png").write_bytes(png)
    assert studio.run_python(PYTHON, key).splitlines() == [
        "True",
        "Queued",
        "video/mp4",
        "Completed",
        "output.mp4",
        "400 ALREADY_COMPLETED",
        "422 missing",
        "422 image_load_error",
        "401 invalid key credentials",
        "video/mp4",
    ]
    assert Generation.objects.count() == 2


JAVASCRIPT: Final = """
import { readFile } from "node:fs/promises";
import { fal } from "@fal-ai/client";
const endpoint = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video";
const blob = new Blob([await readFile("picture.png")], { type: "image/png" });
const { request_id: requestId } = await fal.queue.submit(endpoint, { input: { prompt: "A fox", image_url: blob } });
const status = await fal.queue.status(endpoint, { requestId, logs: true });
console.log(status.request_id === requestId, Array.isArray(status.logs));
await fal.queue.subscribeToStatus(endpoint, { requestId, logs: true });
const result = await fal.queue.result(endpoint, { requestId });
console.log(result.requestId === requestId, result.data.video.content_type);
const again = await fal.queue.submit(endpoint, { input: { prompt: "A cat", image_url: blob } });
await fal.queue.cancel(endpoint, { requestId: again.request_id });
try {
  await fal.queue.submit(endpoint, { input: {} });
} catch (error) {
  console.log(error.name, error.status, error.body.detail[0].type, error.requestId.length > 0);
}
const proxyUrl = { url: `${process.env.STUDIO}/fal/proxy`, when: "always" };
fal.config({ proxyUrl, credentials: "wrong" });
try {
  await fal.queue.status(endpoint, { requestId });
} catch (error) {
  console.log(error.status, error.body.detail);
}
"""


def test_whatever_the_javascript_client_does_with_the_queue(
    studio: Studio, worker: None, bob: User, film: Team, png: bytes
) -> None:
    """Its own upload included: a Blob goes to the address that the studio names."""
    _, key = make_key(bob, film)
    (studio.directory / "picture.png").write_bytes(png)
    assert studio.run_node(JAVASCRIPT, key).splitlines() == [
        "true true",
        "true video/mp4",
        "ValidationError 422 missing true",
        "401 invalid key credentials",
    ]
    assert Generation.objects.filter(pictures__media_type="image/png").count() == 2


# --- the gateway in front of Django


def data_uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def post(studio: Studio, values: Any, token: str = "", endpoint: Endpoint = Endpoint.IMAGE_TO_VIDEO) -> httpx.Response:
    headers = {"Authorization": f"Key {token}"} if token else {}
    with studio.client() as client:
        return client.post(f"/fal/queue/{endpoint}", json=values, headers=headers)


def test_two_large_pictures_come_as_text(studio: Studio, bob: User, film: Team) -> None:
    """27 MB of JSON, from whoever has a key that generates; nobody else may send as much."""
    _, key = make_key(bob, film)
    noise = BytesIO()
    Image.effect_noise((1800, 1800), 100).convert("RGB").save(noise, "PNG")
    start = noise.getvalue().ljust(MAX_PICTURE_BYTES, b"\0")  # what follows a picture is no part of it
    values = {"prompt": "A fox", "image_url": data_uri(start), "tail_image_url": data_uri(start)}

    answer = post(studio, values, key)
    assert answer.status_code == 200, answer.text
    assert Generation.objects.get(pk=answer.json()["request_id"]).pictures.count() == 2

    for token in ("", "wrong", make_key(bob, film, scopes=["read"])[1]):
        refused = post(studio, values, token)
        assert (refused.status_code, refused.json()) == (401, {"detail": "invalid key credentials"})
        assert refused.headers["x-fal-request-id"]
    larger = post(studio, {**values, "more": "x" * 4_000_000}, key)
    assert larger.status_code == 413
    assert isinstance(larger.json()["detail"], str)
    assert larger.headers["x-fal-request-id"]


def test_slow_hosts_keep_no_page_waiting(studio: Studio, bob: User, film: Team) -> None:
    """More pictures are waited for than there are threads for pages; each is made in the end."""
    _, key = make_key(bob, film)
    values = {"prompt": "A fox", "image_url": f"https://{ELSEWHERE}/slow"}
    studio.slow.clear()
    with ThreadPoolExecutor(12) as clients:
        answers = [clients.submit(post, studio, values, key) for _ in range(12)]
        try:
            assert studio.is_waited_for.wait(SECONDS)
            with studio.client() as anybody:
                assert [anybody.get("/accounts/login/").status_code for _ in range(5)] == [200] * 5
            assert post(studio, {"prompt": "A cat"}, key, Endpoint.TEXT_TO_VIDEO).status_code == 200
        finally:
            studio.slow.set()
        assert {answer.result().status_code for answer in answers} == {200}
    assert Generation.objects.count() == 13
