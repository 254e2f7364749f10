"""The studio's account at fal, from the settings."""

from django.conf import settings

from generations.fal.responses import FalConfig


def fal_config() -> FalConfig:
    return FalConfig(
        key=settings.FAL_KEY or settings.SANDBOX_KEY,
        queue_url=settings.FAL_QUEUE_URL,
        rest_url=settings.FAL_REST_URL,
        api_url=settings.FAL_API_URL,
    )
