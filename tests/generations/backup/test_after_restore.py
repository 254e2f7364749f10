"""A database of the past: what its rows do until it is known what became of them."""

from datetime import timedelta
from typing import Any

import django_rq
import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from rq.utils import utcformat

from accounts.models import User
from devserver.valkey import Valkey
from generations import tasks
from generations.backup import after_restore
from generations.backup.after_restore import mark_restored, raise_barrier
from generations.fal.arguments import Endpoint
from generations.fal.client import AsyncFalClient
from generations.fal.errors import KeyRefused
from generations.models import OPEN, TERMINAL, Generation, Notification, Status, SubmitPause
from generations.notifications import send_notifications
from tests.cast import make_generation, make_input_picture, picture, signed_in
from tests.generations.pipeline.driven import drive_to_the_end, one_pass
from tests.migration_history import unapplied_migration
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

REFUSE_COMPANY = after_restore.refuse_company
REFUSED = "[sandbox: no_media_generated]"  # quick: no file is made


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Other tests' processes may be known to Redis, and other connections open."""
    monkeypatch.setattr(after_restore, "refuse_company", lambda: None)
    sandbox.set_faults("")


def sends_of(sandbox: Sandbox, prompt: str) -> int:
    return sum(request["prompt"] == prompt for request in sandbox.records()["requests"])


def columns_of(row: Generation) -> dict[str, Any]:
    """But whether the bell has it."""
    columns: dict[str, Any] = {**Generation.objects.filter(pk=row.pk).values()[0]}
    return {name: value for name, value in columns.items() if name != "notified_at"}


@pytest.mark.parametrize("status", sorted(OPEN))
def test_open_row_is_uncertain_free_and_due(alice: User, status: Status) -> None:
    held = {"lease_until": timezone.now() + timedelta(hours=1)}
    row = make_generation(alice, alice.personal_team, status, **held)

    mark_restored()

    row.refresh_from_db()
    now = timezone.now()
    assert row.uncertain_until
    assert row.status == (Status.SUBMITTING if status == Status.QUEUED else status)
    assert status == Status.HELD or (row.lease_until is None and row.due_at and row.due_at <= now)
    assert any("restored" in event.message for event in row.events.all())


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_ended_row_stays_as_it_was(alice: User, status: Status) -> None:
    row = make_generation(alice, alice.personal_team, status)
    before = columns_of(row)

    mark_restored()

    assert columns_of(row) == before
    assert row.events.count() == 1


def test_held_row_is_searched_for_once_it_is_approved(alice: User, sandbox: Sandbox, settings: Any) -> None:
    settings.GENERATION_GIVE_UP_HOURS = 24
    row = make_generation(alice, alice.personal_team, Status.HELD, prompt=f"Held in the past {REFUSED}")
    mark_restored()
    Generation.objects.get(pk=row.pk).move(Status.QUEUED)

    one_pass()
    one_pass()

    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.SUBMITTING, "restored")
    assert sends_of(sandbox, row.prompt) == 0


def test_what_fal_does_not_have_is_sent_once_nothing_of_before_can_run(
    alice: User, sandbox: Sandbox, settings: Any
) -> None:
    settings.GENERATION_GIVE_UP_HOURS = 24
    row = make_generation(alice, alice.personal_team, prompt=f"Not sent in the past {REFUSED}")
    mark_restored()
    one_pass()
    assert sends_of(sandbox, row.prompt) == 0

    settings.GENERATION_GIVE_UP_HOURS = 0
    drive_to_the_end(row)

    assert (row.reason, row.uncertain_until) == ("no_media_generated", None)
    assert sends_of(sandbox, row.prompt) == 1


