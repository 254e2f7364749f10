"""Which webhooks are believed: every way to forge one, and every form of fal's own."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from generations.fal import webhooks
from generations.fal.webhooks import (
    KEYS_MAX_AGE,
    MIN_REFRESH_INTERVAL,
    REFRESH_AFTER,
    RETRY_AFTER,
    ForgedError,
    KeySet,
    KeysUnavailableError,
    is_our_mac,
    mac,
    read,
    webhook_url,
)
from tests.scripted_server import Reply, ScriptedServer, scripted_server

NOW = 1_800_000_000.0
BODY = json.dumps({"request_id": "r-1", "status": "OK", "payload": None}).encode()
KEY = Ed25519PrivateKey.generate()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        running.will(Reply(body=jwks(KEY)))
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


MAX_WAIT = 20.0  # s; a limit against hanging, not a measure


@pytest.fixture
def keys(server: ScriptedServer, clock: Clock) -> KeySet:
    return KeySet(f"{server.url}/jwks.json", clock, wait=MAX_WAIT)


def is_believed(keys: KeySet, key: Ed25519PrivateKey = KEY) -> bool:
    """Raises what `read` raises, but for a forgery."""
    try:
        read(signed(key=key), BODY, keys, pinned_user="", now=NOW)
    except ForgedError:
        return False
    return True


def until_read(keys: KeySet) -> None:
    """A reading that nobody waits for comes to its end."""
    give_up = time.monotonic() + MAX_WAIT
    while keys._reading:
        assert time.monotonic() < give_up
        time.sleep(0.01)


def jwks(*keys: Ed25519PrivateKey, padded: bool = True) -> dict[str, Any]:
    texts = [base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode() for key in keys]
    return {"keys": [{"x": text if padded else text.rstrip("=")} for text in texts]}


def signed(body: bytes = BODY, key: Ed25519PrivateKey = KEY, at: float = NOW, user: str = "u-1") -> dict[str, str]:
    parts = ["r-1", user, str(int(at)), hashlib.sha256(body).hexdigest()]
    return {
        "X-Fal-Webhook-Request-Id": parts[0],
        "X-Fal-Webhook-User-Id": parts[1],
        "X-Fal-Webhook-Timestamp": parts[2],
        "X-Fal-Webhook-Signature": key.sign("\n".join(parts).encode()).hex(),
    }


def test_a_genuine_one_is_believed(keys: KeySet) -> None:
    assert read(signed(), BODY, keys, pinned_user="", now=NOW).request_id == "r-1"
    assert read(signed(), BODY, keys, pinned_user="u-1", now=NOW).request_id == "r-1"


@pytest.mark.parametrize("padded", [True, False])
def test_keys_are_read_with_and_without_padding(keys: KeySet, server: ScriptedServer, padded: bool) -> None:
    server.will(Reply(body=jwks(KEY, padded=padded)))

    assert read(signed(), BODY, keys, pinned_user="", now=NOW).request_id == "r-1"


def test_any_key_of_the_set_will_do_and_unusable_ones_are_passed_over(keys: KeySet, server: ScriptedServer) -> None:
    others = [{"kty": "RSA"}, {"x": "short"}, {"x": None}, *jwks(Ed25519PrivateKey.generate(), KEY)["keys"]]
    server.will(Reply(body={"keys": others}))

    assert read(signed(), BODY, keys, pinned_user="", now=NOW).request_id == "r-1"


@pytest.mark.parametrize("skew", [-301, 301])
def test_a_replayed_one_is_refused(keys: KeySet, skew: float) -> None:
    with pytest.raises(ForgedError, match="five minutes"):
        read(signed(), BODY, keys, pinned_user="", now=NOW + skew)


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp"])
def test_every_signed_header_counts(keys: KeySet, name: str) -> None:
    headers = {**signed(), f"X-Fal-Webhook-{name}": str(int(NOW) + 1)}

    with pytest.raises(ForgedError, match="signature"):
        read(headers, BODY, keys, pinned_user="", now=NOW)


@pytest.mark.parametrize("name", ["Request-Id", "User-Id", "Timestamp", "Signature"])
def test_a_missing_header_is_refused(keys: KeySet, name: str) -> None:
    headers = signed()
    del headers[f"X-Fal-Webhook-{name}"]

    with pytest.raises(ForgedError):
        read(headers, BODY, keys, pinned_user="", now=NOW)


def test_another_body_or_another_key_is_refused(keys: KeySet) -> None:
    with pytest.raises(ForgedError, match="signature"):
        read(signed(), BODY + b" ", keys, pinned_user="", now=NOW)
    with pytest.raises(ForgedError, match="signature"):
        read(signed(key=Ed25519PrivateKey.generate()), BODY, keys, pinned_user="", now=NOW)


def test_one_for_another_user_of_fal_is_refused_before_any_key_is_fetched(keys: KeySet, server: ScriptedServer) -> None:
    with pytest.raises(ForgedError, match="another user"):
        read(signed(user="u-2"), BODY, keys, pinned_user="u-1", now=NOW)
    assert server.asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"null"])
def test_a_body_that_names_no_request_is_refused(keys: KeySet, body: bytes) -> None:
    with pytest.raises(ForgedError):
        read(signed(body), body, keys, pinned_user="", now=NOW)


@pytest.mark.parametrize("body", [[], "x", 3, None, {}])
def test_a_signed_body_that_is_none_of_fals_is_refused(keys: KeySet, body: Any) -> None:
    content = json.dumps(body).encode()
    with pytest.raises(ForgedError):
        read(signed(content), content, keys, pinned_user="", now=NOW)


@pytest.mark.parametrize("status", ["OK", "ERROR"])
def test_a_delivery_says_which_ids_it_is_about_and_whether_there_is_a_video(keys: KeySet, status: str) -> None:
    body = json.dumps({"request_id": "r-2", "gateway_request_id": "r-3", "status": status}).encode()
    delivery = read(signed(body), body, keys, pinned_user="", now=NOW)
    assert (delivery.request_id, delivery.has_video) == ("r-2", status == "OK")
    assert delivery.other_ids == {"r-1", "r-3"}


@pytest.mark.parametrize("timestamp", ["", "9" * 5000, "٣" * 10, "1e9", "-1", f"{NOW:.0f}0"])
def test_a_strange_time_is_refused(keys: KeySet, timestamp: str) -> None:
    with pytest.raises(ForgedError, match="five minutes"):
        read(signed() | {"X-Fal-Webhook-Timestamp": timestamp}, BODY, keys, pinned_user="", now=NOW)


def test_keys_are_fetched_once_and_then_now_and_then_beside(keys: KeySet, server: ScriptedServer, clock: Clock) -> None:
    assert all(is_believed(keys) for _ in range(3))
    assert len(server.asked) == 1

    clock.now += REFRESH_AFTER + 1
    assert is_believed(keys)
    until_read(keys)
    assert len(server.asked) == 2


BROKEN_KEYS = [
    Reply(503),
    Reply(500, jwks(KEY)),
    Reply(302, headers={"Location": "/elsewhere"}),
    Reply(body=b"<html>Welcome</html>"),
    Reply(body=b""),
    Reply(body=b"\xff\xfe"),
    Reply(body=b"[" * 100_000),
    Reply(body=[]),
    Reply(body={"keys": None}),
    Reply(body={"keys": []}),
    Reply(body={"keys": ["x", {"kty": "RSA"}, {"x": "short"}, {"x": 7}]}),
    Reply(body=b'{"keys": [' + b" " * 300_000 + b"]}"),
    Reply(body=jwks(KEY), cut=20),
    Reply(raw=b"SSH-2.0-OpenSSH\r\n"),
]


@pytest.mark.parametrize("reply", BROKEN_KEYS)
def test_what_is_no_set_of_keys_makes_nobody_a_forger_and_is_remembered(
    keys: KeySet, server: ScriptedServer, clock: Clock, reply: Reply
) -> None:
    server.will(reply)
    for _ in range(3):
        with pytest.raises(KeysUnavailableError):
            is_believed(keys)
    assert len(server.asked) == 1, "asked again at once"

    server.will(Reply(body=jwks(KEY)))
    clock.now += RETRY_AFTER + 1
    assert is_believed(keys)


@pytest.mark.parametrize("reply", BROKEN_KEYS)
def test_known_keys_are_good_for_a_day_while_fal_hands_out_none(
    keys: KeySet, server: ScriptedServer, clock: Clock, reply: Reply
) -> None:
    assert is_believed(keys)
    server.will(reply)
    clock.now += KEYS_MAX_AGE - 1
    assert is_believed(keys)
    until_read(keys)
    with pytest.raises(KeysUnavailableError):
        is_believed(keys, Ed25519PrivateKey.generate())
    assert is_believed(keys)

    clock.now += 2
    with pytest.raises(KeysUnavailableError):
        is_believed(keys)


def test_while_the_key_server_hangs_everybody_is_told_at_once_to_come_back(
    server: ScriptedServer, clock: Clock
) -> None:
    """The first one waits for a moment, which is none here; nobody asks a second time."""
    keys = KeySet(server.url, clock, wait=0)
    server.will(Reply(body=jwks(KEY), pause=2))
    with ThreadPoolExecutor(20) as threads:
        answers = [threads.submit(is_believed, keys) for _ in range(20)]
        assert {type(answer.exception(MAX_WAIT)) for answer in answers} == {KeysUnavailableError}
    until_read(keys)
    assert len(server.asked) == 1
    assert is_believed(keys)


def test_a_key_server_that_drips_is_given_up(
    keys: KeySet, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.3)
    server.will(Reply(body=b" " * 200, drip=0.1))
    with pytest.raises(KeysUnavailableError):
        is_believed(keys)
    assert not keys._reading


def test_two_rotations_within_a_minute_are_followed(keys: KeySet, server: ScriptedServer, clock: Clock) -> None:
    for number in range(3):
        key = Ed25519PrivateKey.generate()
        server.will(Reply(body=jwks(key)))
        clock.now += 10
        assert is_believed(keys, key), number


def test_a_new_key_is_fetched_when_no_known_one_fits_but_not_for_every_forgery(
    keys: KeySet, server: ScriptedServer, clock: Clock
) -> None:
    read(signed(), BODY, keys, pinned_user="", now=NOW)
    new = Ed25519PrivateKey.generate()
    server.will(Reply(body=jwks(new)))
    clock.now += MIN_REFRESH_INTERVAL + 1

    assert read(signed(key=new), BODY, keys, pinned_user="", now=NOW).request_id == "r-1"
    for _ in range(5):
        with pytest.raises(ForgedError):
            read(signed(key=Ed25519PrivateKey.generate()), BODY, keys, pinned_user="", now=NOW)
    assert len(server.asked) == 2


def test_the_address_carries_a_mac_that_fits_this_generation_and_secret_only() -> None:
    assert webhook_url("https://studio.example", "g-1", "s").endswith(f"/webhooks/fal/g-1/?mac={mac('g-1', 's')}")
    assert is_our_mac(mac("g-1", "s"), "g-1", ["s"])
    assert not is_our_mac(mac("g-2", "s"), "g-1", ["s"])
    assert not is_our_mac(mac("g-1", "t"), "g-1", ["s"])
    assert not is_our_mac("", "g-1", ["s"])
    assert not is_our_mac("é", "g-1", ["s"])


@given(headers=st.dictionaries(st.sampled_from(sorted(signed())), st.text()), body=st.binary())
def test_nothing_that_a_stranger_sends_breaks_it(headers: dict[str, str], body: bytes) -> None:
    with scripted_server() as server:
        server.will(Reply(body=jwks(KEY)))
        with pytest.raises(ForgedError):
            read(headers, body, KeySet(server.url, wait=MAX_WAIT), pinned_user="", now=NOW)
