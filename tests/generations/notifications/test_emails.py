"""Mails: one of each finished order, never two; a mail server that is away only delays them."""

import smtplib
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Team, User
from generations.fal.error_messages import ResponsibleParty
from generations.flows.remove_member import remove_member
from generations.models import OPEN, Generation, Notification, Status
from generations.notifications import send_notifications
from tests.cast import make_generation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Settings) -> None:
    settings.SITE_URL = "https://studio.example.com"


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locmem.EmailBackend, "send_messages", refuse(ConnectionRefusedError("nobody there")))


def refuse(error: Exception) -> Callable[..., int]:
    def send(self: object, messages: object) -> int:
        raise error

    return send


def sent() -> list[tuple[str, str]]:
    return [(message.to[0], str(message.subject)) for message in mail.outbox]


def bodies() -> list[str]:
    """The plain text and the HTML of the only mail."""
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    (html, media_type), *others = message.alternatives
    assert (media_type, others) == ("text/html", [])
    return [str(message.body), str(html)]


def pass_time(minutes: float) -> None:
    """Of the pauses between two tries."""
    for one in Notification.objects.exclude(email_due_at=None):
        assert one.email_due_at
        one.email_due_at = one.email_due_at - timedelta(minutes=minutes)
        one.save(update_fields=["email_due_at"])


def test_finished_video_is_announced_with_its_page(film: Team, bob: User) -> None:
    generation = make_generation(bob, film, Status.DONE)

    assert send_notifications() == 1
    assert sent() == [("bob@example.com", "Your video is ready: A fox in the snow")]
    for body in bodies():
        assert f"https://studio.example.com/generations/{generation.pk}/" in body
        assert "https://studio.example.com/accounts/notices/" in body
        assert "A fox in the snow" in body
        assert "5 seconds, in Film." in body
        assert "Charged $0.35." in body
    assert mail.outbox[0].message()["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"cost_cents": 0}, ["fal refused the prompt. Change it.", "You can fix this yourself.", "Not charged."]),
        ({"responsible_party": ResponsibleParty.PROVIDER}, ["This went wrong at fal or Kling", "Charged $0.35."]),
        (
            {"reason": "outcome_unknown", "responsible_party": ResponsibleParty.US},
            ["has to fix this", "May have been charged."],
        ),
    ],
)
def test_failure_says_why_what_to_do_and_what_it_cost(
    film: Team, bob: User, columns: dict[str, Any], words: list[str]
) -> None:
    values = {
        "reason": "content_policy",
        "message": "fal refused the prompt. Change it.",
        "responsible_party": ResponsibleParty.USER,
    }
    generation = make_generation(bob, film, Status.FAILED, **{**values, **columns})
    send_notifications()

    assert sent() == [("bob@example.com", "Your video failed: A fox in the snow")]
    for body in bodies():
        assert f"https://studio.example.com/generations/{generation.pk}/" in body
        for each in words:
            assert each in body


def test_nobody_is_told_twice(film: Team, bob: User) -> None:
    make_generation(bob, film, Status.DONE)

    assert [send_notifications(), send_notifications()] == [1, 0]
    assert len(mail.outbox) == 1
    assert Generation.objects.get().notified_at


def test_order_makes_one_mail_when_nothing_of_it_moves_any_more(film: Team, bob: User, alice: User) -> None:
    batch = uuid.uuid4()
    rows = [make_generation(bob, film, Status.DONE, prompt=f"Number {n}", batch=batch, batch_index=n) for n in range(3)]
    rows += [make_generation(bob, film, Status.FAILED, prompt="Number 3", batch=batch, batch_index=3)]
    last = make_generation(bob, film, Status.RENDERING, batch=batch, batch_index=4)
    make_generation(alice, film, Status.DONE)

    assert send_notifications() == 1  # alice's
    assert sent() == [("alice@example.com", "Your video is ready: A fox in the snow")]
    mail.outbox = []
    last.move(Status.CANCELLING)
    last.move(Status.CANCELED)
    assert [send_notifications(), send_notifications()] == [1, 0]
    assert sent() == [("bob@example.com", "3 videos are ready, 1 failed")]
    for body in bodies():
        for row in rows:
            assert row.prompt in body
            assert str(row.pk) in body


