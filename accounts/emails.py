"""Send an email: subject, text and HTML come from three templates of one name."""

import logging
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import User
from accounts.names import fold
from accounts.time_zones import zone_of
from config.metrics import count_mail

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 10  # s, of the mail server


def send_email(address: str, name: str, context: dict[str, Any]) -> bool:
    """Send `<name>_subject.txt`, `<name>.txt` and `<name>.html`, given `site` and `site_name` too.

    Returns whether it is on its way. Dates are in the time zone of the user with this address.
    A mail that can't be sent is logged.
    """
    try:
        _build_email(address, name, context).send()
    except Exception as error:  # a mail server, or an address, can fail in many ways
        logger.warning("No mail to %s (%s): %s: %s", address, name, type(error).__name__, error)
        count_mail("failed")
        return False
    count_mail("sent")
    return True


def _build_email(address: str, name: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    context = {"site": settings.SITE_URL, "site_name": settings.SITE_NAME, **context}
    with timezone.override(zone_of(User.objects.filter(email__iexact=address).first())):
        mail = EmailMultiAlternatives(
            fold(render_to_string(f"{name}_subject.txt", context)),
            render_to_string(f"{name}.txt", context),
            to=[address],
            connection=get_connection(timeout=_TIMEOUT),
            headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no out-of-office notes in answer to it
        )
        mail.attach_alternative(render_to_string(f"{name}.html", context), "text/html")
    return mail
