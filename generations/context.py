"""What every page shows: whether the sandbox stands in for fal."""

from django.conf import settings
from django.http import HttpRequest


def studio(request: HttpRequest) -> dict[str, object]:
    return {"fal_is_sandbox": settings.FAL_IS_SANDBOX, "debug": settings.DEBUG}
