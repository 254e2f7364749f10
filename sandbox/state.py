"""The parts of a running sandbox, and how a page finds them."""

import asyncio
from dataclasses import dataclass
from typing import Self, cast

import httpx
from starlette.requests import Request

from sandbox.faults import Faults
from sandbox.files import Files
from sandbox.job import Job
from sandbox.options import Options
from sandbox.pictures import Pictures
from sandbox.render_pool import RenderPool
from sandbox.runner import Runner
from sandbox.store import Store
from sandbox.webhooks import WebhookSender


@dataclass(frozen=True)
class SandboxState:
    """Everything that lives as long as the process."""

    options: Options
    store: Store
    faults: Faults
    files: Files
    render_pool: RenderPool
    webhook_sender: WebhookSender
    runner: Runner
    client: httpx.AsyncClient

    @classmethod
    def open(cls, options: Options) -> Self:
        """Open the directory and go on with what was under way. Needs a running event loop."""
        options.directory.mkdir(parents=True, exist_ok=True)
        store = Store(options.directory / "books.sqlite3")
        faults = Faults(options.faults, lambda kind: store.count(f"fault:{kind}"))
        client = httpx.AsyncClient(follow_redirects=True, timeout=20)
        files = Files(options.directory / "files", options.key)
        pictures = Pictures(options.directory / "inputs", client)
        render_pool = RenderPool(
            options.directory / "renders", pictures.folder, lambda: store.count("renders"), options.clip
        )
        webhook_sender = WebhookSender(options, store, faults, client)
        runner = Runner(options, store, faults, files, pictures, render_pool, webhook_sender)
        runner.resume()
        return cls(options, store, faults, files, render_pool, webhook_sender, runner, client)

    async def close(self) -> None:
        await asyncio.gather(self.runner.close(), self.render_pool.close())
        await self.client.aclose()
        self.store.close()


def sandbox_state(request: Request) -> SandboxState:
    return cast("SandboxState", request.app.state.sandbox)


def own_jobs(request: Request) -> list[Job]:
    """Those of the account whose key was sent."""
    return [job for job in sandbox_state(request).store.jobs.values() if job.account == request.scope["account"]]


def find_own_job(request: Request) -> Job | None:
    job = sandbox_state(request).store.jobs.get(request.path_params["id"])
    return job if job and job.account == request.scope["account"] else None
