"""Verify a webhook: by fal's signature (fal's docs: Webhooks) and by the MAC in our own URL.

A signature says that fal sent it, not that it is ours: any customer of fal can aim a job at our URL. So the URL
carries a MAC of the generation's id, and fal's user id can be pinned. Knows neither HTTP framework nor models.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from generations.fal.client import LOOPBACK
from generations.fal.json_fields import sequence

logger = logging.getLogger(__name__)

MAX_BODY: Final = 1024 * 1024  # bytes
MAX_SKEW: Final = 300.0  # s between fal's clock and ours
MAX_JWKS: Final = 256 * 1024  # bytes
MAX_KEYS: Final = 50
KEYS_MAX_AGE: Final = 24 * 3600.0  # s; fal's docs: cache for at most 24 hours
REFRESH_AFTER: Final = 3600.0  # s; so that a key server that is down for hours is no trouble
MIN_REFRESH_INTERVAL: Final = 2.0  # s; a flood of forged webhooks must not become a flood of requests to fal
RETRY_AFTER: Final = 5.0  # s, the same after a failure
TIMEOUT: Final = 10.0  # s for a reading as a whole
WAIT: Final = 0.5  # s


class Flaw(StrEnum):
    """Why a webhook is not believed."""

    TIME = "time"
    USER = "user"
    SIGNATURE = "signature"
    BODY = "body"


class ForgedError(Exception):
    """Not from fal, not for us, or too old; str() says which, for the log, and `flaw` in a word."""

    def __init__(self, flaw: Flaw, sentence: str) -> None:
        super().__init__(sentence)
        self.flaw = flaw


class KeysUnavailableError(Exception):
    """Nobody can tell now whether it is from fal: its keys are being read, or can't be. fal calls again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What fal says: this request has ended. How it ended is asked of fal itself, which also tells what it charges.

    `other_ids` are those of fal's own attempts at it; `has_video` is what fal says of its end.
    """

    request_id: str
    other_ids: frozenset[str] = frozenset()
    has_video: bool = True


class KeySet:
    """fal's public keys. They are read in a thread of their own, so that fal's key server blocks nobody else.

    Keys are good for a day, also while fal hands out none. A signature that fits none has them read again.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic, wait: float = WAIT) -> None:
        self._url, self._clock, self._wait = url, clock, wait
        self._lock = threading.Lock()  # around a few assignments, never around a call
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        self._read_at = self._failed_at = float("-inf")
        self._reading: threading.Event | None = None

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Raises KeysUnavailableError when that can't be told at this moment."""
        if self._matches(signature, message):
            if self._age() > REFRESH_AFTER:
                self._start_refresh()
            return True
        if self._age() > MIN_REFRESH_INTERVAL:
            self._refresh_and_wait()
            if self._matches(signature, message):
                return True
        if self._age() > MIN_REFRESH_INTERVAL:
            raise KeysUnavailableError(f"the keys at {self._url} could not be read yet")
        return False

    def _age(self) -> float:
        return self._clock() - self._read_at

    def _matches(self, signature: bytes, message: bytes) -> bool:
        keys = self._keys if self._age() <= KEYS_MAX_AGE else ()
        return any(_verifies(key, signature, message) for key in keys)

    def _refresh_and_wait(self) -> None:
        """The one that starts the refresh waits for it, for a moment; others do not."""
        if reading := self._start_refresh():
            reading.wait(self._wait)

    def _start_refresh(self) -> threading.Event | None:
        """Set once it is over; None when it is under way already, or has failed a moment ago."""
        with self._lock:
            if self._reading or self._clock() - self._failed_at < RETRY_AFTER:
                return None
            self._reading = over = threading.Event()
        threading.Thread(target=self._refresh, args=(over,), name="fal-keys", daemon=True).start()
        return over

    def _refresh(self, over: threading.Event) -> None:
        try:
            keys = asyncio.run(_fetch(self._url))
        except Exception as error:
            logger.warning("fal's keys could not be read: %r", error)
            keys = ()
        with self._lock:
            if keys:
                self._keys, self._read_at = keys, self._clock()
            else:
                self._failed_at = self._clock()
            self._reading = None
        over.set()


