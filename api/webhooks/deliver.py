"""Send what is due: an endpoint is leased, and its messages go one by one in their order.

A worker that dies leaves a lease that runs out; then the same message is sent again, under the same id. What is slow or
dead holds one thread at most, and not more than half of all threads serve endpoints that fail.
"""

import logging
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from api.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookFormat
from api.webhooks import fal_form, health, send, signature
from api.webhooks.send import Answer

logger = logging.getLogger(__name__)

RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
)
LEASE: Final = timedelta(seconds=120)  # looking for a host's address can take longer than the answer may
THREADS: Final = 16  # of one worker
_FOR_ANY: Final = THREADS // 2  # of them; the others send only where nothing fails


@dataclass(frozen=True, slots=True)
class Claim:
    delivery: WebhookDelivery
    lease: uuid.UUID


def deliver_due(*, healthy_only: bool = False) -> int:
    """Send until nothing is due; how many tries that were. Any number of threads and workers may do it at once."""
    tries = 0
    while claim := _claim(healthy_only=healthy_only):
        _deliver(claim)
        tries += 1
    return tries


@transaction.atomic
def _claim(*, healthy_only: bool) -> Claim | None:
    """The first message of the endpoint that has waited the longest. It is leased as a whole."""
    now = timezone.now()
    due = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), due_at__lte=now).order_by("due_at")
    free = WebhookEndpoint.objects.active().filter(
        Q(lease_until=None) | Q(lease_until__lt=now), Q(not_before=None) | Q(not_before__lte=now)
    )
    if healthy_only:
        free = free.filter(failing_since=None)
    waiting = free.alias(first_due=Subquery(due.values("due_at")[:1])).filter(first_due__isnull=False)
    endpoint = waiting.order_by("first_due", "pk").select_for_update(skip_locked=True, of=("self",)).first()
    if endpoint is None:
        return None
    delivery = endpoint.deliveries.filter(due_at__lte=now).order_by("due_at", "made_at", "pk").first()
    if delivery is None:
        return None
    lease = uuid.uuid4()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(lease=lease, lease_until=now + LEASE)
    delivery.endpoint = endpoint
    return Claim(delivery, lease)


def _deliver(claim: Claim) -> None:
    delivery, body = claim.delivery, claim.delivery.body.encode()
    headers = _headers(delivery, body, timezone.now())
    url = delivery.url or delivery.endpoint.url
    answer = send.post(url, body, headers, trusted_origins=settings.MIRROR_TRUSTED_ORIGINS)
    _record(claim, headers, answer)


def _headers(delivery: WebhookDelivery, body: bytes, now: datetime) -> dict[str, str]:
    timestamp = int(now.timestamp())
    if delivery.endpoint.format == WebhookFormat.FAL:
        return fal_form.headers(delivery, timestamp, body)
    return signature.signed_headers(delivery.endpoint.secrets(now), delivery.message_id, timestamp, body)


@transaction.atomic
def _record(claim: Claim, headers: dict[str, str], answer: Answer) -> None:
    """Nothing when the lease has run out meanwhile, or the endpoint was deleted: then others send, or nobody."""
    endpoint = (
        WebhookEndpoint.objects.select_for_update().filter(pk=claim.delivery.endpoint_id, lease=claim.lease).first()
    )
    if endpoint is None:
        return
    now, delivery = timezone.now(), claim.delivery
    WebhookAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts.count() + 1,
        at=now,
        milliseconds=answer.milliseconds,
        request_headers=headers,
        status=answer.status,
        response_headers=answer.headers,
        response=answer.text,
        error=answer.error,
    )
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(lease=None, lease_until=None)
    row = WebhookDelivery.objects.filter(pk=delivery.pk)
    if answer.is_success:
        row.update(due_at=None, delivered_at=now, failed_at=None, tries=F("tries") + 1)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None, warned_at=None, not_before=None)
    else:
        _record_failure(endpoint, delivery, answer, now)


def _record_failure(endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: Answer, now: datetime) -> None:
    wait = answer.retry_after(now)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failing_since=Coalesce("failing_since", now),
        last_failed_at=now,
        not_before=now + wait if wait else None,
    )
    delay = _delay(endpoint, delivery, answer)
    due_at = now + max(delay, wait or delay) if delay else None
    waiting = WebhookDelivery.objects.filter(pk=delivery.pk, due_at__isnull=False)  # or it was switched off meanwhile
    waiting.update(due_at=due_at, failed_at=None if due_at else now, tries=F("tries") + 1)
    if answer.status == 410 and endpoint.format != WebhookFormat.FAL:
        endpoint.disable(_("It answered 410 Gone."))
    elif health.has_failed_for_long(endpoint, now):
        endpoint.disable(_("It has failed for %d days.") % health.DISABLE_AFTER.days)


def _delay(endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: Answer) -> timedelta | None:
    """Until the next try; None when there is none."""
    if endpoint.format == WebhookFormat.FAL:
        return fal_form.retry_delay(delivery.tries, answer)
    return RETRY_DELAYS[delivery.tries] if delivery.tries < len(RETRY_DELAYS) else None


# --- in threads of a worker, which goes on with its own work meanwhile

_lock = threading.Lock()
_free = set(range(THREADS))


def start_threads() -> None:
    """As many as there are endpoints with something due, and as are free. They end once nothing is due."""
    now = timezone.now()
    due = WebhookDelivery.objects.filter(due_at__lte=now, endpoint__in=WebhookEndpoint.objects.active())
    count = due.values("endpoint").distinct().order_by()[:THREADS].count()
    for number in _take_slots(count):
        threading.Thread(target=_run, args=(number,), name=f"webhooks-{number}", daemon=True).start()


def _take_slots(count: int) -> list[int]:
    """By turns of both halves."""
    with _lock:
        taken = sorted(_free, key=lambda number: (number % _FOR_ANY, number))[:count]
        _free.difference_update(taken)
    return taken


def _run(number: int) -> None:
    try:
        deliver_due(healthy_only=number >= _FOR_ANY)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Webhooks wait for the database: %s", error)
    finally:
        connection.close()
        with _lock:
            _free.add(number)