def test_fifty_videos_of_two_orders_make_two_mails(film: Team, bob: User) -> None:
    for batch in (uuid.uuid4(), uuid.uuid4()):
        for index in range(25):
            make_generation(bob, film, Status.DONE, batch=batch, batch_index=index)

    assert send_notifications() == 2
    assert sent() == [("bob@example.com", "25 videos are ready")] * 2


@pytest.mark.parametrize(
    ("waiting", "columns"),
    [(Status.HELD, {}), (Status.RENDERING, {"needs_attention_since": timezone.now()})],
)
def test_what_waits_for_somebody_keeps_nobody_waiting(
    film: Team, bob: User, waiting: Status, columns: dict[str, Any]
) -> None:
    batch = uuid.uuid4()
    make_generation(bob, film, Status.DONE, batch=batch)
    late = make_generation(bob, film, waiting, batch=batch, batch_index=1, prompt="The late one", **columns)
    assert send_notifications() == 1
    Generation.objects.filter(pk=late.pk).update(
        status=Status.FAILED, due_at=None, finished_at=timezone.now(), reason="x", message="x", responsible_party="us"
    )

    assert send_notifications() == 1  # of the late one alone
    assert [subject for _, subject in sent()] == [
        "Your video is ready: A fox in the snow",
        "Your video failed: The late one",
    ]


@pytest.mark.parametrize(
    ("statuses", "subject"),
    [
        ([Status.DONE, Status.DONE], "2 videos are ready"),
        ([Status.FAILED, Status.FAILED], "2 videos failed"),
        ([Status.DONE, Status.FAILED], "1 video is ready, 1 failed"),
        ([Status.DONE, Status.FAILED, Status.REJECTED], "1 video is ready, 2 failed"),
    ],
)
def test_subject_counts(film: Team, bob: User, statuses: list[Status], subject: str) -> None:
    batch = uuid.uuid4()
    for index, status in enumerate(statuses):
        make_generation(bob, film, status, batch=batch, batch_index=index)
    send_notifications()

    assert sent() == [("bob@example.com", subject)]


@pytest.mark.parametrize("status", sorted({Status.CANCELED, *OPEN}))
def test_what_needs_no_mail_gets_none(film: Team, bob: User, status: Status) -> None:
    make_generation(bob, film, status)

    assert send_notifications() == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"deleted_at": timezone.now()},
        {"finished_at": timezone.now() - timedelta(hours=25)},
        {"notified_at": timezone.now()},
    ],
)
def test_no_news_is_no_mail(film: Team, bob: User, columns: dict[str, Any]) -> None:
    make_generation(bob, film, Status.DONE, **columns)

    assert send_notifications() == 0


@pytest.mark.parametrize("columns", [{"notification_settings": {"order": {"email": False}}}, {"is_active": False}])
def test_who_wants_none_gets_none(film: Team, bob: User, columns: dict[str, Any]) -> None:
    User.objects.filter(pk=bob.pk).update(**columns)
    make_generation(bob, film, Status.DONE)

    assert send_notifications() == 0


def test_video_that_comes_after_a_failure_is_told_of_too(film: Team, bob: User) -> None:
    generation = make_generation(bob, film, Status.FAILED)
    send_notifications()
    generation = Generation.objects.get()
    generation.move(Status.RENDERING, request_id="found")
    generation.move(Status.MIRRORING, source_url="https://fal.media/files/fox.mp4")
    generation.move(Status.DONE)
    send_notifications()

    assert [subject.partition(":")[0] for _, subject in sent()] == ["Your video failed", "Your video is ready"]


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("One\r\nBcc: everybody@example.com", "Your video is ready: One Bcc: everybody@example.com"),
        ("One\u202e\u0007\u2028two", "Your video is ready: One two"),
        ("Fuchs 🦊 im Schnee, “quoted” & <b>", "Your video is ready: Fuchs 🦊 im Schnee, “quoted” & <b>"),
        ("x" * 2500, "Your video is ready: " + "x" * 59 + "…"),
        (" \n ", "Your video is ready"),
    ],
)
def test_prompt_makes_a_harmless_subject(film: Team, bob: User, prompt: str, subject: str) -> None:
    make_generation(bob, film, Status.DONE, prompt=prompt)
    send_notifications()

    assert sent() == [("bob@example.com", subject)]
    assert mail.outbox[0].message()["Bcc"] is None


