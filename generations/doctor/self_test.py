"""What the studio says of a request that it has sent to itself: how it looks behind the proxies.

Only who has SECRET_KEY can ask, and the answer shows that the same key is there.
"""

import secrets
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from django.conf import settings
from django.core import signing
from django.http import HttpRequest

from config.server.environ import client_address

MAX_AGE: Final = 120  # s of a token
_SALT: Final = "generations.doctor.self_test"


@dataclass(frozen=True, slots=True)
class RequestReport:
    """`nonce` is the token's; `client` is whom the studio takes for the client; `forwarded` came with the request."""

    nonce: str
    host: str
    is_secure: bool
    client: str
    forwarded: list[str]

    @classmethod
    def of(cls, request: HttpRequest, nonce: str) -> Self:
        seen = request.headers.get("X-Forwarded-For", "")
        client = client_address(request.META, settings.ALLAUTH_TRUSTED_PROXY_COUNT)
        forwarded = [address.strip() for address in seen.split(",") if address.strip()]
        return cls(nonce, request.get_host(), request.is_secure(), client, forwarded)


def make_nonce() -> str:
    return secrets.token_urlsafe(16)


def token_of(nonce: str) -> str:
    return signing.dumps(nonce, salt=f"{_SALT}.ask")


def nonce_of(token: str) -> str | None:
    """None when it is not signed with our key, or too old."""
    try:
        return str(signing.loads(token, salt=f"{_SALT}.ask", max_age=MAX_AGE))
    except signing.BadSignature:
        return None


def seal(report: RequestReport) -> str:
    return signing.dumps(asdict(report), salt=f"{_SALT}.answer")


def unseal(text: str) -> RequestReport | None:
    """None when it is no answer of an installation with our key."""
    try:
        said: dict[str, Any] = signing.loads(text, salt=f"{_SALT}.answer", max_age=MAX_AGE)
    except signing.BadSignature:
        return None
    return RequestReport(**said)
