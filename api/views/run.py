"""`run`, `stream` and the stream of a status: answers that take as long as a video does, and no thread meanwhile."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from api.authentication import Caller
from api.credentials import Credentials
from api.fal.polls import Poll, wants_logs
from api.fal.requests import find_request, require_app
from api.fal.responses import REQUEST_ID, RefusedError
from api.fal.submit import submit, takes_long
from api.fal.waiting import output_events, result_when_ended, status_events
from api.models import Scope
from api.views.access import BODY_BYTES, answered_later, may_send_much, read_object, with_key
from api.views.downloads import in_download_thread
from api.views.fal import endpoint_of, submit_options
from config.server.later import EventStreamResponse, LaterResponse
from config.server.limits import body_limit
from generations.models import Generation

Submit = Callable[[], Generation]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is made already, or that is made later because hosts elsewhere have to be asked first."""

    credentials: Credentials
    pk: uuid.UUID | None
    submit: Submit | None = None

    @classmethod
    def of(cls, request: HttpRequest, caller: Caller, endpoint: str) -> "_Asked":
        known, values, options = endpoint_of(endpoint), read_object(request), submit_options(request)
        submit_now = partial(submit, caller, known, values, **options)
        credentials = Credentials.of(request.META)
        if takes_long(known, values, options["webhook"]):
            return cls(credentials, None, submit_now)
        return cls(credentials, submit_now().pk)

    async def request_id(self) -> uuid.UUID:
        """Raises RefusedError."""
        if self.pk is not None:
            return self.pk
        assert self.submit is not None
        return (await in_download_thread(self.submit)).pk


@body_limit(BODY_BYTES, may_send_much)
@require_POST
@with_key(Scope.GENERATE)
def run(request: HttpRequest, caller: Caller, endpoint: str) -> HttpResponse:
    """The model's output, once it is there. A client that leaves loses nothing: the video comes into the gallery."""
    return LaterResponse(answered_later(partial(_result, _Asked.of(request, caller, endpoint))))


async def _result(asked: _Asked) -> HttpResponse:
    return await result_when_ended(asked.credentials, await asked.request_id())


@body_limit(BODY_BYTES, may_send_much)
@require_POST
@with_key(Scope.GENERATE)
def stream(request: HttpRequest, caller: Caller, endpoint: str) -> HttpResponse:
    return EventStreamResponse(partial(_output, _Asked.of(request, caller, endpoint)))


async def _output(asked: _Asked) -> AsyncIterator[bytes]:
    try:
        pk = await asked.request_id()
    except RefusedError as error:
        yield b"data: " + json.dumps(error.answer.body).encode() + b"\n\n"
        return
    async for event in output_events(asked.credentials, pk):
        yield event


@require_safe
@with_key(Scope.READ, Scope.GENERATE)
def status_stream(request: HttpRequest, caller: Caller, app: str, pk: str) -> HttpResponse:
    require_app(app)
    row = find_request(caller, pk)
    poll = Poll(Credentials.of(request.META), row.pk, wants_logs(request.GET.get("logs", "")))
    response = EventStreamResponse(partial(status_events, poll))
    response.headers[REQUEST_ID] = str(row.pk)
    return response
