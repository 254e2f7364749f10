"""Work that a coroutine waits for, in a pool of threads away from those that pages have."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections

T = TypeVar("T")


async def run_in(threads: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
    """With a database connection that is alive, and that is not kept longer than pages keep theirs."""

    def run() -> T:
        close_old_connections()
        try:
            return work(*arguments)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(threads, run)
