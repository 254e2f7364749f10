"""Killed at any moment, the sandbox goes on where it was."""

import base64
import json
import time
from pathlib import Path

import httpx

from tests.sandbox.conftest import picture_bytes
from tests.sandbox.fal import IMAGE, Fal
from tests.sandbox.receiver import Delivery, receiving
from tests.sandbox_process import running_sandbox


def test_jobs_files_keys_and_webhooks_survive_a_kill(tmp_path: Path, clip: Path) -> None:
    with (
        receiving() as receiver,
        running_sandbox(
            tmp_path, SANDBOX_CLIP=str(clip), SANDBOX_RENDER_SECONDS="0.6", SANDBOX_CONCURRENCY="2"
        ) as sandbox,
        Fal(sandbox) as fal,
    ):
        upload = fal.post("/storage/upload/initiate", json={"file_name": "a.png"}).json()
        fal.put(upload["upload_url"], content=picture_bytes())
        keys = fal.get("/.well-known/jwks.json").json()
        done = fal.submit("done")
        fal.wait(done)
        receiver.codes = [500] * 2
        unheard = fal.submit("its webhook is not taken yet", webhook=receiver.url)
        fal.wait(unheard)
        receiver.wait(1)
        requests = [fal.submit(f"{n}", IMAGE, image_url=upload["file_url"], webhook=receiver.url) for n in range(4)]
        fal.wait(requests[0], "IN_PROGRESS")

        sandbox.restart()

        assert fal.get("/.well-known/jwks.json").json() == keys
        assert fal.result(done).status_code == 200
        urls = [fal.result(request).raise_for_status().json()["video"]["url"] for request in requests]
        assert [httpx.get(url).status_code for url in urls] == [200] * 4
        told = _told(receiver.wait(7))
        assert {unheard["request_id"], *(request["request_id"] for request in requests)} <= told
        assert len(sandbox.records()["requests"]) == 6


def _told(deliveries: list[Delivery]) -> set[str]:
    return {json.loads(delivery.body)["request_id"] for delivery in deliveries}


def test_a_rendering_cut_by_a_kill_is_rendered(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox, Fal(sandbox) as fal:
        request = fal.submit("small", IMAGE, image_url=_data_uri())
        fal.wait(request, "IN_PROGRESS")
        time.sleep(0.2)
        sandbox.restart()
        url = fal.result(request).raise_for_status().json()["video"]["url"]
        assert httpx.get(url).content[4:8] == b"ftyp"


def _data_uri() -> str:
    return "data:image/png;base64," + base64.b64encode(picture_bytes(640, 640)).decode()