async def _fetch(url: str) -> tuple[Ed25519PublicKey, ...]:
    """In good time as a whole, however slowly it drips. Raises what httpx raises, TimeoutError or ValueError."""
    async with (
        asyncio.timeout(TIMEOUT),
        httpx.AsyncClient(mounts=dict.fromkeys(LOOPBACK)) as http,
        http.stream("GET", url, follow_redirects=False) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError(f"HTTP {answer.status_code}")
        data = bytearray()
        async for chunk in answer.aiter_bytes():
            data += chunk
            if len(data) > MAX_JWKS:
                raise ValueError("it is too long")
    keys = _public_keys(bytes(data))
    if not keys:
        raise ValueError("it holds no key of use")
    return keys


def webhook_url(base: str, generation_id: object, secret: str) -> str:
    """Where fal shall call for this generation: its id and a MAC of it under our own secret."""
    return f"{base}/webhooks/fal/{generation_id}/?mac={mac(generation_id, secret)}"


def mac(generation_id: object, secret: str) -> str:
    return hmac.new(secret.encode(), f"fal-webhook:{generation_id}".encode(), hashlib.sha256).hexdigest()


def is_our_mac(given: str, generation_id: object, secrets: Sequence[str]) -> bool:
    """Whether it was made with one of these: fal calls at the address that it was given, under a key of then."""
    return any(hmac.compare_digest(given.encode(), mac(generation_id, secret).encode()) for secret in secrets)


def read(headers: Mapping[str, str], body: bytes, keys: KeySet, *, pinned_user: str, now: float) -> Delivery:
    """The delivery, once its signature holds. `now` in seconds since 1970.

    Raises ForgedError or KeysUnavailableError.
    """
    request_id, user_id, timestamp, signature = (
        headers.get(f"X-Fal-Webhook-{name}", "") for name in ("Request-Id", "User-Id", "Timestamp", "Signature")
    )
    _check_time(timestamp, now)
    if pinned_user and user_id != pinned_user:
        raise ForgedError(Flaw.USER, "it is for another user of fal")
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([request_id, user_id, timestamp, digest]).encode()
    if not keys.verifies(_unhex(signature), message):
        raise ForgedError(Flaw.SIGNATURE, "the signature is not fal's")
    return _delivery(body, request_id)


def _delivery(body: bytes, header_id: str) -> Delivery:
    """Header and body may name different ids after fal has retried a job; the body's is the one that we were given."""
    try:
        said = json.loads(body)
        others = {header_id, str(said.get("gateway_request_id") or header_id)}
        return Delivery(str(said["request_id"]), frozenset(others), has_video=said.get("status") == "OK")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ForgedError(Flaw.BODY, "the body is not what fal documents") from None


def _check_time(timestamp: str, now: float) -> None:
    is_moment = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12
    if not is_moment or abs(now - int(timestamp)) > MAX_SKEW:
        raise ForgedError(Flaw.TIME, "its time is missing or more than five minutes off")


def _unhex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        raise ForgedError(Flaw.SIGNATURE, "the signature is not hexadecimal") from None


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _public_keys(jwks: bytes) -> tuple[Ed25519PublicKey, ...]:
    """The usable keys of a JWKS; `x` with or without padding, both are seen. Others are logged and passed over.

    Raises ValueError for what is no JWKS.
    """
    keys = []
    for entry in _entries(jwks)[:MAX_KEYS]:
        try:
            x = str(entry["x"])
            keys.append(Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))))
        except (KeyError, TypeError, ValueError, binascii.Error):
            logger.warning("A key of fal's JWKS cannot be read")
    return tuple(keys)


def _entries(jwks: bytes) -> list[Any]:
    try:
        content = json.loads(jwks)
    except RecursionError:
        raise ValueError("it is no JSON") from None
    return sequence(content.get("keys")) if isinstance(content, dict) else []
