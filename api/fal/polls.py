"""Status polls, which fal's clients send ten times a second: all that wait at one moment are one look for each key."""

import asyncio
import re
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import parse_qs

from django.conf import settings
from django.http import HttpResponse

from api.authentication import AuthenticationError
from api.batch import Batch
from api.credentials import Credentials
from api.fal import responses
from api.fal.requests import find_requests, is_app
from api.fal.status import status_answers
from api.models import Scope
from config import headers, request_id
from config.server.environ import Scope as AsgiScope
from config.server.environ import header
from config.server.responses import WsgiResponse, read

_PATH: Final = re.compile(r"/fal/queue/(.+)/requests/([0-9a-fA-F-]{36})/status/?")


@dataclass(frozen=True, slots=True)
class Poll:
    credentials: Credentials
    pk: uuid.UUID
    with_logs: bool = False


def wants_logs(value: str) -> bool:
    """JavaScript's client sends 1 and 0, Python's true and false."""
    return value.lower() in {"1", "true"}


def answer_poll(scope: AsgiScope) -> Awaitable[WsgiResponse] | None:
    """For the gateway: the address of a status is answered without Django's middleware, which would be most of it."""
    path = _PATH.fullmatch(scope["path"])
    if path is None or not is_app(path[1]):
        return None
    try:
        pk = uuid.UUID(path[2])
    except ValueError:
        return None
    logs = parse_qs(scope["query_string"].decode("latin-1")).get("logs", [""])[-1]
    return _answer(scope, Poll(Credentials.of_scope(scope), pk, wants_logs(logs)))


async def _answer(scope: AsgiScope, poll: Poll) -> WsgiResponse:
    response = read(await ask(poll))
    own = request_id.choose(header(scope, request_id.HEADER.lower().encode()), settings.TRUSTED_PROXIES)
    response.headers.extend([*_common(), (request_id.HEADER.lower().encode(), own.encode())])
    return response


@cache
def _common() -> list[tuple[bytes, bytes]]:
    pairs = headers.common_headers() | responses.FOR_BROWSERS | {"Cache-Control": "no-store"}
    return [(name.lower().encode(), value.encode()) for name, value in pairs.items()]


async def ask(poll: Poll) -> HttpResponse:
    """How the request stands, or why that is not told."""
    return await _batch_of(asyncio.get_running_loop()).ask(poll)


@cache
def _batch_of(_loop: asyncio.AbstractEventLoop) -> Batch[Poll, HttpResponse]:
    return Batch(look)


def look(polls: Sequence[Poll]) -> list[HttpResponse]:
    """In a thread. Each key is asked for once, and each key's requests."""
    by_credentials: dict[Credentials, set[Poll]] = defaultdict(set)
    for poll in polls:
        by_credentials[poll.credentials].add(poll)
    found: dict[Poll, HttpResponse] = {}
    for credentials, own in by_credentials.items():
        found |= _look_for(credentials, own)
    return [found[poll] for poll in polls]


def _look_for(credentials: Credentials, polls: Iterable[Poll]) -> dict[Poll, HttpResponse]:
    try:
        caller = credentials.authenticate(Scope.READ, Scope.GENERATE)
    except AuthenticationError as error:
        refusal = responses.sentence(error.status, error.detail)
        return {poll: refusal.response(str(poll.pk)) for poll in polls}
    rows = find_requests(caller, {poll.pk for poll in polls})
    asked = {poll: rows[poll.pk] for poll in polls if poll.pk in rows}
    answers = status_answers([(row, poll.with_logs) for poll, row in asked.items()])
    told = {poll: answer.response(str(poll.pk)) for poll, answer in zip(asked, answers, strict=True)}
    return {poll: told.get(poll) or responses.not_found().response(str(poll.pk)) for poll in polls}
