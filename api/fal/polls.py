"""Status polls, which fal's clients send ten times a second: all that wait at one moment are one look for each key."""

import asyncio
import re
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import parse_qs

from django.conf import settings

from api.authentication import AuthenticationError, Caller
from api.batch import Batch
from api.credentials import Credentials
from api.fal import responses
from api.fal.requests import RowVersion, find_requests, is_app, request_versions
from api.fal.responses import Answer
from api.fal.status import status_answers, waits_here
from api.models import Scope
from config import headers, request_id
from config.server.environ import Scope as AsgiScope
from config.server.environ import header
from config.server.responses import WsgiResponse, read

PAUSE: Final = 0.02  # s between two looks, so that a look is for many
MAX_REMEMBERED: Final = 20_000  # some 2 KB each

_PATH: Final = re.compile(r"/fal/queue/(.+)/requests/([0-9a-fA-F-]{36})/status/?")


@dataclass(frozen=True, slots=True)
class Poll:
    credentials: Credentials
    pk: uuid.UUID
    with_logs: bool = False


def wants_logs(value: str) -> bool:
    """JavaScript's client sends 1 and 0, Python's true and false."""
    return value.lower() in {"1", "true", "yes"}


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
    told = await ask(poll)
    own = request_id.choose(header(scope, request_id.HEADER.lower().encode()), settings.TRUSTED_PROXIES)
    own_headers = [*told.headers, *_common(), (request_id.HEADER.lower().encode(), own.encode())]
    return WsgiResponse(told.status, own_headers, told.body)


@cache
def _common() -> list[tuple[bytes, bytes]]:
    pairs = headers.common_headers() | responses.FOR_BROWSERS | {"Cache-Control": "no-store"}
    return [(name.lower().encode(), value.encode()) for name, value in pairs.items()]


async def ask(poll: Poll) -> WsgiResponse:
    """How the request stands, or why that is not told."""
    return await _batch_of(asyncio.get_running_loop()).ask(poll)


@cache
def _batch_of(_loop: asyncio.AbstractEventLoop) -> Batch[Poll, WsgiResponse]:
    return Batch(look, PAUSE)


def look(polls: Sequence[Poll]) -> list[WsgiResponse]:
    """In a thread. Each key is asked for once, and each key's requests."""
    by_credentials: dict[Credentials, set[Poll]] = defaultdict(set)
    for poll in polls:
        by_credentials[poll.credentials].add(poll)
    found: dict[Poll, WsgiResponse] = {}
    for credentials, own in by_credentials.items():
        found |= _look_for(credentials, own)
    return [found[poll] for poll in polls]


def _look_for(credentials: Credentials, polls: Collection[Poll]) -> dict[Poll, WsgiResponse]:
    try:
        caller = credentials.authenticate(Scope.READ, Scope.GENERATE)
    except AuthenticationError as error:
        return {poll: _told(poll, responses.sentence(error.status, error.detail)) for poll in polls}
    versions = request_versions(caller, {poll.pk for poll in polls})
    known = {poll: told for poll in polls if (told := _memory.recall(poll, versions.get(poll.pk)))}
    new = [poll for poll in polls if poll not in known]
    return known | (_answers(caller, new, versions) if new else {})


def _answers(
    caller: Caller, polls: Sequence[Poll], versions: Mapping[uuid.UUID, RowVersion]
) -> dict[Poll, WsgiResponse]:
    rows = find_requests(caller, {poll.pk for poll in polls})
    asked = [poll for poll in polls if poll.pk in rows]
    answers = status_answers([(rows[poll.pk], poll.with_logs) for poll in asked])
    told = {poll: _told(poll, answer) for poll, answer in zip(asked, answers, strict=True)}
    for poll in asked:
        if not waits_here(rows[poll.pk]):  # whose place goes by the others
            _memory.keep(poll, versions.get(poll.pk), told[poll])
    return told | {poll: _told(poll, responses.not_found()) for poll in polls if poll not in told}


def _told(poll: Poll, answer: Answer) -> WsgiResponse:
    return read(answer.response(str(poll.pk)))


class _Memory:
    """What was last told of a request, for as long as it is the same: most polls find nothing new."""

    def __init__(self) -> None:
        self._told: dict[tuple[uuid.UUID, bool], tuple[RowVersion, WsgiResponse]] = {}

    def recall(self, poll: Poll, version: RowVersion | None) -> WsgiResponse | None:
        known, told = self._told.get((poll.pk, poll.with_logs), (None, None))
        return told if version is not None and known == version else None

    def keep(self, poll: Poll, version: RowVersion | None, told: WsgiResponse) -> None:
        if len(self._told) >= MAX_REMEMBERED:
            self._told.clear()
        if version is not None:
            self._told[poll.pk, poll.with_logs] = (version, told)


_memory: Final = _Memory()
