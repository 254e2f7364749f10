"""Is this webhook from fal, and about our request? Signature (fal's docs: Webhooks) and the MAC in our own address.

A signature says that fal sent it, not that it is ours: any customer of fal can aim a job at our address. So the address
carries a MAC of the generation's id, and fal's user id can be pinned. Knows neither HTTP framework nor models.
"""

import base64
import binascii
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

logger = logging.getLogger(__name__)

MAX_BODY: Final = 1024 * 1024  # bytes
MAX_SKEW: Final = 300.0  # s between fal's clock and ours
KEYS_LIVE: Final = 24 * 3600.0  # s; fal's docs: cache for at most 24 hours
_REREAD_AFTER: Final = 60.0  # s; a flood of forged webhooks must not become a flood of requests to fal
_PATIENCE: Final = httpx.Timeout(10.0)


class ForgedError(Exception):
    """Not from fal, not for us, or too old; str() says which, for the log."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What fal says: this request has ended. How it ended is asked of fal itself, which also tells what it charges."""

    request_id: str


class KeySet:
    """fal's public keys, read when first needed, kept for a day, read again when a signature fits none of them."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        self._read_at = float("-inf")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Raises httpx.HTTPError when the keys are needed and fal does not hand them out."""
        if self._fits(self._current(KEYS_LIVE), signature, message):
            return True
        return self._fits(self._current(_REREAD_AFTER), signature, message)

    def _current(self, max_age: float) -> tuple[Ed25519PublicKey, ...]:
        with self._lock:
            if self._clock() - self._read_at > max_age:
                answer = httpx.get(self._url, timeout=_PATIENCE).raise_for_status()
                self._keys = _public_keys(answer.content)
                self._read_at = self._clock()
            return self._keys

    @staticmethod
    def _fits(keys: tuple[Ed25519PublicKey, ...], signature: bytes, message: bytes) -> bool:
        return any(_verifies(key, signature, message) for key in keys)


def address(base: str, generation_id: object, secret: str) -> str:
    """Where fal shall call for this generation: its id and a MAC of it under our own secret."""
    return f"{base}/webhooks/fal/{generation_id}/?mac={mac(generation_id, secret)}"


def mac(generation_id: object, secret: str) -> str:
    return hmac.new(secret.encode(), f"fal-webhook:{generation_id}".encode(), hashlib.sha256).hexdigest()


def is_our_mac(given: str, generation_id: object, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), mac(generation_id, secret).encode())


def read(headers: Mapping[str, str], body: bytes, keys: KeySet, *, pinned_user: str, now: float) -> Delivery:
    """The delivery, once its signature holds. `now` in seconds since 1970. Raises ForgedError, or httpx.HTTPError."""
    request_id, user_id, timestamp, signature = (
        headers.get(f"X-Fal-Webhook-{name}", "") for name in ("Request-Id", "User-Id", "Timestamp", "Signature")
    )
    _check_time(timestamp, now)
    if pinned_user and user_id != pinned_user:
        raise ForgedError("it is for another user of fal")
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([request_id, user_id, timestamp, digest]).encode()
    if not keys.verifies(_unhex(signature), message):
        raise ForgedError("the signature is not fal's")
    return _delivery(body)


def _delivery(body: bytes) -> Delivery:
    """Header and body may name different ids after fal has retried a job; the body's is the one that we were given."""
    try:
        return Delivery(str(json.loads(body)["request_id"]))
    except (ValueError, KeyError, TypeError):
        raise ForgedError("the body is not what fal documents") from None


def _check_time(timestamp: str, now: float) -> None:
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > MAX_SKEW:
        raise ForgedError("its time is missing or more than five minutes off")


def _unhex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        raise ForgedError("the signature is not hexadecimal") from None


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _public_keys(jwks: bytes) -> tuple[Ed25519PublicKey, ...]:
    """The usable keys of a JWKS; `x` with or without padding, both are seen. Others are logged and passed over."""
    keys = []
    for entry in json.loads(jwks).get("keys", []):
        try:
            x = str(entry["x"])
            keys.append(Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))))
        except (KeyError, TypeError, ValueError, binascii.Error):
            logger.warning("A key of fal's JWKS cannot be read")
    return tuple(keys)
