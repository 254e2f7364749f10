"""The Content-Security-Policy, with the host that the bucket's files come from."""

from typing import Any, Final

import csp.middleware
from csp.middleware import PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from generations import bucket

_FROM_BUCKET: Final = ("img-src", "media-src")


class CSPMiddleware(csp.middleware.CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """What the browser is redirected to for pictures and videos is asked of the bucket's client, not guessed."""
        parts = super().get_policy_parts(request, response, report_only)
        if settings.MEDIA_DELIVERY == "redirect" and (origin := bucket.origin()):
            update: dict[str, Any] = dict(parts.update or {})
            parts.update = update | {name: [*update.get(name, []), origin] for name in _FROM_BUCKET}
        return parts
