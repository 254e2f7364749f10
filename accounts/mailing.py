"""Letters that the studio writes by itself: a subject, a text and an HTML part, from templates of one name."""

from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import User
from accounts.names import fold
from accounts.time_zones import zone_of

_SERVER_PATIENCE: Final = 10  # s


def letter(address: str, name: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    """From `<name>_subject.txt`, `<name>.txt` and `<name>.html`, given `site` too, with
    dates in the time zone of whoever has the address. Sending is the caller's."""
    context = {"site": settings.SITE_URL, **context}
    with timezone.override(zone_of(User.objects.filter(email__iexact=address).first())):
        return _letter(address, name, context)


def _letter(address: str, name: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(
        fold(render_to_string(f"{name}_subject.txt", context)),
        render_to_string(f"{name}.txt", context),
        to=[address],
        connection=get_connection(timeout=_SERVER_PATIENCE),
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no out-of-office notes in answer to it
    )
    mail.attach_alternative(render_to_string(f"{name}.html", context), "text/html")
    return mail
