"""fal's two clients behind one face, so that each behaviour is told once and tried in both."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from generations.fal.arguments import Arguments, Endpoint
from generations.fal.client import AsyncFalClient, FalClient
from generations.fal.responses import (
    Cancellation,
    FalConfig,
    ListedRequest,
    Progress,
    RequestUrls,
    Submitted,
    VideoFile,
)
from tests.scripted_server import ScriptedServer, scripted_server

BRIEF = httpx.Timeout(connect=2, read=2, write=2, pool=2)
REQUEST_ID = "019e8887-1f00-7000-8000-00000000abcd"


class Blocking:
    """AsyncFalClient, one call after another."""

    def __init__(self, fal: AsyncFalClient, runner: asyncio.Runner) -> None:
        self.fal, self.run = fal, runner.run

    def submit(self, endpoint: Endpoint, arguments: Arguments, *, webhook_url: str | None = None) -> Submitted:
        return self.run(self.fal.submit(endpoint, arguments, webhook_url=webhook_url))

    def status(self, request: RequestUrls, *, logs: bool = True) -> Progress:
        return self.run(self.fal.status(request, logs=logs))

    def result(self, request: RequestUrls) -> VideoFile:
        return self.run(self.fal.result(request))

    def cancel(self, request: RequestUrls) -> Cancellation:
        return self.run(self.fal.cancel(request))

    def upload(self, data: bytes | Path, *, content_type: str, file_name: str) -> str:
        return self.run(self.fal.upload(data, content_type=content_type, file_name=file_name))

    def requests(
        self, endpoint: Endpoint, *, start: datetime, end: datetime, with_payloads: bool = True
    ) -> Iterator[ListedRequest]:
        async def all_of_them() -> list[ListedRequest]:
            found = self.fal.requests(endpoint, start=start, end=end, with_payloads=with_payloads)
            return [listed async for listed in found]

        return iter(self.run(all_of_them()))


AnyClient = FalClient | Blocking


@contextmanager
def blocking(fal: AsyncFalClient) -> Iterator[Blocking]:
    with asyncio.Runner() as runner:
        yield Blocking(fal, runner)
        runner.run(fal.aclose())


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def config_of(url: str, key: str = "id:secret") -> FalConfig:
    return FalConfig(key, url, url, f"{url}/v1")


@pytest.fixture
def config(server: ScriptedServer) -> FalConfig:
    return config_of(server.url)


@pytest.fixture(params=["blocking", "asyncio"])
def fal(request: pytest.FixtureRequest, config: FalConfig) -> Iterator[AnyClient]:
    if request.param == "blocking":
        with FalClient(config, timeout=BRIEF) as client:
            yield client
    else:
        with blocking(AsyncFalClient(config, timeout=BRIEF)) as async_client:
            yield async_client


@pytest.fixture
def job(config: FalConfig) -> RequestUrls:
    """A request that fal knows."""
    return RequestUrls.for_id(config, REQUEST_ID)
