"""Does the mail server take our mails?"""

import smtplib
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from generations.doctor.outcome import Outcome, failed, ok, warning

_TIMEOUT: Final = 10  # s
_SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"
_TEXT: Final = "This is the test mail of `manage.py doctor`. If you read this, the studio's mails arrive.\n"


def check(mail_to: str) -> Outcome:
    """Connects and signs in; with an address, sends a mail there."""
    if settings.EMAIL_BACKEND != _SMTP:
        return warning("Mails are not sent but printed or kept.", "Set EMAIL_URL: smtp+tls://user:password@host:587.")
    try:
        return _send(mail_to) if mail_to else _connect()
    except smtplib.SMTPAuthenticationError as error:
        return failed(_said(error), "Put the right user and password into EMAIL_URL.")
    except (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused) as error:
        return failed(
            _said(error), f"Let the server take mails from {settings.DEFAULT_FROM_EMAIL}: DEFAULT_FROM_EMAIL."
        )
    except (smtplib.SMTPException, OSError) as error:
        return failed(
            _said(error), "Set EMAIL_URL to a mail server that this machine reaches, with smtp+tls or smtp+ssl."
        )


def _connect() -> Outcome:
    connection = get_connection(timeout=_TIMEOUT)
    connection.open()
    connection.close()
    return ok("The server takes the connection. See a mail arrive: --mail-to ADDRESS.")


def _send(mail_to: str) -> Outcome:
    message = EmailMessage(
        f"Test mail of {settings.SITE_URL}", _TEXT, to=[mail_to], connection=get_connection(timeout=_TIMEOUT)
    )
    message.send()
    return ok(f"The server has taken a test mail to {mail_to}. See that it arrives, and not as spam.")


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
