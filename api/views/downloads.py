"""Threads of their own for requests that fetch a picture from elsewhere first: slow hosts keep no page waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from django.db import close_old_connections
from django.http import HttpResponse

from config.server.later import LaterResponse

THREADS: Final = 4

_threads: Final = ThreadPoolExecutor(THREADS, "download")


T = TypeVar("T")


def later(work: Callable[[], HttpResponse]) -> LaterResponse:
    """What `work` gives, once one of the threads has done it."""
    return LaterResponse(partial(in_download_thread, work))


async def in_download_thread(work: Callable[[], T]) -> T:
    def run() -> T:
        close_old_connections()
        try:
            return work()
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)
