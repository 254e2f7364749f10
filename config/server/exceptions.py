"""Errors of requests that never reach Django, and their responses."""

import json
from http import HTTPStatus
from typing import Final

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.api_paths import PROBLEM_TYPE, is_fals, speaks_problems
from config.headers import common_headers

Headers = list[tuple[bytes, bytes]]


class DisconnectedError(Exception):
    """Nobody is there any more to answer to."""


class HttpError(Exception):
    """A status, and a message for the user; `retry_after` is in seconds."""

    def __init__(self, status: int, heading: object, message: object, retry_after: int | None = None) -> None:
        super().__init__(str(heading))
        self.status, self.heading, self.message, self.retry_after = status, heading, message, retry_after

    def render(self, accepts: str, path: str = "") -> tuple[Headers, bytes]:
        """As a page, as the JSON that scripts of ours or fal's clients read, or as a line of text."""
        kind, text = "text/plain", f"{self.message}\n"
        if is_fals(path):
            return self._render_as_fal()
        if speaks_problems(path):
            return self._render_as_problem()
        if "text/html" in accepts:
            page = {"code": self.status, "heading": self.heading, "words": self.message}
            kind, text = "text/html", str(render_to_string("request_refused.html", page))
        elif "application/json" in accepts:
            kind, text = "application/json", json.dumps({"errors": [str(self.message)]}, ensure_ascii=False)
        return [*self._headers(), (b"content-type", f"{kind}; charset=utf-8".encode())], text.encode()

    def _render_as_fal(self) -> tuple[Headers, bytes]:
        """For a client that brings no key, it is the key that is missing."""
        words = "invalid key credentials" if self.status == 401 else str(self.message)
        text = json.dumps({"detail": words}, ensure_ascii=False)
        headers = [(b"content-type", b"application/json"), (b"access-control-allow-origin", b"*")]
        headers.append((b"access-control-expose-headers", b"x-fal-request-id, retry-after"))
        return [*self._headers(), *headers], text.encode()

    def _render_as_problem(self) -> tuple[Headers, bytes]:
        words = _("Only who brings a key may send as much as this.") if self.status == 401 else str(self.message)
        problem = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        text = json.dumps({**problem, "detail": words}, ensure_ascii=False)
        return [*self._headers(), (b"content-type", PROBLEM_TYPE.encode())], text.encode()

    def _headers(self) -> Headers:
        headers: Headers = [(name.lower().encode(), value.encode()) for name, value in common_headers().items()]
        headers.append((b"cache-control", b"no-store"))
        headers.append((b"content-security-policy", b"default-src 'none'; style-src 'self'; img-src 'self'"))
        if self.retry_after is not None:
            headers.append((b"retry-after", str(self.retry_after).encode()))
        return headers


def too_large(max_bytes: int) -> HttpError:
    limit = f"{max_bytes // 1024**2} MB" if max_bytes >= 1024**2 else f"{max_bytes // 1024} kB"
    message = _("This address takes at most %s. Go back and send less; a picture may have at most 10 MB.") % limit
    return HttpError(413, _("That is too large"), message)


NOT_SIGNED_IN: Final = (
    gettext_lazy("Sign in first"),
    gettext_lazy("Only somebody who is signed in may send as much as this. Sign in, then send it again."),
)


def not_signed_in() -> HttpError:
    return HttpError(401, *NOT_SIGNED_IN)


def too_slow() -> HttpError:
    message = _("The request came so slowly that the studio stopped waiting. Check the connection, then send it again.")
    return HttpError(408, _("That took too long"), message)


def too_many() -> HttpError:
    message = _("As many transfers of yours as may run at once are running. Wait until one has ended, then try again.")
    return HttpError(429, _("Too many transfers at once"), message, retry_after=10)


def busy() -> HttpError:
    message = _("The studio has more to do than it can at this moment. Nothing is lost: try again in a few seconds.")
    return HttpError(503, _("The studio is busy"), message, retry_after=5)