def test_prompt_is_text_in_both_bodies(film: Team, bob: User) -> None:
    make_generation(bob, film, Status.DONE, prompt="<b>Tom & Jerry's</b>")
    send_notifications()

    text, html = bodies()
    assert "<b>Tom & Jerry's</b>" in text
    assert "&lt;b&gt;Tom &amp; Jerry&#x27;s&lt;/b&gt;" in html


def test_mail_server_that_is_away_delays_the_mail(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_generation(bob, film, Status.DONE)
    with monkeypatch.context() as patch:
        patch.setattr(locmem.EmailBackend, "send_messages", refuse(ConnectionRefusedError("nobody there")))
        assert send_notifications() == 0

    assert "No mail to bob@example.com (generations/mail/order): ConnectionRefusedError: nobody there" in caplog.text
    assert Notification.objects.get().email_due_at
    assert send_notifications() == 0  # not yet
    pass_time(1)
    assert send_notifications() == 1
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("no_server")
def test_mail_is_tried_five_times_and_then_given_up(film: Team, bob: User, caplog: pytest.LogCaptureFixture) -> None:
    make_generation(bob, film, Status.DONE)
    for minutes in (0, 1, 10, 60, 360, 24 * 60, 24 * 60):
        pass_time(minutes - 0.1)
        send_notifications()  # a little too early
        pass_time(0.2)
        send_notifications()

    assert caplog.text.count("No mail to") == 5
    assert mail.outbox == []


def test_address_that_is_refused_does_not_hold_up_the_others(
    film: Team, bob: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(self: locmem.EmailBackend, messages: list[mail.EmailMessage]) -> int:
        if messages[0].to == ["bob@example.com"]:
            raise smtplib.SMTPRecipientsRefused({"bob@example.com": (550, b"no such person")})
        return into_the_outbox(self, messages)

    into_the_outbox = locmem.EmailBackend.send_messages
    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send)
    make_generation(bob, film, Status.DONE)
    make_generation(alice, film, Status.DONE)
    send_notifications()
    send_notifications()

    assert [to for to, _ in sent()] == ["alice@example.com"]


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_tell_each_person_once(film: Team, bob: User, alice: User, victor: User) -> None:
    for person in (bob, alice, victor):
        batch = uuid.uuid4()
        for index in range(5):
            make_generation(person, film, Status.DONE, batch=batch, batch_index=index)
    together = threading.Barrier(4)

    def tell(_: int) -> int:
        try:
            together.wait(10)
            return send_notifications()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        mails = sum(threads.map(tell, range(4)))
    told = [line for message in mail.outbox for line in str(message.body).splitlines() if "/generations/" in line]
    assert mails == len(mail.outbox) == 3
    assert len(told) == len(set(told)) == 15


def test_worker_killed_before_the_mail_is_out_costs_the_mail_alone(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather none than two: the page says the same."""

    def killed(self: object, messages: object) -> int:
        raise SystemExit

    make_generation(bob, film, Status.DONE)
    with monkeypatch.context() as patch:
        patch.setattr(locmem.EmailBackend, "send_messages", killed)
        with pytest.raises(SystemExit):
            send_notifications()

    assert send_notifications() == 0
    assert Generation.objects.get().status == Status.DONE


@pytest.mark.parametrize("then", ["deleted", "left", "switched off"])
def test_mail_that_comes_late_tells_nothing_that_one_may_not_see_by_then(
    film: Team, alice: User, bob: User, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = make_generation(bob, film, Status.DONE)
    with monkeypatch.context() as patch:
        patch.setattr(locmem.EmailBackend, "send_messages", refuse(ConnectionRefusedError("nobody there")))
        send_notifications()
    match then:
        case "deleted":
            row.move_to_trash(bob)
        case "left":
            remove_member(film, bob, bob)
        case _:
            User.objects.filter(pk=bob.pk).update(notification_settings={"order": {"email": False}})
    pass_time(1)

    assert send_notifications() == 0
    assert mail.outbox == []
