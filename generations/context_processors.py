"""What every template gets: whether the sandbox stands in for fal, and why nothing is being sent to fal."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.models import Team, User
from accounts.rights import Rights
from generations.models import SubmitPause

MAX_SWITCHER_TEAMS: Final = 8  # teams; the page of all of them has the rest
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})  # the user's teams are as they were when the request came


def studio(request: HttpRequest) -> dict[str, object]:
    return {
        "fal_is_sandbox": settings.FAL_IS_SANDBOX,
        "debug": settings.DEBUG,
        "submit_pause": _pause(request),
        "my_teams": SimpleLazyObject(lambda: _teams(request)),
    }


def _teams(request: HttpRequest) -> list[Team]:
    """For the switch in the header; of pages without one nobody asks."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    teams = Rights(user).teams if request.method in _SAFE_METHODS else Team.objects.of(user)
    return [team for team in teams if not team.closed_at][:MAX_SWITCHER_TEAMS]


def _pause(request: HttpRequest) -> object:
    """A function, so that only a page that has a place for it asks; strangers have nothing that could wait."""
    user = getattr(request, "user", None)
    return SubmitPause.objects.shown if user and user.is_authenticated else None
