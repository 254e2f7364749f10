"""The headers that show a message to be ours: Standard Webhooks' with a secret or a key, and fal's. Knows no models."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PREFIX: Final = "whsec_"


def signed_headers(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """By Standard Webhooks: a signature by each secret, so that either is good while one takes the other's place."""
    content = _content(message_id, timestamp, body)
    signatures = [f"v1,{_mac(secret, content)}" for secret in secrets]
    return _headers(message_id, timestamp, signatures)


def fal_headers(
    key: Ed25519PrivateKey, message_id: str, timestamp: int, body: bytes, *, request_id: str, user_id: str
) -> dict[str, str]:
    """As fal documents them, and Standard Webhooks' with the same key (`v1a`)."""
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([request_id, user_id, str(timestamp), digest]).encode()
    standard = f"v1a,{b64encode(key.sign(_content(message_id, timestamp, body))).decode()}"
    return _headers(message_id, timestamp, [standard]) | {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": user_id,
        "X-Fal-Webhook-Timestamp": str(timestamp),
        "X-Fal-Webhook-Signature": key.sign(message).hex(),
    }


def _content(message_id: str, timestamp: int, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _mac(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix(_PREFIX))
    return b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _headers(message_id: str, timestamp: int, signatures: list[str]) -> dict[str, str]:
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
