"""The rows of keys, of what programs asked for with them, and of webhooks out."""

from api.models.fal_webhook import FalWebhook, SigningKey
from api.models.key import Key, Scope
from api.models.key_minute import KeyMinute
from api.models.pending_upload import PendingUpload
from api.models.request import ApiRequest
from api.models.webhook import (
    SUBSCRIBABLE,
    WebhookAttempt,
    WebhookCursor,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookFormat,
)

__all__ = [
    "SUBSCRIBABLE",
    "ApiRequest",
    "FalWebhook",
    "Key",
    "KeyMinute",
    "PendingUpload",
    "Scope",
    "SigningKey",
    "WebhookAttempt",
    "WebhookCursor",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookFormat",
]
