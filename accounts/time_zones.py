"""A user's time zone: the one they have set, else the browser's, else the studio's.

Pages, filters and mails go by it; the months of budgets go by the studio's.
"""

from collections.abc import Callable
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import User

COOKIE: Final = "time_zone"  # a script writes the browser's into it
_EXEMPT_PATHS: Final = ("/static/", "/healthz", "/readyz", "/metrics", "/webhooks/", "/events")
_NON_PLACE_PREFIXES: Final = ("Etc/", "SystemV/", "posix/", "right/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")


@cache
def choices() -> list[tuple[str, str]]:
    """The zones by places, and UTC."""
    places = [name for name in available_timezones() if "/" in name and not name.startswith(_NON_PLACE_PREFIXES)]
    return [(name, name.replace("_", " ")) for name in sorted([*places, "UTC"])]


def zone(name: str) -> ZoneInfo | None:
    """None for what is none, or is none any more: zones are renamed, and anything may stand in a cookie."""
    try:
        return ZoneInfo(name) if name and len(name) <= 64 else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a region alone is a directory
        return None


def zone_of(user: User | None, browsers: str = "") -> ZoneInfo:
    """`browsers` is what the browser has said just now; without it what it said last."""
    names = (user.time_zone, browsers, user.browser_zone) if user else (browsers,)
    found = (each for name in names if (each := zone(name)))
    return next(found, None) or ZoneInfo(timezone.get_default_timezone_name())


class TimeZoneMiddleware:
    """Behind the one that says who is asking."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_EXEMPT_PATHS):
            return self.get_response(request)
        user = request.user if isinstance(request.user, User) else None
        said = request.COOKIES.get(COOKIE, "")
        if user and said != user.browser_zone and zone(said):
            User.objects.filter(pk=user.pk).update(browser_zone=said)
        with timezone.override(zone_of(user, said)):
            return self.get_response(request)