@pytest.mark.parametrize("case", ["another picture of the same prompt", "list that can't be read"])
def test_what_the_list_cannot_tell_is_for_a_person(
    alice: User, sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    settings.GENERATION_GIVE_UP_HOURS = 0
    prompt = f"{case} {REFUSED}"
    image: dict[str, Any] = {"endpoint": Endpoint.IMAGE_TO_VIDEO, "prompt": prompt}
    row = make_generation(alice, alice.personal_team, **image)
    make_input_picture(row)
    sends = 0
    if case == "list that can't be read":

        def refuse(*_: Any, **__: Any) -> None:
            raise KeyRefused("No access to the list.")

        monkeypatch.setattr(AsyncFalClient, "requests", refuse)
    else:
        unknown = make_generation(alice, alice.personal_team, **image)
        make_input_picture(unknown, data=picture(color="crimson"))
        Generation.objects.filter(pk=row.pk).update(lease_until=timezone.now() + timedelta(hours=1))
        drive_to_the_end(unknown)
        Generation.objects.filter(pk=unknown.pk).update(request_id="of-another-studio")
        sends = 1
    mark_restored()

    drive_to_the_end(row)

    assert (row.status, row.reason) == (Status.FAILED, "outcome_unknown")
    assert sends_of(sandbox, prompt) == sends


def test_nothing_is_sent_before_a_restored_database_is_prepared(alice: User, sandbox: Sandbox) -> None:
    row = make_generation(alice, alice.personal_team, prompt=f"Behind the barrier {REFUSED}")
    raise_barrier()
    one_pass()
    row.refresh_from_db()
    assert row.status == Status.QUEUED

    call_command("after_restore", verbosity=0)

    assert not SubmitPause.objects.exists()
    row.refresh_from_db()
    assert row.status == Status.SUBMITTING
    assert sends_of(sandbox, row.prompt) == 0


def test_no_mail_goes_out_a_second_time(alice: User, settings: Any) -> None:
    """Neither of what had ended nor of what ends now; the bell has both."""
    settings.GENERATION_GIVE_UP_HOURS = 0
    ended = make_generation(alice, alice.personal_team, Status.FAILED)
    at_fal = make_generation(alice, alice.personal_team, Status.RENDERING)
    unsent = make_generation(alice, alice.personal_team, prompt=f"Sent after the restore {REFUSED}")

    mark_restored()
    Generation.objects.get(pk=at_fal.pk).move(Status.CANCELED)
    Generation.objects.get(pk=at_fal.pk).move(Status.RENDERING)
    Generation.objects.get(pk=at_fal.pk).move(Status.FAILED, reason="x", message="It failed.", responsible_party="us")
    drive_to_the_end(unsent)
    send_notifications()

    told = set(Notification.objects.filter(in_bell=True).values_list("generation", flat=True))
    assert told == {ended.pk, at_fal.pk, unsent.pk}
    assert len(mail.outbox) == 1
    assert str(unsent.pk) in str(mail.outbox[0].body)


def test_nobody_stays_signed_in(alice: User) -> None:
    client = signed_in(alice)
    assert client.get("/generations/new/").status_code == 200

    mark_restored()

    assert client.get("/generations/new/").status_code == 302
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stopped-at", "2199-01-01T00:00Z"], "future"),
        (["--stopped-at", "yesterday"], "no moment"),
        (["--stopped-at", "2026-13-01T00:00Z"], "no moment"),
    ],
)
def test_moment_that_cannot_be(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("after_restore", *arguments)


def test_migrations_come_first() -> None:
    with unapplied_migration(), pytest.raises(CommandError, match=r"manage\.py migrate"):
        call_command("after_restore")


@pytest.mark.parametrize(("seconds", "is_refused"), [(5, True), (200, False)])
def test_worker_that_is_alive_is_refused_and_a_killed_one_soon_is_not(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch, seconds: int, is_refused: bool
) -> None:
    monkeypatch.setattr(after_restore, "refuse_company", REFUSE_COMPANY)
    end_other_connections()
    worker = tasks.Worker(["default"], connection=django_rq.get_connection())
    worker.register_birth()  # type: ignore[no-untyped-call]
    heard = timezone.now() - timedelta(seconds=seconds)
    django_rq.get_connection().hset(worker.key, "last_heartbeat", utcformat(heard))
    try:
        if is_refused:
            with pytest.raises(CommandError, match="Stop them first"):
                call_command("after_restore")
        else:
            call_command("after_restore", verbosity=0)
    finally:
        worker.register_death()  # type: ignore[no-untyped-call]


def end_other_connections() -> None:
    """Of threads of other tests."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
