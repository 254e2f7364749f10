"""Repeat a step's read or write on a new connection when the database restarts."""

import asyncio
import logging
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections

from generations.models import Generation

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=Generation | list[Generation])

RETRY_DELAYS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  # s; after them the row waits for its lease to run out


async def with_db_retry(act: Callable[Concatenate[R, P], T], row: R, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it to the row or rows, again and again while the database is away: fal's answers must not be forgotten.

    Harmless when a try was committed and only the word of it was lost: every write asks for the state that it leaves.
    """
    before = [(each, dict(vars(each))) for each in _rows(row)]
    for pause in RETRY_DELAYS:
        try:
            return await sync_to_async(act)(row, *args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database does not answer, trying again: %s", error)
            for each, values in before:
                vars(each).update(values)
            await sync_to_async(close_old_connections)()
            await asyncio.sleep(pause)
    return await sync_to_async(act)(row, *args, **kwargs)


def _rows(row: Generation | list[Generation]) -> list[Generation]:
    return row if isinstance(row, list) else [row]
