"""Videos that fal has made for us and that no row knows: their orders were lost with a database that was restored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from generations.fal.arguments import Arguments, Endpoint, InvalidArguments, parse
from generations.fal.client import FalClient
from generations.fal.responses import ListedRequest, RequestUrls
from generations.fal_account import fal_config
from generations.models import Generation, Price, Status
from generations.models.generation import REQUEST_COLUMNS
from generations.pipeline.lost_answers import LOST_REASONS

_EVENT: Final = "Found at fal: its order was lost with a database that was restored."


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """One that ended with a video. What it was asked for is None where fal does not keep it."""

    request_id: str
    endpoint: Endpoint
    sent_at: datetime | None
    arguments: Arguments | None


def rows_searched() -> int:
    """Rows whose own request is still looked for: until then nobody can tell which are unknown."""
    return Generation.objects.filter(status=Status.SUBMITTING, reason__in=LOST_REASONS).count()


def find(since: datetime) -> Iterator[UnknownRequest]:
    """What fal's list has from then on. Raises FalError."""
    with FalClient(fal_config()) as fal:
        for endpoint in Endpoint:
            listed = fal.requests(endpoint, start=since, end=timezone.now())
            made = {each.request_id: each for each in listed if _has_video(each)}  # each key of an account lists it
            known = set(Generation.objects.filter(request_id__in=made).values_list("request_id", flat=True))
            yield from (_unknown(each, endpoint) for pk, each in made.items() if pk not in known)


def adopt(found: UnknownRequest, user: User) -> Generation | None:
    """A row in the user's personal team, which a worker drives on; None when another has it by now, or nobody knows
    what was asked for.
    """
    if found.arguments is None:
        return None
    urls = RequestUrls.for_id(fal_config(), found.request_id)
    try:
        with transaction.atomic():
            row = Generation.objects.create(
                **_request_columns(found.endpoint, found.arguments),
                team=user.personal_team,
                user=user,
                status=Status.RENDERING,
                submitted_at=found.sent_at or timezone.now(),
                uncertain_until=timezone.now(),
                cost_cents=Price.objects.cents_or_zero(found.endpoint, int(found.arguments.duration)),
                request_id=urls.request_id,
                status_url=urls.status_url,
                response_url=urls.response_url,
                cancel_url=urls.cancel_url,
            )
            row.events.create(status=row.status, message=_EVENT)
    except IntegrityError:
        return None
    return row


def _has_video(item: ListedRequest) -> bool:
    return item.status_code is not None and item.status_code < 300


def _unknown(item: ListedRequest, endpoint: Endpoint) -> UnknownRequest:
    try:
        arguments = parse(endpoint, item.json_input or {})
    except InvalidArguments:
        return UnknownRequest(item.request_id, endpoint, item.sent_at, None)
    return UnknownRequest(item.request_id, endpoint, item.sent_at, arguments)


def _request_columns(endpoint: Endpoint, arguments: Arguments) -> dict[str, object]:
    given = {"aspect_ratio": "", **arguments.model_dump()}  # a picture has its own
    values: dict[str, object] = {**given, "endpoint": endpoint, "duration": int(arguments.duration)}
    return {name: values[name] for name in REQUEST_COLUMNS}
