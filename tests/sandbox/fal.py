"""Speaks to a sandbox over plain HTTP, so that a test sees exactly what a client sees."""

import time
from typing import Any

import httpx

from tests.sandbox_process import KEY, Sandbox

TEXT = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
IMAGE = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video"
WAIT_SECONDS = 60  # a busy machine may be slow


class Fal(httpx.Client):
    """An httpx client with the sandbox's address and key."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(base_url=sandbox.url, headers={"Authorization": f"Key {KEY}"}, timeout=20, verify=False)

    def submit(self, prompt: str = "a lighthouse", endpoint: str = TEXT, **arguments: Any) -> dict[str, Any]:
        """What the queue answers; `webhook` and `headers` are not the model's."""
        webhook, headers = arguments.pop("webhook", None), arguments.pop("headers", {})
        query = {"fal_webhook": webhook} if webhook else {}
        answer = self.post(f"/{endpoint}", json={"prompt": prompt} | arguments, params=query, headers=headers)
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    def wait(self, request: dict[str, Any], status: str = "COMPLETED") -> dict[str, Any]:
        """Poll until it has that status; the last answer."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            body: dict[str, Any] = self.get(f"{request['status_url']}?logs=1").raise_for_status().json()
            if body["status"] == status:
                return body
            time.sleep(0.02)
        raise AssertionError(f"still {body['status']}, not {status}")

    def result(self, request: dict[str, Any]) -> httpx.Response:
        """The result, once there is one."""
        self.wait(request)
        return self.get(request["response_url"])

    def video(self, prompt: str = "a lighthouse", endpoint: str = TEXT, **arguments: Any) -> str:
        """The address of a finished video."""
        url: str = self.result(self.submit(prompt, endpoint, **arguments)).raise_for_status().json()["video"]["url"]
        return url
