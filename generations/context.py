"""What every page shows: whether the sandbox stands in for fal, and why nothing is being sent to it."""

from django.conf import settings
from django.http import HttpRequest

from generations.models import SubmitPause


def studio(request: HttpRequest) -> dict[str, object]:
    return {"fal_is_sandbox": settings.FAL_IS_SANDBOX, "debug": settings.DEBUG, "submit_pause": _pause(request)}


def _pause(request: HttpRequest) -> object:
    """A function, so that only a page that has a place for it asks; strangers have nothing that could wait."""
    user = getattr(request, "user", None)
    return SubmitPause.objects.current if user and user.is_authenticated else None
