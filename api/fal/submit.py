"""Ask for a video as at fal: from a JSON body to a committed row, by the same way as the form."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.http import JsonResponse
from django.utils.translation import gettext as _

from api import webhook_address
from api.authentication import INVALID, Caller
from api.fal import responses
from api.fal.pictures import has_links, own_pictures, save_pictures, without_pictures
from api.fal.requests import request_urls
from api.fal.responses import Answer, RefusedError
from api.fal.status import QueueStatus
from api.fal_webhooks import WebhookUrlError
from api.fal_webhooks import add as add_webhook
from api.orders import IdempotencyError, KeyEndedError, Repeat, find_repeated, place
from generations.bucket import BucketDownError
from generations.exceptions import (
    OrderRefusedError,
    OverBudgetError,
    ProjectRefusedError,
    QueuePausedError,
    TooManyOrdersError,
    TooManyPicturesError,
)
from generations.fal.arguments import Arguments, Endpoint, InvalidArguments, parse
from generations.models import Generation, Price, Slot, Upload
from generations.moderation.screening import BannedPictureError, PromptRefusedError
from generations.orders.place import Order, Record
from generations.pictures import DecoderBusyError

_VIOLATION: Final = "content_policy_violation"
_RETRY_SECONDS: Final = "60"


def submit(
    caller: Caller, endpoint: Endpoint, values: Mapping[str, Any], *, idempotency_key: str = "", webhook: str = ""
) -> Generation:
    """The generation; the one of before where the Idempotency-Key says that it is the same request.

    See `takes_long`. Raises RefusedError; then nothing was made.
    """
    with refusals(values):
        repeat = Repeat.of(idempotency_key, endpoint, dict(values), webhook)
        if known := find_repeated(caller, repeat):
            return known[0]
        check_webhook(webhook)
        arguments = parse(endpoint, without_pictures(values))
        pictures = save_pictures(caller, own_pictures(endpoint, values))
        order = _order(caller, endpoint, arguments, pictures)
        return place(caller, [order], repeat, _registration(webhook))[0]


def takes_long(endpoint: Endpoint, values: Mapping[str, Any], webhook: str) -> bool:
    """Whether a submit asks hosts elsewhere, which may be slow: for a picture, or for the webhook's name."""
    return bool(webhook) or has_links(endpoint, values)


@contextmanager
def refusals(values: Mapping[str, Any]) -> Iterator[None]:
    """What is wrong with the input, or with the moment, in fal's words: a RefusedError."""
    try:
        yield
    except InvalidArguments as error:
        raise RefusedError(responses.invalid(error.problems, values)) from error
    except (OrderRefusedError, BucketDownError, DecoderBusyError, Price.DoesNotExist) as error:
        raise RefusedError(_refusal(error)) from error


def submitted(row: Generation) -> JsonResponse:
    """fal's answer to a submit. It says IN_QUEUE even where a worker has been faster."""
    body = {"status": QueueStatus.IN_QUEUE.value, "request_id": str(row.pk), **request_urls(row.pk)}
    return Answer(200, {**body, "logs": None, "metrics": {}, "queue_position": 0}).response(str(row.pk))


def check_webhook(url: str) -> None:
    """Raises RefusedError for an address that may not be called."""
    try:
        if url:
            webhook_address.check(url)
    except WebhookUrlError as error:
        details = responses.detail("", "url_parsing", error)
        raise RefusedError(Answer(422, {"detail": [{**details, "loc": ["query", "fal_webhook"]}]})) from error


def _registration(webhook: str) -> Record | None:
    """In the transaction of the request, so that no webhook is lost."""
    return (lambda rows: add_webhook(rows[0], webhook)) if webhook else None


def _order(caller: Caller, endpoint: Endpoint, arguments: Arguments, pictures: dict[Slot, Upload]) -> Order:
    return Order(
        user=caller.user,
        team=caller.team,
        idempotency_key=uuid.uuid4(),
        endpoint=endpoint,
        arguments=arguments,
        pictures=pictures,
    )


def _refusal(error: Exception) -> Answer:  # noqa: PLR0911 - one return a kind
    match error:
        case OverBudgetError():
            return responses.over_budget(error)
        case QueuePausedError():
            return responses.locked(error)
        case KeyEndedError():
            return responses.sentence(401, INVALID)
        case IdempotencyError() | ProjectRefusedError():
            return responses.sentence(422, error)
        case PromptRefusedError():
            return responses.model_error(422, [responses.detail("prompt", _VIOLATION, error)])
        case BannedPictureError():
            return responses.model_error(422, [responses.detail("image_url", _VIOLATION, error)])
        case TooManyOrdersError() | TooManyPicturesError():
            return responses.sentence(429, error, **{"Retry-After": _RETRY_SECONDS})
        case Price.DoesNotExist():
            words = _("There is no price for this yet. Ask an admin to enter what it costs.")
            return responses.model_error(422, [responses.detail("duration", "feature_not_supported", words)])
        case BucketDownError() | DecoderBusyError():
            return responses.infrastructure_error(503, "runner_scheduling_failure", error)
        case _:
            return responses.locked(error)
