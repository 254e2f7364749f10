"""Orders that are refused before a row is made: nothing is sent, nothing is spent, and the words say what to do."""

from datetime import timedelta
from typing import ClassVar, Final

from allauth.core import ratelimit
from django.conf import settings
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User
from generations.models import Generation

PICTURE_ACTION: Final = "upload_picture"  # in the settings' ACCOUNT_RATE_LIMITS


class OrderRefusedError(Exception):
    """Nothing was made. `field` is the form's field that it is about; None for the order as a whole."""

    field: ClassVar[str | None] = None


class OverBudgetError(OrderRefusedError):
    """The order would pass a limit; its words say what it costs and what is left."""


class TooManyOrdersError(OrderRefusedError):
    """More presses in a minute than a person makes: a script gone wild, or a stuck key."""


class TooManyPicturesError(OrderRefusedError):
    """More pictures than a person chooses; each costs time and memory to read, also one that is no good."""


def refuse_too_many_pictures(user: User) -> None:
    """Count one more, before it is read. Raises TooManyPicturesError."""
    request = HttpRequest()
    request.method = "POST"  # allauth, whose counter it is, counts no GET and reads nothing else
    if not ratelimit.consume(request, action=PICTURE_ACTION, user=user):
        words = ngettext(
            "You may send %d picture a minute, and ten times as many an hour. Wait a minute, then try again.",
            "You may send %d pictures a minute, and ten times as many an hour. Wait a minute, then try again.",
            settings.UPLOADS_PER_MINUTE,
        )
        raise TooManyPicturesError(words % settings.UPLOADS_PER_MINUTE)


def hold_pace(user: User) -> None:
    """`refuse_too_many` for good: another order of this person, for whichever team, waits until this one is written."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    refuse_too_many(user)


def refuse_too_many(user: User) -> None:
    """Raise TooManyOrdersError for whoever has ordered as often as they may within a minute; unlocked, it is a hint."""
    most = settings.SUBMITS_PER_MINUTE
    since = timezone.now() - timedelta(minutes=1)
    rows = Generation.objects.filter(user=user, created_at__gte=since).order_by()
    if most and rows.values(press=Coalesce("batch", "id")).distinct().count() >= most:
        words = ngettext(
            "That is %d request within a minute, as many as one may make. Nothing is lost: press again in a minute.",
            "Those are %d requests within a minute, as many as one may make. Nothing is lost: press again in a minute.",
            most,
        )
        raise TooManyOrdersError(words % most)
