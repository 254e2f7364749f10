"""What `?fal_webhook=` asks for: whoever submits a request the way of fal's clients is called when it has ended."""

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from api.models import FalWebhook, WebhookEndpoint, WebhookFormat
from api.models.webhook import MAX_URL
from api.webhooks import send
from generations.models import Generation


class WebhookUrlError(ValueError):
    """Nothing would be sent to this address; str() says why, for a person."""


def check(url: str) -> None:
    """Raises WebhookUrlError. It looks for the host's address, so it may take a while."""
    if len(url) > MAX_URL:
        raise WebhookUrlError(_("The webhook’s address has more than %d characters.") % MAX_URL)
    try:
        send.check_address(url, trusted_origins=settings.MIRROR_TRUSTED_ORIGINS)
    except ValueError as error:
        raise WebhookUrlError(str(error)) from error


def register(generation: Generation, url: str) -> None:
    """Have `url` called when the generation ends, once. Raises WebhookUrlError."""
    check(url)
    with transaction.atomic():
        endpoint, _is_new = WebhookEndpoint.objects.get_or_create(
            team=generation.team, url=send.origin_of(url), format=WebhookFormat.FAL
        )
        FalWebhook.objects.get_or_create(generation=generation, defaults={"endpoint": endpoint, "url": url})
