"""How many orders and pictures a user may send in a minute."""

from datetime import timedelta
from typing import Final

from allauth.core import ratelimit
from django.conf import settings
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User
from generations.exceptions import TooManyOrdersError, TooManyPicturesError
from generations.models import Generation

PICTURE_ACTION: Final = "upload_picture"  # in the settings' ACCOUNT_RATE_LIMITS
IMPORT_PICTURE_ACTION: Final = "import_picture"


def refuse_too_many_pictures(user: User) -> None:
    """Count one more, before it is read. Raises TooManyPicturesError."""
    _refuse(user, PICTURE_ACTION, settings.UPLOADS_PER_MINUTE)


def refuse_too_many_import_pictures(user: User) -> None:
    """The same for the pictures of a sheet, which come by the hundred. Raises TooManyPicturesError."""
    _refuse(user, IMPORT_PICTURE_ACTION, settings.UPLOADS_PER_MINUTE * settings.IMPORT_UPLOADS_FACTOR)


def _refuse(user: User, action: str, most: int) -> None:
    request = HttpRequest()
    request.method = "POST"  # allauth, whose counter it is, counts no GET and reads nothing else
    if not ratelimit.consume(request, action=action, user=user):
        message = ngettext(
            "You may send %d picture a minute, and ten times as many an hour. Wait a minute, then try again.",
            "You may send %d pictures a minute, and ten times as many an hour. Wait a minute, then try again.",
            most,
        )
        raise TooManyPicturesError(message % most)


def lock_order_rate(user: User) -> None:
    """`refuse_too_many` for good: another order of this person, for whichever team, waits until this one is written."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    refuse_too_many(user)


def refuse_too_many(user: User) -> None:
    """Raise TooManyOrdersError when the user has no order left within this minute; unlocked, it is a hint."""
    most = settings.SUBMITS_PER_MINUTE
    since = timezone.now() - timedelta(minutes=1)
    rows = Generation.objects.filter(user=user, created_at__gte=since).order_by()
    if most and rows.values(press=Coalesce("batch", "id")).distinct().count() >= most:
        message = ngettext(
            "That is %d request within a minute, as many as one may make. Nothing is lost: press again in a minute.",
            "Those are %d requests within a minute, as many as one may make. Nothing is lost: press again in a minute.",
            most,
        )
        raise TooManyOrdersError(message % most)
