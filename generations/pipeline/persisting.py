"""What a step has to read or write survives a restart of the database: it is tried again on a new connection."""

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

PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  # s; after them the row waits for its lease to run out


async def persist(
    act: Callable[Concatenate[Generation, P], T], row: Generation, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Do it to the row, again and again while the database is away: what fal has answered must not be forgotten.

    Harmless when a try was committed and only the word of it was lost: every write asks for the state that it leaves.
    """
    before = dict(vars(row))
    for pause in PAUSES:
        try:
            return await sync_to_async(act)(row, *args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database is away, trying again: %s", error)
            vars(row).update(before)
            await sync_to_async(close_old_connections)()
            await asyncio.sleep(pause)
    return await sync_to_async(act)(row, *args, **kwargs)
