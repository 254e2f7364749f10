"""fal's own form of webhooks, as fal documents it (https://fal.ai/docs/model-apis/model-endpoints/webhooks).

What verifies fal's webhooks verifies ours, by the keys at our own `/fal/.well-known/jwks.json`.
"""

import json
import uuid
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from api.fal.result import result_answer
from api.models import FalWebhook, SigningKey, WebhookDelivery
from api.webhooks import signature
from api.webhooks.occurrence import ENDED
from api.webhooks.send import Answer
from generations.models import TERMINAL, Generation, Status

RETRY_DELAYS: Final = tuple(  # ten, within two hours
    timedelta(seconds=seconds) for seconds in (5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3000)
)
_BATCH_SIZE: Final = 200


@transaction.atomic
def collect() -> int:
    """Make the deliveries of what has ended; how many."""
    found = FalWebhook.objects.filter(queued_at=None, generation__status__in=sorted(TERMINAL)).order_by("made_at")
    related = ("generation__team", "endpoint")
    locked = found.select_for_update(skip_locked=True, of=("self",)).select_related(*related)
    hooks = list(locked[:_BATCH_SIZE])
    WebhookDelivery.objects.bulk_create(map(_delivery, hooks), ignore_conflicts=True)
    FalWebhook.objects.filter(pk__in=[hook.pk for hook in hooks]).update(queued_at=timezone.now())
    return len(hooks)


def _delivery(hook: FalWebhook) -> WebhookDelivery:
    row = hook.generation
    source = f"fal:{row.pk}"
    return WebhookDelivery(
        id=uuid.uuid5(hook.endpoint_id, source),
        endpoint=hook.endpoint,
        source=source,
        event=ENDED[Status(row.status)],
        generation=row,
        url=hook.url,
        body=json.dumps(_body(row), ensure_ascii=False),
    )


def _body(row: Generation) -> dict[str, Any]:
    """`gateway_request_id` is that of fal's last attempt; ours are one."""
    answer = result_answer(row)
    ids = {"request_id": str(row.pk), "gateway_request_id": str(row.pk)}
    if answer.status == 200:
        return {**ids, "status": "OK", "payload": answer.body}
    return {**ids, "status": "ERROR", "error": f"Invalid status code: {answer.status}", "payload": answer.body}


def headers(delivery: WebhookDelivery, timestamp: int, body: bytes) -> dict[str, str]:
    """The user is the team: whose account it is, in fal's sense."""
    return signature.fal_headers(
        SigningKey.objects.current().private_key,
        delivery.message_id,
        timestamp,
        body,
        request_id=str(delivery.generation_id),
        user_id=str(delivery.endpoint.team_id),
    )


def retry_delay(tries: int, answer: Answer) -> timedelta | None:
    """A redirect is the end, as it is for fal, and so is 410."""
    is_end = answer.status is not None and (300 <= answer.status < 400 or answer.status == 410)
    return None if is_end or tries >= len(RETRY_DELAYS) else RETRY_DELAYS[tries]


def jwks() -> dict[str, Any]:
    """The public keys. `x` is padded, as fal's own example of a verification needs it."""
    keys = SigningKey.objects.published(timezone.now()).order_by("pk") or [SigningKey.objects.current()]
    return {"keys": [_jwk(key) for key in keys]}


def _jwk(key: SigningKey) -> dict[str, str]:
    x = urlsafe_b64encode(key.public_bytes).decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": str(key.pk), "x": x}
