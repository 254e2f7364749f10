"""Wait for a request without a thread: until there is its result, or event by event. The key is asked for each time."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

from django.http import HttpResponse

from api.authentication import AuthenticationError
from api.credentials import Credentials
from api.fal import responses
from api.fal.polls import Poll, ask
from api.fal.responses import RefusedError
from api.fal.result import IN_PROGRESS, result_of
from api.models import Scope
from api.watch import StoppingError, Version, in_thread, watch
from generations.models import TERMINAL

PING_SECONDS: Final = 5.0  # also how soon a new place in the queue is told
PING: Final = b": ping\n\n"


async def result_when_ended(credentials: Credentials, pk: uuid.UUID) -> HttpResponse:
    """What the result's address answers then."""
    version: Version | None = None
    try:
        while (version := await watch().change(pk, version)) and not _may_have_ended(version):
            pass
        while (found := await in_thread(result_now, credentials, pk)).status_code == 400 and _is_in_progress(found):
            version = await watch().change(pk, version)
    except StoppingError:
        words = f"The studio restarts; nothing is lost. Ask for the result of the request {pk}: do not send it again."
        return responses.final_timeout(words).response(str(pk))
    return found


def _may_have_ended(version: Version) -> bool:
    return version.status in TERMINAL


def _is_in_progress(found: HttpResponse) -> bool:
    """As of a video that somebody reviews first."""
    return bool(json.loads(found.content)["detail"] == IN_PROGRESS)


def result_now(credentials: Credentials, pk: uuid.UUID) -> HttpResponse:
    """In a thread."""
    try:
        return result_of(credentials.authenticate(Scope.READ, Scope.GENERATE), str(pk))
    except AuthenticationError as error:
        return responses.sentence(error.status, error.detail).response(str(pk))
    except RefusedError as error:
        return error.answer.response(str(pk))


async def status_events(poll: Poll) -> AsyncIterator[bytes]:
    """Each status that is new, with the new lines of the log; it ends with COMPLETED, and with the key's rights."""
    version, told, lines = None, b"", 0
    while (answer := await ask(poll)).status in {200, 202}:
        body = json.loads(answer.body)
        content, logged = answer.body, body["logs"] or []
        yield _event(body | {"logs": logged[lines:] if body["logs"] is not None else None}) if content != told else PING
        told, lines = content, len(logged)
        if answer.status == 200:
            return
        try:
            version = await watch().change_within(PING_SECONDS, poll.pk, version)
        except StoppingError:
            return  # the client asks again


async def output_events(credentials: Credentials, pk: uuid.UUID) -> AsyncIterator[bytes]:
    """For `stream`: the model makes one video and shows nothing before, so the output is the only event."""
    found = asyncio.ensure_future(result_when_ended(credentials, pk))
    try:
        while not found.done():
            await asyncio.wait({found}, timeout=PING_SECONDS)
            yield PING
        yield b"data: " + (await found).content + b"\n\n"
    finally:
        found.cancel()


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"
