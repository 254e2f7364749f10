"""Mails in development: kept as files instead of sent, and read at `/dev/mail/`.

Only the settings' default backend of DEBUG writes them, and without it the addresses do not exist.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage as ParsedMessage
from email.policy import default as email_policy
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

BACKEND: Final = "config.dev_mail.EmailBackend"
_KEPT: Final = 200  # files; older ones are deleted
_FRAME: Final = {
    "script-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
}
_NAME: Final = re.compile(r"[0-9]{13}-[0-9a-f]{8}")


class EmailBackend(BaseEmailBackend):
    """Writes each mail as a file of its own, named by its time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = _new_key()
            part = folder / f"{name}.part"
            part.write_bytes(message.message().as_bytes())
            part.rename(folder / f"{name}.eml")  # whole, or not there
        for old in sorted(folder.glob("*.eml"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return len(email_messages)


def _new_key() -> str:
    """By its time, and unlike that of another process."""
    return f"{int(time.time() * 1000):013}-{uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Mail:
    """One that was written; `key` is its part of the address."""

    key: str
    message: ParsedMessage

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(int(self.key.partition("-")[0]) / 1000).astimezone()

    def header(self, name: str) -> str:
        return str(self.message.get(name, ""))

    @property
    def subject(self) -> str:
        return self.header("Subject")

    @property
    def to(self) -> str:
        return self.header("To")

    @property
    def sender(self) -> str:
        return self.header("From")

    @property
    def text(self) -> str:
        return self._content("plain")

    @property
    def html(self) -> str:
        return self._content("html")

    def _content(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""


def urls() -> list[URLPattern]:
    """Empty wherever mails are really sent."""
    if not _is_development():
        return []
    return [
        path("dev/mail/", mails, name="dev-mails"),
        path("dev/mail/<slug:key>/", mail, name="dev-mail"),
        path("dev/mail/<slug:key>/html", html, name="dev-mail-html"),
    ]


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """The newest first."""
    names = sorted((file.stem for file in _folder().glob("*.eml")), reverse=True)
    return render(request, "dev_mail/list.html", {"mails": [found for name in names if (found := _read(name))]})


@csp_update({"frame-src": ["'self'"]})  # type: ignore[arg-type]  # typed for views without arguments
@require_safe
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """Its headers, the text, and a frame with the HTML."""
    return render(request, "dev_mail/mail.html", {"mail": _get(key)})


@xframe_options_sameorigin
@csp_replace(_FRAME)  # type: ignore[arg-type]
@require_safe
def html(request: HttpRequest, key: str) -> HttpResponse:
    """As a mail program shows it, with its own styles and without scripts; links open in the whole tab."""
    content = _get(key).html.replace("<head>", '<head><base target="_top">', 1)
    return HttpResponse(content)


def _get(key: str) -> Mail:
    found = _read(key)
    if found is None:
        raise Http404
    return found


def _read(key: str) -> Mail | None:
    file = _folder() / f"{key}.eml"
    if not _NAME.fullmatch(key) or not file.is_file():
        return None
    message: Any = message_from_bytes(file.read_bytes(), policy=email_policy)
    return Mail(key, message)


def _is_development() -> bool:
    return settings.DEBUG and settings.EMAIL_BACKEND == BACKEND


def _folder() -> Path:
    """Raises Http404 in production, whatever way somebody came."""
    if not _is_development():
        raise Http404
    directory: str = settings.EMAIL_FILE_PATH
    return Path(directory)
