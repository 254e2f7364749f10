"""fal's own form: by fal's documented verification, and by the verifier with which the studio reads fal's webhooks."""

import base64
import hashlib
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from api import fal_webhooks
from api.models import ApiRequest, FalWebhook, Key, SigningKey, WebhookDelivery, WebhookEndpoint
from api.webhook_address import WebhookUrlError
from api.webhooks import collect, fal_form, health
from api.webhooks.deliver import deliver_due
from generations.fal import webhooks as reader
from generations.models import Generation, Status
from tests.api.webhook_cast import Clock
from tests.cast import make_generation, make_video
from tests.scripted_server import Asked, Reply, ScriptedServer

JWKS = "/fal/.well-known/jwks.json"


def asked_for(bob: User, film: Team, key: tuple[Key, str], url: str, status: Status, **columns: Any) -> Generation:
    row = make_generation(bob, film, status, **columns)
    if status == Status.DONE:
        make_video(row)
    ApiRequest.objects.create(generation=row, key=key[0])
    fal_webhooks.register(row, url)
    return row


def documented(headers: dict[str, str], body: bytes, jwks: dict[str, Any]) -> bool:
    """The sample of fal's page on webhooks, with `cryptography` in the place of PyNaCl. It adds no padding to `x`."""
    names = ("request-id", "user-id", "timestamp", "signature")
    request_id, user_id, timestamp, signature = (headers[f"x-fal-webhook-{name}"] for name in names)
    if abs(int(time.time()) - int(timestamp)) > 300:
        return False
    digest = hashlib.sha256(body).hexdigest()
    message = "\n".join([request_id, user_id, timestamp, digest]).encode()
    for key in jwks["keys"]:
        public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"]))
        public.verify(bytes.fromhex(signature), message)
        return True
    return False


def read_by_the_studio(asked: Asked, jwks_server: ScriptedServer, client: Client) -> reader.Delivery:
    jwks_server.pages[JWKS] = Reply(body=client.get(JWKS).json())
    headers = {name.title(): value for name, value in asked.headers.items()}
    keys = reader.KeySet(f"{jwks_server.url}{JWKS}", wait=20)
    return reader.read(headers, asked.body, keys, pinned_user="", now=time.time())


def test_finished_video_is_told_as_fal_does(
    film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer, client: Client
) -> None:
    row = asked_for(bob, film, bobs_key, f"{receiver.url}/hook?a=b", Status.DONE)
    assert collect.collect() == 1
    assert deliver_due() == 1
    (asked,) = receiver.asked
    assert asked.path == "/hook?a=b"
    said = asked.json
    assert (said["request_id"], said["gateway_request_id"], said["status"]) == (str(row.pk), str(row.pk), "OK")
    assert said["payload"]["video"]["content_type"] == "video/mp4"
    assert client.get(urlsplit(said["payload"]["video"]["url"]).path).status_code == 200  # without signing in
    assert asked.headers["x-fal-webhook-request-id"] == str(row.pk)
    assert asked.headers["x-fal-webhook-user-id"] == str(film.pk)
    assert documented(asked.headers, asked.body, client.get(JWKS).json())
    delivery = read_by_the_studio(asked, receiver, client)
    assert (delivery.request_id, delivery.has_video) == (str(row.pk), True)
    assert collect.collect() == 0


def test_payload_is_what_the_result_gives(
    film: Team, bob: User, bobs_key: tuple[Key, str], bobs: Client, receiver: ScriptedServer
) -> None:
    rows = [
        asked_for(bob, film, bobs_key, receiver.url, Status.DONE),
        asked_for(bob, film, bobs_key, receiver.url, Status.FAILED),
        asked_for(bob, film, bobs_key, receiver.url, Status.CANCELED),
        asked_for(bob, film, bobs_key, receiver.url, Status.REJECTED, reason="rejected"),
    ]
    collect.collect()
    deliver_due()
    told = {asked.json["request_id"]: asked.json for asked in receiver.asked}
    for row in rows:
        answer = bobs.get(f"/fal/queue/fal-ai/kling-video/requests/{row.pk}")
        said = told[str(row.pk)]
        assert said["payload"] == answer.json()
        is_made = row.status == Status.DONE
        assert said["status"] == ("OK" if is_made else "ERROR")
        assert said.get("error") == (None if is_made else f"Invalid status code: {answer.status_code}")


def test_standard_headers_besides(
    film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer, client: Client
) -> None:
    """`v1a` of Standard Webhooks is Ed25519 over `id.timestamp.body`."""
    asked_for(bob, film, bobs_key, receiver.url, Status.FAILED)
    collect.collect()
    deliver_due()
    (asked,) = receiver.asked
    version, signature = asked.headers["webhook-signature"].split(",")
    content = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    (key,) = client.get(JWKS).json()["keys"]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"]))
    public.verify(base64.b64decode(signature), content)
    assert version == "v1a"


