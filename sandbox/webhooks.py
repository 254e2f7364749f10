"""Send a signed webhook when a request has ended, again and again until it is accepted."""

import asyncio
import base64
import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sandbox.faults import Faults
from sandbox.job import Job, iso
from sandbox.options import Options
from sandbox.store import Store

USER_ID: Final = "sandbox-user"
ATTEMPTS: Final = 11  # fal's docs: the first and ten more
TIMEOUT_SECONDS: Final = 15  # fal's docs: for the first attempt
LONGEST_PAUSE_SECONDS: Final = 60

logger = logging.getLogger("sandbox")


def load_key(path: Path) -> Ed25519PrivateKey:
    """The signing key; made at the first start and kept, so that a cached JWKS stays good."""
    if path.exists():
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, Ed25519PrivateKey)
        return key
    return new_key(path)


def new_key(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def jwks(key: Ed25519PrivateKey) -> dict[str, Any]:
    """The public key as a JWKS. `x` is padded: the sample in fal's docs decodes it without adding padding."""
    x = base64.urlsafe_b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "sandbox", "x": x}]}


def payload(job: Job) -> dict[str, Any]:
    """fal's docs: `status` OK with the output as payload, or ERROR with the error's body as payload."""
    assert job.outcome
    body: dict[str, Any] = {"request_id": job.id, "gateway_request_id": job.id}
    if job.outcome.code < 400:
        return body | {"status": "OK", "payload": job.outcome.body}
    error = f"Invalid status code: {job.outcome.code}"
    return body | {"status": "ERROR", "error": error, "payload": job.outcome.body}


class WebhookSender:
    """Delivers webhooks and writes each attempt in the job's deliveries."""

    def __init__(self, options: Options, store: Store, faults: Faults, client: httpx.AsyncClient) -> None:
        self._key_file = options.directory / "webhook_key.pem"
        self.key = load_key(self._key_file)
        self._options, self._store, self._faults, self._client = options, store, faults, client

    async def deliver(self, job: Job) -> None:
        """All that happens to an ended job's webhook, faults included."""
        strikes = self._faults.strikes_once
        if strikes("key_rotated", job):
            self.key = new_key(self._key_file)
        if strikes("webhook_lost", job):
            self._note(job, "lost", "never sent")
        else:
            if strikes("webhook_late", job):
                await asyncio.sleep(self._options.slow_seconds)
            if strikes("webhook_forged", job):
                await self._forge(job)
            await self._deliver_with_retries(job)
            if strikes("webhook_doubled", job):
                await self._attempt(job, "doubled", payload(job))
        job.webhook_settled = True
        self._store.save(job)

    async def _deliver_with_retries(self, job: Job) -> None:
        """Try until it is taken, refused for good (3xx) or given up."""
        pause = self._options.webhook_retry_seconds
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(min(pause, LONGEST_PAUSE_SECONDS))
                pause *= 2
            code = await self._attempt(job, "real", payload(job))
            if code is not None and code < 400:
                return

    async def _forge(self, job: Job) -> None:
        lie = payload(job) | {"status": "OK", "payload": {"video": {"url": f"{job.origin}/files/forged.mp4"}}}
        await self._attempt(job, "forged", lie)

    async def _attempt(self, job: Job, kind: str, message: dict[str, Any]) -> int | None:
        body = json.dumps(message).encode()
        headers = self._signature_headers(job, body, forged=kind == "forged")
        assert job.webhook
        try:
            answer = await self._client.post(
                job.webhook, content=body, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=False
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._note(job, kind, repr(error))
            return None
        self._note(job, kind, answer.status_code)
        return answer.status_code

    def _signature_headers(self, job: Job, body: bytes, *, forged: bool) -> dict[str, str]:
        """fal's docs: Ed25519 over request id, user id, unix time and the hex SHA-256 of the body, a line each."""
        moment = str(int(time.time()))
        message = "\n".join((job.id, USER_ID, moment, hashlib.sha256(body).hexdigest())).encode()
        key = Ed25519PrivateKey.generate() if forged else self.key
        return {
            "Content-Type": "application/json",
            "X-Fal-Webhook-Request-Id": job.id,
            "X-Fal-Webhook-User-Id": USER_ID,
            "X-Fal-Webhook-Timestamp": moment,
            "X-Fal-Webhook-Signature": key.sign(message).hex(),
        }

    def _note(self, job: Job, kind: str, result: int | str) -> None:
        job.deliveries.append({"kind": kind, "at": iso(time.time()), "result": result})
        self._store.save(job)
        logger.info("webhook of %s (%s): %s", job.id, kind, result)
