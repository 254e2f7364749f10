"""One message to one endpoint: signed, tried by the schedule, given up, switched off; what a kill leaves behind."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from accounts.models import Team, User
from api import webhook_address
from api.models import WebhookDelivery, WebhookEndpoint
from api.models.webhook import ROTATION
from api.webhook_address import WebhookUrlError
from api.webhooks import deliver, health, send
from api.webhooks.deliver import LEASE, RETRY_DELAYS, deliver_due
from tests.api.webhook_cast import Clock, make_endpoint, queued, verified
from tests.generations.test_fetch import (  # noqa: F401 - fixtures
    HOST,
    PUBLIC,
    Internet,
    certificate,
    internet,
    public,
)
from tests.scripted_server import Reply, ScriptedServer

SCHEDULE = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600]


@pytest.fixture(autouse=True)
def _fresh_client() -> Iterator[None]:
    """It keeps the certificates that it was made with."""
    send._client.cache_clear()
    yield
    send._client.cache_clear()


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


# --- what is sent


def test_message_is_verified_by_the_reference_library(endpoint: WebhookEndpoint, receiver: ScriptedServer) -> None:
    delivery = queued(endpoint)
    assert deliver_due() == 1
    (asked,) = receiver.asked
    content = verified(asked, endpoint.secret)
    assert content["type"] == "webhook.test"
    assert content["data"]["team"]["slug"] == "film"
    assert asked.method == "POST"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["webhook-id"] == delivery.message_id
    delivered = fresh(delivery)
    assert (delivered.due_at, delivered.failed_at, delivered.tries) == (None, None, 1)
    assert deliver_due() == 0


def test_log_has_what_was_sent_and_what_came_back(endpoint: WebhookEndpoint, receiver: ScriptedServer) -> None:
    receiver.will(Reply(500, b"a\0b" + b"x" * 100_000, {"X-Trace": "7"}))
    delivery = queued(endpoint)
    deliver_due()
    (attempt,) = delivery.attempts.all()
    assert attempt.status == 500
    assert attempt.response_headers["x-trace"] == "7"
    assert attempt.response.startswith("a\ufffdbxxx")
    assert len(attempt.response) == 1000
    assert attempt.request_headers["webhook-signature"].startswith("v1,")


def test_old_secret_signs_too_for_a_day(endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock) -> None:
    old, new = endpoint.secret, endpoint.rotate()
    queued(endpoint)
    deliver_due()
    assert receiver.asked[0].headers["webhook-signature"].count("v1,") == 2
    assert verified(receiver.asked[0], old) == verified(receiver.asked[0], new)
    WebhookEndpoint.objects.update(previous_secret_until=clock() - timedelta(seconds=1))
    queued(endpoint)
    deliver_due()
    assert verified(receiver.asked[1], new)
    with pytest.raises(WebhookVerificationError):
        verified(receiver.asked[1], old)
    assert timedelta(hours=24) == ROTATION


# --- the schedule


def test_schedule_is_the_documented_one(endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock) -> None:
    receiver.will(Reply(503))
    delivery = queued(endpoint)
    for seconds in SCHEDULE:
        assert deliver_due() == 1
        assert fresh(delivery).due_at == clock() + timedelta(seconds=seconds)
        clock.move(seconds=seconds - 1)
        assert deliver_due() == 0
        clock.move(seconds=1)
    assert deliver_due() == 1
    assert fresh(delivery).due_at is None
    assert fresh(delivery).failed_at == clock()
    assert len(RETRY_DELAYS) == len(SCHEDULE)
    assert {asked.headers["webhook-id"] for asked in receiver.asked} == {delivery.message_id}
    assert {asked.body for asked in receiver.asked} == {delivery.body.encode()}
    assert [attempt.number for attempt in delivery.attempts.all()] == list(range(1, 11))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(400), ""),
        (Reply(404), ""),
        (Reply(500), ""),
        (Reply(301, headers={"Location": "/elsewhere"}), ""),
        (Reply(302, headers={"Location": "https://93.184.215.14/"}), ""),
        (Reply(303, headers={"Location": "/elsewhere"}), ""),
        (Reply(307, headers={"Location": "/elsewhere"}), ""),
        (Reply(308, headers={"Location": "http://169.254.169.254/latest/meta-data/"}), ""),
        (Reply(304), ""),
        (Reply(300), ""),
        (Reply(raw=b"nonsense\r\n\r\n"), "The connection failed"),
        (Reply(raw=b""), "The connection failed"),
        (Reply(200, b"half of it", cut=3), "The connection failed"),
    ],
    ids=str,
)
def test_what_is_no_success_is_tried_again(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock, reply: Reply, words: str
) -> None:
    receiver.will(reply)
    delivery = queued(endpoint)
    assert deliver_due() == 1
    assert len(receiver.asked) == 1  # nothing is followed
    assert fresh(delivery).due_at == clock() + RETRY_DELAYS[0]
    assert fresh(endpoint).failing_since == clock()
    attempt = delivery.attempts.get()
    assert attempt.status == (None if words else reply.status)
    assert words in attempt.error


def test_a_port_that_nobody_listens_to(film: Team, alice: User, receiver: ScriptedServer) -> None:
    closed = make_endpoint(film, "http://127.0.0.1:1/hook")
    delivery = queued(closed)
    deliver_due()
    assert "The connection failed" in delivery.attempts.get().error


@pytest.mark.parametrize(
    "reply", [Reply(pause=3), Reply(raw=b"HTTP/1.1 200 OK\r\n", drip=0.2), Reply(200, b"x" * 100, drip=0.2)], ids=str
)
def test_slow_receiver_is_cut_off(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    """Also one that sends a byte now and then, which meets every limit on a single read."""
    monkeypatch.setattr(send, "TIMEOUT", 0.4)
    receiver.will(reply)
    delivery = queued(endpoint)
    deliver_due()
    attempt = delivery.attempts.get()
    assert attempt.status is None
    assert attempt.error


def test_documented_timeout() -> None:
    assert 15 <= send.TIMEOUT <= 30
    assert timedelta(seconds=2 * send.TIMEOUT) < LEASE


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("0", 5),
        ("2", 5),
        ("-9", 5),
        ("soon", 5),
        ("1.5", 5),
        ("99999999999999", 24 * 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 5),
        ("Wed, 21 Oct 99999 07:28:00 GMT", 5),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 24 * 3600),
        ("", 5),
        ("in an hour, as a date", 3600),
    ],
)
def test_retry_after(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock, said: str, seconds: int
) -> None:
    clock.moment = clock.moment.replace(microsecond=0)
    if said == "in an hour, as a date":
        said = format_datetime(clock() + timedelta(hours=1), usegmt=False)
    receiver.will(Reply(429, headers={"Retry-After": said}))
    first, second = queued(endpoint), queued(endpoint)
    assert deliver_due() == (1 if seconds > 5 or said == "2" else 2)  # it asks to be left alone, whatever the message
    assert max(fresh(one).due_at for one in (first, second)) == clock() + timedelta(seconds=seconds)
    receiver.will(Reply(204))
    clock.move(seconds=seconds)
    assert deliver_due() == 2
    assert fresh(first).delivered_at
    assert fresh(second).delivered_at


def test_gone_switches_off_at_once_and_tells(endpoint: WebhookEndpoint, receiver: ScriptedServer) -> None:
    receiver.will(Reply(410))
    first, second = queued(endpoint), queued(endpoint)
    assert deliver_due() == 1
    off = fresh(endpoint)
    assert off.disabled_at
    assert "410" in off.disabled_reason
    assert fresh(first).failed_at
    assert fresh(second).failed_at
    assert health.send_mails() == 1
    assert health.send_mails() == 0
    assert [one.to for one in mail.outbox] == [["alice@example.com"]]
    assert "410" in mail.outbox[0].body


def test_switched_off_after_days_of_failure_with_a_mail_before(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock, bob: User
) -> None:
    receiver.will(Reply(500))
    told: list[tuple[float, str]] = []
    began = clock()
    while not fresh(endpoint).disabled_at:
        queued(endpoint)
        deliver_due()
        health.send_mails()
        told += [((clock() - began) / timedelta(days=1), str(one.subject)) for one in mail.outbox]
        mail.outbox.clear()
        clock.move(hours=12)
    assert [days for days, _ in told] == [1, 5]
    assert "failing" in told[0][1]
    assert "off" in told[1][1]
    assert not WebhookDelivery.objects.filter(due_at__isnull=False).exists()


def test_one_success_ends_the_count(endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock) -> None:
    receiver.will(Reply(500))
    queued(endpoint)
    deliver_due()
    clock.move(days=6)
    receiver.will(Reply(200), Reply(500))
    deliver_due()
    queued(endpoint)
    deliver_due()
    assert fresh(endpoint).failing_since == clock()
    assert not fresh(endpoint).disabled_at
    assert health.send_mails() == 0


# --- addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "http://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a00:1]/",
        "https://[64:ff9b::a00:1]/",
        "https://10.0.0.1:8443/",
        "https://172.16.3.4/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://inside.example/",
        "https://half-inside.example/",
        "http://93.184.215.14/",
        "https://user:pass@93.184.215.14/",
        "ftp://93.184.215.14/",
        "file:///etc/passwd",
    ],
)
def test_internal_addresses_are_refused_when_saved_and_when_sent(
    internet: Internet,  # noqa: F811
    settings: Settings,
    film: Team,
    alice: User,
    url: str,
) -> None:
    settings.MIRROR_TRUSTED_ORIGINS = frozenset()
    internet.names |= {"inside.example": [["10.0.0.1"]], "half-inside.example": [[PUBLIC, "192.168.0.1"]]}
    with pytest.raises(WebhookUrlError, match=r"address|https"):
        webhook_address.check(url)
    delivery = queued(make_endpoint(film, url))
    internet.connected.clear()
    deliver_due()
    assert internet.connected == []
    attempt = delivery.attempts.get()
    assert attempt.status is None
    assert attempt.error


def test_name_that_turns_inside_after_it_was_saved(
    public: ScriptedServer,  # noqa: F811
    internet: Internet,  # noqa: F811
    settings: Settings,
    film: Team,
    alice: User,
) -> None:
    """What was looked up is what is connected to: a second answer of the name server changes nothing."""
    settings.MIRROR_TRUSTED_ORIGINS = frozenset()
    internet.names[HOST] = [[PUBLIC], [PUBLIC], ["127.0.0.1"]]
    webhook_address.check(f"https://{HOST}/hook")
    endpoint = make_endpoint(film, f"https://{HOST}/hook")
    queued(endpoint)
    deliver_due()
    assert verified(public.asked[0], endpoint.secret)
    assert internet.connected == [(PUBLIC, 443)]
    second = queued(endpoint)
    deliver_due()
    assert len(public.asked) == 1
    assert "private network" in second.attempts.get().error


def test_certificate_that_is_not_the_hosts(
    public: ScriptedServer,  # noqa: F811
    internet: Internet,  # noqa: F811
    settings: Settings,
    film: Team,
    alice: User,
) -> None:
    settings.MIRROR_TRUSTED_ORIGINS = frozenset()
    internet.names["liar.example"] = [[PUBLIC]]
    delivery = queued(make_endpoint(film, "https://liar.example/hook"))
    deliver_due()
    assert public.asked == []
    assert "TLS certificate" in delivery.attempts.get().error


# --- order, kills and neighbours


def test_messages_go_in_their_order(endpoint: WebhookEndpoint, receiver: ScriptedServer) -> None:
    rows = [queued(endpoint) for _ in range(5)]
    deliver_due()
    assert [asked.headers["webhook-id"] for asked in receiver.asked] == [row.message_id for row in rows]


@pytest.mark.parametrize("lasts", [timedelta(0), LEASE - timedelta(seconds=1)])
def test_killed_between_sending_and_recording(
    endpoint: WebhookEndpoint,
    receiver: ScriptedServer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    lasts: timedelta,
) -> None:
    """Nobody touches it while the lease lasts; then it is sent again, with the same id and body."""
    delivery = queued(endpoint)
    with monkeypatch.context() as patch:
        patch.setattr(deliver, "_record", _killed)
        with pytest.raises(SystemExit):
            deliver_due()
    clock.moment += lasts
    assert deliver_due() == 0
    clock.moment += LEASE - lasts + timedelta(seconds=1)
    assert deliver_due() == 1
    first, second = receiver.asked
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.message_id
    assert first.body == second.body
    assert fresh(delivery).delivered_at


def _killed(*_arguments: object) -> None:
    raise SystemExit


@pytest.mark.django_db(transaction=True)
def test_process_killed_while_the_receiver_thinks(
    film: Team, alice: User, receiver: ScriptedServer, clock: Clock
) -> None:
    endpoint = make_endpoint(film, receiver.url)
    delivery = queued(endpoint)
    receiver.will(Reply(204, pause=2), Reply(204))
    connection.close()  # no process shares another's
    if not (child := os.fork()):
        deliver_due()
        os._exit(0)
    while not receiver.asked:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert deliver_due() == 0
    clock.moment += LEASE + timedelta(seconds=1)
    assert deliver_due() == 1
    assert [asked.headers["webhook-id"] for asked in receiver.asked] == [delivery.message_id] * 2
    assert fresh(delivery).delivered_at
    assert delivery.attempts.count() == 1


def test_killed_before_sending(endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock) -> None:
    delivery = queued(endpoint)
    assert deliver._claim(healthy_only=False)
    assert deliver_due() == 0
    clock.moment += LEASE + timedelta(seconds=1)
    assert deliver_due() == 1
    assert len(receiver.asked) == 1
    assert fresh(delivery).delivered_at


def test_worker_that_comes_back_after_its_lease_changes_nothing(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, clock: Clock
) -> None:
    delivery = queued(endpoint)
    late = deliver._claim(healthy_only=False)
    assert late
    clock.moment += LEASE + timedelta(seconds=1)
    assert deliver_due() == 1
    deliver._record(late, {}, send.Answer(5, 410))
    assert fresh(delivery).delivered_at
    assert delivery.attempts.count() == 1
    assert not fresh(endpoint).disabled_at


@pytest.mark.parametrize("change", ["delete", "disable", "close"])
def test_endpoint_that_goes_while_it_is_asked(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, film: Team, clock: Clock, change: str
) -> None:
    delivery = queued(endpoint)
    claim = deliver._claim(healthy_only=False)
    assert claim
    if change == "delete":
        endpoint.delete()
    elif change == "disable":
        endpoint.disable("By Alice.")
    else:
        Team.objects.get_queryset().filter(pk=film.pk).update(closed_at=clock())
    deliver._record(claim, {}, send.Answer(5, 500))
    clock.move(days=1)
    assert deliver_due() == 0
    assert receiver.asked == []
    assert change == "close" or not WebhookDelivery.objects.filter(pk=delivery.pk, due_at__isnull=False).exists()


def test_failing_endpoints_leave_half_of_the_threads_to_others(
    endpoint: WebhookEndpoint, receiver: ScriptedServer, film: Team, clock: Clock
) -> None:
    dead = make_endpoint(film, "http://127.0.0.1:1/", failing_since=clock())
    queued(dead)
    queued(endpoint)
    assert deliver_due(healthy_only=True) == 1
    assert len(receiver.asked) == 1
    taken = deliver._take_slots(4)
    try:
        assert [number >= deliver._FOR_ANY for number in taken] == [False, True, False, True]
    finally:
        deliver._free.update(taken)


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_message_once(film: Team, alice: User, receiver: ScriptedServer) -> None:
    """One that takes its time holds nobody else up, and of one endpoint never two messages are under way."""
    receiver.pages["/slow"] = Reply(204, pause=0.5)
    endpoints = [make_endpoint(film, f"{receiver.url}/{name}") for name in ("slow", "a", "b", "c")]
    ids = [queued(endpoint).message_id for endpoint in endpoints for _ in range(3)]

    def work(_number: int) -> int:
        try:
            return deliver_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == len(ids)
    assert sorted(asked.headers["webhook-id"] for asked in receiver.asked) == sorted(ids)
    quick = [number for number, asked in enumerate(receiver.asked) if asked.path != "/slow"]
    slow = [number for number, asked in enumerate(receiver.asked) if asked.path == "/slow"]
    assert max(quick) < max(slow)
    assert fresh(endpoints[0]).lease is None
