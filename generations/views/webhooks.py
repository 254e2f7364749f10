"""fal's webhook when a request has ended. Only with PUBLIC_URL; never redirects, since fal takes 3xx for the end.

A webhook is believed when its URL carries our MAC and its body fal's signature. Then it is noted in one transaction,
and a worker is woken to ask fal what became of the request.
"""

import logging
import time
import uuid
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from config.metrics import count_webhook
from config.server.limits import body_limit, is_anybody
from generations import tasks
from generations.fal import webhooks
from generations.pipeline import receive_webhook

logger = logging.getLogger(__name__)


@body_limit(webhooks.MAX_BODY, is_anybody)
@csrf_exempt
@require_POST
def fal(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    if not settings.PUBLIC_URL or not _is_our_address(request, pk):
        count_webhook("address")
        raise Http404
    if _is_too_long(request):
        count_webhook("length")
        return HttpResponse("Too long.\n", status=413, content_type="text/plain")
    try:
        delivery = webhooks.read(
            request.headers, request.body, _keys(), pinned_user=settings.FAL_USER_ID, now=time.time()
        )
    except webhooks.ForgedError as error:
        count_webhook(error.flaw)
        logger.warning("A webhook for %s was not believed: %s", pk, error)
        return HttpResponse(f"Not believed: {error}.\n", status=403, content_type="text/plain")
    except webhooks.KeysUnavailableError as error:
        count_webhook("keys_unavailable")
        logger.warning("A webhook for %s can't be judged: %s", pk, error)
        return HttpResponse("Try again later.\n", status=503, content_type="text/plain")
    is_news = receive_webhook(pk, delivery)
    count_webhook("accepted" if is_news else "repeated")
    if is_news:
        tasks.wake()
    return HttpResponse("ok\n", content_type="text/plain")


def _is_our_address(request: HttpRequest, pk: uuid.UUID) -> bool:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return webhooks.is_our_mac(request.GET.get("mac", ""), pk, secrets)


def _is_too_long(request: HttpRequest) -> bool:
    """Judged before the body is read; a length that is no number is none of fal's."""
    length = request.headers.get("Content-Length", "")
    return not length.isdecimal() or int(length[:20]) > webhooks.MAX_BODY


@cache
def _keys() -> webhooks.KeySet:
    """One for the process, which reads fal's keys beside and remembers them for a day."""
    return webhooks.KeySet(settings.FAL_JWKS_URL)
