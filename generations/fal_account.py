"""The studio's account at fal, from the settings."""

import uuid
from typing import Final

import httpx
from django.conf import settings

from generations.fal.client import FalClient
from generations.fal.errors import NotFound
from generations.fal.responses import FalConfig, RequestUrls

_TIMEOUT: Final = httpx.Timeout(5.0)


def fal_config() -> FalConfig:
    return FalConfig(
        key=settings.FAL_KEY or settings.SANDBOX_KEY,
        queue_url=settings.FAL_QUEUE_URL,
        rest_url=settings.FAL_REST_URL,
        api_url=settings.FAL_API_URL,
        former_keys=tuple(settings.FAL_KEY_FALLBACKS),
    )


def check_key() -> None:
    """Ask for a request that cannot exist: a good key gets 404, a bad one 401, and neither costs anything.

    Raises FalError.
    """
    with FalClient(fal_config(), timeout=_TIMEOUT) as fal:
        try:
            fal.status(RequestUrls.for_id(fal.config, str(uuid.UUID(int=0))))
        except NotFound:
            return
