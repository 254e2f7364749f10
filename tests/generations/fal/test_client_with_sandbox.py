"""The client against the stand-in for fal, in its own process: whole jobs, from submit to the video."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import httpx
import pytest
from PIL import Image

from generations.fal.arguments import Endpoint, ImageToVideo, TextToVideo
from generations.fal.client import AsyncFalClient, FalClient
from generations.fal.errors import (
    AccountLocked,
    Cancelled,
    FalError,
    KeyRefused,
    ModelRefused,
    NotFound,
    RequestFailed,
    Sent,
    StillRunning,
    Unavailable,
    Unreachable,
)
from generations.fal.responses import Cancellation, Completed, FalConfig, InProgress, InQueue, RequestUrls, VideoFile
from tests.generations.fal.conftest import AnyClient, blocking
from tests.sandbox_process import KEY, Sandbox, running_sandbox

TEXT = Endpoint.TEXT_TO_VIDEO


CLIP = b"\0\0\0\x18ftypmp42" + b"a video's bytes" * 1000


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One that hands out a ready clip: rendering takes seconds, and the client never looks inside."""
    directory = tmp_path_factory.mktemp("sandbox")
    (directory / "clip.mp4").write_bytes(CLIP)
    with running_sandbox(directory, SANDBOX_CLIP=str(directory / "clip.mp4")) as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox) -> Iterator[FalConfig]:
    """Replaces the scripted server's, so that the `fal` fixture talks to the sandbox."""
    yield FalConfig(KEY, sandbox.url, sandbox.url, f"{sandbox.url}/v1")
    sandbox.set_faults("")


@pytest.fixture(params=["blocking", "asyncio"])
def fal(request: pytest.FixtureRequest, config: FalConfig) -> Iterator[AnyClient]:
    if request.param == "blocking":
        with FalClient(config) as client:
            yield client
    else:
        with blocking(AsyncFalClient(config)) as async_client:
            yield async_client


def cat(prompt: str = "A cat", **values: str) -> TextToVideo:
    return TextToVideo.model_validate({"prompt": prompt, **values})


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def finish(fal: AnyClient, job: RequestUrls) -> Completed:
    wait_for(lambda: isinstance(fal.status(job), Completed))
    progress = fal.status(job)
    assert isinstance(progress, Completed)
    return progress


def outcome_of(fal: AnyClient, prompt: str) -> FalError | VideoFile:
    job = fal.submit(TEXT, cat(prompt)).urls
    finish(fal, job)
    try:
        return fal.result(job)
    except FalError as error:
        return error


def test_a_whole_job(fal: AnyClient, sandbox: Sandbox) -> None:
    job = fal.submit(TEXT, cat()).urls
    assert job.status_url.startswith(f"{sandbox.url}/fal-ai/kling-video/requests/")
    completed = finish(fal, job)
    assert completed.error is None
    video = fal.result(job)
    assert video.content_type == "video/mp4"
    assert video.file_size == len(CLIP)
    assert httpx.get(video.url).raise_for_status().content == CLIP


def test_a_job_with_an_uploaded_picture(fal: AnyClient) -> None:
    picture = BytesIO()
    Image.new("RGB", (320, 320), "teal").save(picture, "JPEG")
    url = fal.upload(picture.getvalue(), content_type="image/jpeg", file_name="cat.jpg")
    assert httpx.get(url).content == picture.getvalue()
    job = fal.submit(Endpoint.IMAGE_TO_VIDEO, ImageToVideo(prompt="A cat", image_url=url)).urls
    finish(fal, job)
    assert fal.result(job).url


def test_addresses_from_the_id_alone_work_as_well(fal: AnyClient, config: FalConfig) -> None:
    submitted = fal.submit(TEXT, cat())
    rebuilt = RequestUrls.for_id(config, submitted.request_id)
    assert rebuilt == submitted.urls
    assert isinstance(finish(fal, rebuilt), Completed)


