"""fal's own Python client, unmodified and only pointed here by its module globals, does all it does with fal."""

from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest

from tests.sandbox.conftest import picture_bytes
from tests.sandbox.fal import IMAGE, TEXT
from tests.sandbox.video import probe
from tests.sandbox_process import KEY, Sandbox

pytestmark = pytest.mark.usefixtures("_pointed")


def _point(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{sandbox.url}/")
    monkeypatch.setattr(fal_client.client, "RUN_URL_FORMAT", f"{sandbox.url}/run/")
    monkeypatch.setattr(fal_client.client, "REST_URL", sandbox.url)
    monkeypatch.setattr(fal_client.client, "CDN_URL", sandbox.url)
    monkeypatch.setenv("FAL_KEY", KEY)


@pytest.fixture
def _pointed(monkeypatch: pytest.MonkeyPatch, studio: Sandbox) -> None:
    _point(monkeypatch, studio)


def _subscribe(endpoint: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The Quick Start of fal's API page, keeping the updates."""
    updates: list[Any] = []

    def on_queue_update(update: Any) -> None:
        updates.append(update)
        if isinstance(update, fal_client.InProgress):
            for log in update.logs:  # type: ignore[union-attr]  # as the page has it
                print(log["message"])  # noqa: T201

    result = fal_client.subscribe(endpoint, arguments=arguments, with_logs=True, on_queue_update=on_queue_update)
    return result, updates


def _kinds(updates: list[Any]) -> list[type]:
    kinds: list[type] = []
    for update in updates:
        if not kinds or kinds[-1] is not type(update):
            kinds.append(type(update))
    return kinds


def test_quick_start_of_text_to_video(capsys: pytest.CaptureFixture[str]) -> None:
    prompt = (
        "A noble lord walks among his people, his presence a comforting reassurance. He greets them with a gentle "
        "smile, embodying their hopes and earning their respect through simple interactions. The atmosphere is "
        "intimate and sincere, highlighting the bond between the leader and community."
    )
    result, updates = _subscribe(TEXT, {"prompt": prompt})

    assert _kinds(updates) == [fal_client.Queued, fal_client.InProgress, fal_client.Completed]
    positions = [update.position for update in updates if isinstance(update, fal_client.Queued)]
    assert positions == sorted(positions, reverse=True)
    assert positions[0] > positions[-1]
    assert "Rendered 40 of 120 frames" in capsys.readouterr().out
    assert "Rendered 120 of 120 frames" in [log["message"] for log in updates[-1].logs]
    assert set(result) == {"video"}
    assert result["video"]["content_type"] == "video/mp4"
    _assert_a_real_video(result["video"], (1920, 1080))


def test_quick_start_of_image_to_video_with_an_uploaded_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "start line.jpg"
    picture.write_bytes(picture_bytes(640, 480, "JPEG"))

    url = fal_client.upload_file(picture)
    result, updates = _subscribe(IMAGE, {"prompt": "A stark starting line divides two powerful cars", "image_url": url})

    assert httpx.get(url).content == picture.read_bytes()
    assert _kinds(updates) == [fal_client.Queued, fal_client.InProgress, fal_client.Completed]
    assert "Fetching the picture" in capsys.readouterr().out
    _assert_a_real_video(result["video"], (640, 480))


def _assert_a_real_video(file: dict[str, Any], size: tuple[int, int]) -> None:
    data = httpx.get(file["url"]).raise_for_status().content
    assert len(data) == file["file_size"]
    video = probe(data)
    assert (video.width, video.height) == size
    assert (video.codec, video.pixels, video.fps, video.frames) == ("h264", "yuv420p", 24, 120)
    assert video.seconds == 5.0
    assert video.faststart


def test_run_submit_status_result_and_cancel(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    _point(monkeypatch, sandbox)
    assert fal_client.run(TEXT, arguments={"prompt": "at once"})["video"]["file_name"] == "output.mp4"
    handle = fal_client.submit(TEXT, arguments={"prompt": "later"})
    assert handle.get()["video"]["url"].startswith(sandbox.url)
    assert isinstance(fal_client.status(TEXT, handle.request_id), fal_client.Completed)
    assert fal_client.result(TEXT, handle.request_id) == handle.get()
    with pytest.raises(fal_client.FalClientHTTPError, match="ALREADY_COMPLETED"):
        handle.cancel()


def test_an_error_arrives_as_the_clients_own(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    _point(monkeypatch, sandbox)
    with pytest.raises(fal_client.FalClientHTTPError) as refused:
        fal_client.subscribe(TEXT, arguments={"prompt": "[sandbox: runner_disconnected]"})
    assert refused.value.error_type == "runner_disconnected"


def test_large_upload_in_parts(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Path) -> None:
    _point(monkeypatch, sandbox)
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 1000)
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 40)
    assert httpx.get(fal_client.upload_file(large)).content == large.read_bytes()
