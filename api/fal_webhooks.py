"""What `?fal_webhook=` asks for: whoever submits a request the way of fal's clients is called when it has ended."""

from django.db import transaction

from api import webhook_address
from api.models import FalWebhook, WebhookEndpoint, WebhookFormat
from api.webhook_address import WebhookUrlError
from generations.models import Generation


def register(generation: Generation, url: str) -> None:
    """Have `url` called when the generation ends, once. Raises WebhookUrlError, a ValueError.

    Ask `webhook_address.check` before the generation is made: a bad address is the caller's error.
    """
    webhook_address.check(url)
    add(generation, url)


def add(generation: Generation, url: str) -> None:
    """The same for an address that was checked: nothing is looked up while the caller's transaction is open."""
    with transaction.atomic():
        endpoint, _is_new = WebhookEndpoint.objects.get_or_create(
            team=generation.team, url=webhook_address.origin_of(url), format=WebhookFormat.FAL
        )
        FalWebhook.objects.get_or_create(generation=generation, defaults={"endpoint": endpoint, "url": url})


__all__ = ["WebhookUrlError", "add", "register"]
