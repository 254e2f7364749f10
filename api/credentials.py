"""What a request shows of who asks. What waits long keeps this alone, and asks anew each time it matters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from api.authentication import Caller, authenticate
from api.models import Scope
from config.server.environ import Scope as AsgiScope


@dataclass(frozen=True, slots=True)
class Credentials:
    authorization: str
    remote_address: str
    forwarded_for: str

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> "Credentials":
        """By the WSGI environ, which a request's META is."""
        names = ("HTTP_AUTHORIZATION", "REMOTE_ADDR", "HTTP_X_FORWARDED_FOR")
        return cls(*(str(environ.get(name, "")) for name in names))

    @classmethod
    def of_scope(cls, scope: AsgiScope) -> "Credentials":
        """Of a request that Django doesn't see."""
        given: dict[bytes, list[str]] = {b"authorization": [], b"x-forwarded-for": []}
        for name, value in scope["headers"]:
            if name in given:
                given[name].append(value.decode("latin-1"))
        address = str((scope.get("client") or ("",))[0])
        return cls(",".join(given[b"authorization"]), address, ",".join(given[b"x-forwarded-for"]))

    def authenticate(self, *scopes: Scope) -> Caller:
        """Who that is at this moment. Raises AuthenticationError."""
        request = HttpRequest()
        request.META["HTTP_AUTHORIZATION"] = self.authorization
        request.META["REMOTE_ADDR"] = self.remote_address
        request.META["HTTP_X_FORWARDED_FOR"] = self.forwarded_for
        return authenticate(request, *scopes)