def test_what_was_changed_on_the_way_is_not_believed(
    film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer, client: Client
) -> None:
    asked_for(bob, film, bobs_key, receiver.url, Status.FAILED)
    collect.collect()
    deliver_due()
    (asked,) = receiver.asked
    forged = Asked(asked.method, asked.path, asked.headers, asked.body.replace(b"ERROR", b"OK"))
    with pytest.raises(reader.ForgedError):
        read_by_the_studio(forged, receiver, client)


def test_only_the_end_is_told(film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer) -> None:
    row = asked_for(bob, film, bobs_key, receiver.url, Status.QUEUED)
    assert collect.collect() == 0
    row.cancel(bob)
    assert collect.collect() == 1


def test_from_the_submit_to_the_call(bobs: Client, receiver: ScriptedServer, at_once: None) -> None:
    """`fal_webhook` as fal's clients send it; the request is canceled before anything is sent to fal."""
    route = "/fal/queue/fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
    address = f"{route}?{urlencode({'fal_webhook': receiver.url + '/hook?job=7'})}"
    answer = bobs.post(address, {"prompt": "A fox"}, content_type="application/json").json()
    bobs.put(urlsplit(answer["cancel_url"]).path)
    collect.collect()
    deliver_due()
    (asked,) = receiver.asked
    assert asked.path == "/hook?job=7"
    assert (asked.json["request_id"], asked.json["status"]) == (answer["request_id"], "ERROR")
    assert asked.json["error"] == "Invalid status code: 499"


@pytest.mark.parametrize("status", [301, 308, 410])
def test_permanent_failures(
    film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer, status: int
) -> None:
    """The receiver is not switched off: other requests name other addresses of it."""
    receiver.will(Reply(status, headers={"Location": "/there"}))
    asked_for(bob, film, bobs_key, receiver.url, Status.FAILED)
    collect.collect()
    assert deliver_due() == 1
    assert WebhookDelivery.objects.get().failed_at
    assert not WebhookEndpoint.objects.get().disabled_at
    assert health.send_mails() == 0


def test_ten_retries_within_two_hours(
    film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer, clock: Clock
) -> None:
    receiver.will(Reply(503))
    asked_for(bob, film, bobs_key, receiver.url, Status.FAILED)
    collect.collect()
    clock.move(seconds=1)
    began = clock()
    while (due := WebhookDelivery.objects.get().due_at) is not None:
        clock.moment = max(clock.moment, due)
        assert deliver_due() == 1
    assert len(receiver.asked) == 11
    assert clock() - began <= timedelta(hours=2)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://example.com/",
        "http://93.184.215.14/",
        "https://10.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://user:pw@93.184.215.14/",
        f"https://93.184.215.14/{'a' * 2000}",
        "https://no-such-host.invalid/",
        "https://93.184.215.14/\n",
        "https://xn--a/",
    ],
)
def test_bad_addresses_are_refused_with_words(film: Team, bob: User, bobs_key: tuple[Key, str], url: str) -> None:
    row = make_generation(bob, film)
    with pytest.raises(WebhookUrlError) as refused:
        fal_webhooks.register(row, url)
    assert len(str(refused.value)) > 10
    assert not FalWebhook.objects.exists()


# --- keys


def test_key_is_made_once_and_published_with_padding(client: Client, db: None) -> None:
    first, second = client.get(JWKS), client.get(JWKS)
    (key,) = first.json()["keys"]
    assert first.json() == second.json()
    assert (key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 44)
    assert "d" not in key
    assert "max-age=3600" in first.headers["Cache-Control"]


def test_rotation_publishes_a_key_before_it_signs(client: Client, clock: Clock, db: None) -> None:
    """A receiver may keep our keys for a day: at no moment does a key sign that its copy lacks."""

    def published() -> set[str]:
        return {key["kid"] for key in fal_form.jwks()["keys"]}

    old = SigningKey.objects.current()
    new = SigningKey.objects.rotate()
    copies: list[set[str]] = []
    for _ in range(30):
        copies.append(published())
        for copy in copies[-24:]:
            assert str(SigningKey.objects.current().pk) in copy
        clock.move(hours=1)
    assert SigningKey.objects.current() == new
    assert published() == {str(new.pk)}
    assert old.public_bytes != new.public_bytes


def test_key_that_others_know_ends_at_once(client: Client, clock: Clock, db: None) -> None:
    SigningKey.objects.current()
    call_command("rotate_webhook_key", "--at-once")
    new = SigningKey.objects.order_by("pk").last()
    assert new
    assert SigningKey.objects.current() == new
    assert [key["kid"] for key in fal_form.jwks()["keys"]] == [str(new.pk)]


def test_pending_calls_of_what_is_under_way_survive_a_restore(
    film: Team, bob: User, bobs_key: tuple[Key, str], receiver: ScriptedServer
) -> None:
    """What had ended may have been told; what ends from now on is told."""
    asked_for(bob, film, bobs_key, receiver.url, Status.DONE)
    open_ = asked_for(bob, film, bobs_key, receiver.url, Status.QUEUED)
    health.forget_pending(timezone.now())
    open_.cancel(bob)
    collect.collect()
    deliver_due()
    assert [json.loads(asked.body)["request_id"] for asked in receiver.asked] == [str(open_.pk)]