def test_a_job_that_waits_and_is_cancelled(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_sandbox(tmp_path_factory.mktemp("slow"), SANDBOX_QUEUE_SECONDS="600") as slow:
        config = FalConfig(KEY, slow.url, slow.url, f"{slow.url}/v1")
        with FalClient(config) as fal:
            job = fal.submit(TEXT, cat()).urls
            assert isinstance(fal.status(job), InQueue)
            with pytest.raises(StillRunning):
                fal.result(job)
            assert fal.cancel(job) in {Cancellation.REQUESTED, Cancellation.REMOVED}
            finish(fal, job)
            with pytest.raises(Cancelled) as caught:
                fal.result(job)
            assert caught.value.charged is False
            assert fal.cancel(job) is Cancellation.ALREADY_COMPLETED


def test_a_job_in_progress(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_sandbox(tmp_path_factory.mktemp("rendering"), SANDBOX_RENDER_SECONDS="600") as rendering:
        config = FalConfig(KEY, rendering.url, rendering.url, f"{rendering.url}/v1")
        with FalClient(config) as fal:
            job = fal.submit(TEXT, cat()).urls
            wait_for(lambda: isinstance(fal.status(job), InProgress))
            assert fal.cancel(job) is Cancellation.REQUESTED


def test_an_unknown_request(fal: AnyClient, config: FalConfig) -> None:
    job = RequestUrls.for_id(config, "019e8887-1f00-7000-8000-00000000abcd")
    for ask in (fal.status, fal.result):
        with pytest.raises(NotFound):
            ask(job)
    assert fal.cancel(job) is Cancellation.NOT_FOUND


@pytest.mark.parametrize(
    ("word", "error", "charged"),
    [
        ("content_policy_violation", ModelRefused, None),
        ("image_too_small", ModelRefused, None),
        ("generation_timeout", ModelRefused, False),
        ("downstream_service_error", ModelRefused, False),
        ("plain_detail", ModelRefused, None),
        ("runner_disconnected", RequestFailed, False),
        ("startup_timeout", RequestFailed, False),
    ],
)
def test_verdicts(fal: AnyClient, word: str, error: type[FalError], charged: bool | None) -> None:
    found = outcome_of(fal, f"A cat [sandbox: {word}]")
    assert isinstance(found, error)
    assert found.permanent
    assert found.type == (None if word == "plain_detail" else word)
    assert found.charged is charged or found.charged is False


def test_a_gateways_page_is_not_the_verdict(fal: AnyClient, sandbox: Sandbox) -> None:
    job = fal.submit(TEXT, cat()).urls
    finish(fal, job)
    sandbox.set_faults("result_504=1")
    with pytest.raises(Unavailable):
        fal.result(job)
    sandbox.set_faults("")
    assert fal.result(job).url


def test_completed_with_null_addresses(fal: AnyClient) -> None:
    assert isinstance(outcome_of(fal, "A cat [sandbox: null_urls]"), VideoFile)


@pytest.mark.parametrize(
    ("fault", "error", "sent", "queued"),
    [
        ("submit_401", KeyRefused, Sent.REFUSED, 0),
        ("submit_403_locked", AccountLocked, Sent.REFUSED, 0),
        ("submit_429", FalError, Sent.REFUSED, 0),
        ("submit_500", Unavailable, Sent.UNKNOWN, 0),
        ("submit_503", Unavailable, Sent.UNKNOWN, 0),
        ("submit_cut_before", Unreachable, Sent.UNKNOWN, 0),
        ("submit_cut_after", Unreachable, Sent.UNKNOWN, 1),
    ],
)
def test_submits_that_fail_are_sent_once(
    fal: AnyClient, sandbox: Sandbox, fault: str, error: type[FalError], sent: Sent, queued: int
) -> None:
    before = len(sandbox.records()["requests"])
    sandbox.set_faults(f"{fault}=1")
    with pytest.raises(error) as caught:
        fal.submit(TEXT, cat())
    assert caught.value.sent is sent
    assert len(sandbox.records()["requests"]) == before + queued


def test_a_request_whose_answer_was_lost_is_found_in_the_listing(fal: AnyClient, sandbox: Sandbox) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    prompt = f"A lost cat {time.monotonic_ns()}"
    sandbox.set_faults("submit_cut_after=1")
    with pytest.raises(Unreachable):
        fal.submit(TEXT, cat(prompt))
    sandbox.set_faults("")
    end = datetime.now(UTC) + timedelta(minutes=1)

    def found() -> list[str]:
        listed = fal.requests(TEXT, start=start, end=end)
        return [item.request_id for item in listed if (item.json_input or {}).get("prompt") == prompt]

    wait_for(lambda: len(found()) == 1)


def test_a_wrong_key(config: FalConfig) -> None:
    wrong = FalConfig("some:body", config.queue_url, config.rest_url, config.api_url)
    with FalClient(wrong) as fal:
        with pytest.raises(KeyRefused):
            fal.submit(TEXT, cat())
        with pytest.raises(KeyRefused):
            fal.upload(b"cat", content_type="image/jpeg", file_name="cat.jpg")
        with pytest.raises(KeyRefused):
            list(fal.requests(TEXT, start=datetime.now(UTC), end=datetime.now(UTC)))


def test_a_sandbox_that_is_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("away")
    (directory / "clip.mp4").write_bytes(CLIP)
    with running_sandbox(directory, SANDBOX_CLIP=str(directory / "clip.mp4")) as away:
        config = FalConfig(KEY, away.url, away.url, f"{away.url}/v1")
        with FalClient(config) as fal:
            job = fal.submit(TEXT, cat()).urls
            away.kill()
            with pytest.raises(Unreachable):
                fal.status(job)
            with pytest.raises(Unreachable) as caught:
                fal.submit(TEXT, cat())
            assert caught.value.sent is Sent.NO
            away.start()
            assert finish(fal, job).error is None


def test_twenty_at_once(config: FalConfig, sandbox: Sandbox) -> None:
    async def one(fal: AsyncFalClient, number: int) -> str:
        job = (await fal.submit(TEXT, cat(f"[sandbox: no_such_word] Cat {number}"))).urls
        while not isinstance(await fal.status(job), Completed):
            await asyncio.sleep(0.1)
        return (await fal.result(job)).url

    async def twenty() -> list[str]:
        async with AsyncFalClient(config) as fal:
            return await asyncio.gather(*(one(fal, number) for number in range(20)))

    before = len(sandbox.records()["requests"])
    assert len(set(asyncio.run(twenty()))) == 20
    assert len(sandbox.records()["requests"]) == before + 20
