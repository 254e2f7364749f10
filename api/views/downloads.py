"""Threads of their own for requests that fetch a picture from elsewhere first: slow hosts keep no page waiting."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from django.http import HttpResponse

from api.threads import run_in
from config.server.later import LaterResponse

THREADS: Final = 4

_threads: Final = ThreadPoolExecutor(THREADS, "download")

T = TypeVar("T")


def later(work: Callable[[], HttpResponse]) -> LaterResponse:
    """What `work` gives, once one of the threads has done it."""
    return LaterResponse(partial(in_download_thread, work))


async def in_download_thread(work: Callable[[], T]) -> T:
    return await run_in(_threads, work)
