"""Webhooks: signed as fal signs them, sent until taken, and all that can go wrong with them."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.sandbox.fal import Fal
from tests.sandbox.receiver import Delivery, Receiver, receiving
from tests.sandbox_process import Sandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def _verify(sandbox: Sandbox, delivery: Delivery) -> None:
    """fal's own sample: decodes `x` without adding padding. Raises InvalidSignature."""
    headers = {name: delivery.headers[f"x-fal-webhook-{name}"] for name in ("request-id", "user-id", "timestamp")}
    assert abs(time.time() - int(headers["timestamp"])) < 300
    message = "\n".join([*headers.values(), hashlib.sha256(delivery.body).hexdigest()]).encode()
    jwks = httpx.get(f"{sandbox.url}/.well-known/jwks.json").json()
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwks["keys"][0]["x"]))
    key.verify(bytes.fromhex(delivery.headers["x-fal-webhook-signature"]), message)


def _deliveries(sandbox: Sandbox, request: dict[str, str], count: int) -> list[tuple[str, int | str]]:
    """What the records say, once they say so much."""
    for _ in range(100):
        entry = next(entry for entry in sandbox.records()["requests"] if entry["id"] == request["request_id"])
        if len(entry["deliveries"]) >= count:
            break
        time.sleep(0.05)
    return [(delivery["kind"], delivery["result"]) for delivery in entry["deliveries"]]


def test_success(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    request = fal.submit(webhook=f"{receiver.url}?token=a%20b&x=1")
    (delivery,) = receiver.wait(1)
    _verify(sandbox, delivery)
    assert json.loads(delivery.body) == {
        "request_id": request["request_id"],
        "gateway_request_id": request["request_id"],
        "status": "OK",
        "payload": fal.result(request).json(),
    }


def test_failure(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    request = fal.submit("x [sandbox: content_policy_violation]", webhook=receiver.url)
    (delivery,) = receiver.wait(1)
    _verify(sandbox, delivery)
    body = json.loads(delivery.body)
    assert (body["status"], body["error"]) == ("ERROR", "Invalid status code: 422")
    assert body["payload"] == fal.result(request).json()


def test_it_is_sent_again_until_taken(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.codes = [500, 404]
    request = fal.submit(webhook=receiver.url)
    bodies = {delivery.body for delivery in receiver.wait(3)}
    assert len(bodies) == 1
    assert _deliveries(sandbox, request, 3) == [("real", 500), ("real", 404), ("real", 200)]


def test_a_redirect_is_for_good(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.codes = [302]
    request = fal.submit(webhook=receiver.url)
    receiver.wait(1)
    time.sleep(0.5)
    assert len(receiver.deliveries) == 1
    assert _deliveries(sandbox, request, 1) == [("real", 302)]


def test_lost(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.set_faults("webhook_lost=1")
    request = fal.submit(webhook=receiver.url)
    assert _deliveries(sandbox, request, 1) == [("lost", "never sent")]
    assert not receiver.deliveries


def test_doubled(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.set_faults("webhook_doubled=1")
    fal.submit(webhook=receiver.url)
    for delivery in receiver.wait(2):
        _verify(sandbox, delivery)


def test_late(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.set_faults("webhook_late=1")
    fal.wait(fal.submit(webhook=receiver.url))
    assert not receiver.deliveries
    receiver.wait(1)


def test_early(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.set_faults("webhook_early=1")
    request = fal.submit(webhook=receiver.url)
    assert json.loads(receiver.deliveries[0].body)["request_id"] == request["request_id"]


def test_forged(fal: Fal, sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.set_faults("webhook_forged=1")
    fal.submit("x [sandbox: no_media_generated]", webhook=receiver.url)
    forged, real = receiver.wait(2)
    assert json.loads(forged.body)["status"] == "OK"
    with pytest.raises(InvalidSignature):
        _verify(sandbox, forged)
    _verify(sandbox, real)
