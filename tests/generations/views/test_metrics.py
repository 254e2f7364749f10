"""/metrics: who may read it, what the rows say, what the steps of a request count, and what it costs."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.emails import send_email
from accounts.models import Team, User
from generations import metrics
from generations.fal.webhooks import KeySet, mac
from generations.models import AT_FAL, Generation, Notification, Status, SubmitPause, TeamPause
from generations.pipeline import submit
from generations.views import webhooks as views
from tests.cast import make_generation
from tests.generations.pipeline.driven import drive_to_the_end, one_pass
from tests.history import rewriting_history
from tests.sandbox_process import Sandbox, free_port
from tests.scrape import Samples, sample_of, samples

THIS_MACHINE = {"HTTP_HOST": "127.0.0.1:8000"}


def scrape() -> Samples:
    answer = Client().get("/metrics", **THIS_MACHINE)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return samples(answer.content)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"HTTP_HOST": "127.0.0.1:8000"}, 200),
        ({"HTTP_HOST": "[::1]:8000", "REMOTE_ADDR": "::1"}, 200),
        ({"HTTP_HOST": "studio.example.com", "HTTP_AUTHORIZATION": "Bearer s3cr3t-token"}, 200),
        ({"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "bearer  s3cr3t-token "}, 200),
        ({"HTTP_HOST": "studio.example.com"}, 404),
        ({"HTTP_HOST": "localhost", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"HTTP_HOST": "localhost", "HTTP_VIA": "1.1 proxy"}, 404),
        ({"HTTP_HOST": "localhost", "REMOTE_ADDR": "10.0.0.5"}, 404),
        ({"HTTP_HOST": "studio.example.com", "HTTP_AUTHORIZATION": "Basic s3cr3t-token"}, 404),
        ({"HTTP_HOST": "studio.example.com", "HTTP_AUTHORIZATION": "Bearer other"}, 401),
        ({"HTTP_HOST": "studio.example.com", "HTTP_AUTHORIZATION": "Bearer "}, 401),
        ({"HTTP_HOST": "studio.example.com", "HTTP_AUTHORIZATION": "Bearer é"}, 401),
        ({"HTTP_HOST": "127.0.0.1:8000", "HTTP_AUTHORIZATION": "Bearer other"}, 401),
    ],
)
def test_metrics_are_for_this_machine_or_for_who_has_the_token(
    client: Client, settings: Settings, request_: dict[str, str], status: int
) -> None:
    settings.ALLOWED_HOSTS, settings.METRICS_TOKEN = ["*"], "s3cr3t-token"

    answer = client.get("/metrics", **request_)  # type: ignore[arg-type]

    assert answer.status_code == status
    assert (b"kling_studio_" in answer.content) is (status == 200)
    assert answer.headers.get("WWW-Authenticate", "").startswith("Bearer") is (status == 401)
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/metrics", "Bearer s3cr3t-token", 200),
        ("/metrics", "Bearer other", 400),
        ("/metrics", "", 400),
        ("/", "Bearer s3cr3t-token", 400),
    ],
)
def test_who_has_the_token_may_ask_a_container_by_its_address(
    client: Client, settings: Settings, path: str, token: str, status: int
) -> None:
    """As Prometheus does in a cluster."""
    settings.ALLOWED_HOSTS, settings.METRICS_TOKEN = ["studio.example.com"], "s3cr3t-token"
    settings.SITE_URL = "https://studio.example.com"

    assert client.get(path, HTTP_HOST="10.0.3.7:8000", HTTP_AUTHORIZATION=token).status_code == status


@pytest.mark.django_db
def test_without_a_token_none_opens(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 401


@pytest.mark.django_db
def test_rows_are_counted_by_state(film: Team, bob: User) -> None:
    now = timezone.now()
    for minutes in (1, 5, 3):
        make_generation(bob, film, Status.QUEUED, due_at=now - timedelta(minutes=minutes))
    make_generation(bob, film, Status.QUEUED, due_at=now + timedelta(minutes=1))
    make_generation(bob, film, Status.HELD)
    make_generation(bob, film, Status.SUBMITTING, reason="answer_lost")
    held_by_a_worker = {"lease_until": now + timedelta(minutes=1), "due_at": now - timedelta(hours=1)}
    make_generation(bob, film, Status.RENDERING, **held_by_a_worker)
    make_generation(bob, film, Status.CANCELLING, due_at=now + timedelta(minutes=1))
    make_generation(bob, film, Status.DONE)

    found = scrape()

    states = {"queued": 4, "held": 1, "submitting": 1, "rendering": 1, "cancelling": 1, "mirroring": 0}
    assert {state: found["kling_studio_generations", ("state", state)] for state in states} == states
    assert ("kling_studio_generations", ("state", "done")) not in found
    assert found["kling_studio_at_fal",] == 2
    assert found["kling_studio_lost_answers",] == 1
    assert 300 <= found["kling_studio_oldest_due_seconds", ("state", "queued")] < 1000
    assert found["kling_studio_oldest_due_seconds", ("state", "rendering")] == 0, "a worker has it"
    assert found["kling_studio_oldest_due_seconds", ("state", "cancelling")] == 0, "it is not yet due"


@pytest.mark.django_db
def test_queue_of_a_paused_team_is_not_late(film: Team, bob: User, alice: User) -> None:
    make_generation(bob, film, Status.QUEUED, due_at=timezone.now() - timedelta(hours=5))
    TeamPause.objects.create(team=film, began_by=alice)

    found = scrape()

    assert found["kling_studio_generations", ("state", "queued")] == 1
    assert found["kling_studio_oldest_due_seconds", ("state", "queued")] == 0


@pytest.mark.django_db
def test_what_needs_a_person_and_what_is_overdue(film: Team, bob: User) -> None:
    now = timezone.now()
    make_generation(bob, film, Status.RENDERING, needs_attention_since=now)
    made = make_generation(bob, film, Status.MIRRORING)
    make_generation(bob, film, Status.MIRRORING)
    make_generation(bob, film, Status.FAILED, reason="outcome_unknown")
    make_generation(bob, film, Status.FAILED)
    with rewriting_history():
        made.events.update(at=now - timedelta(hours=1, seconds=1))

    found = scrape()

    assert found["kling_studio_needs_attention",] == 2
    assert found["kling_studio_copies_overdue",] == 1
    assert found["kling_studio_generations", ("state", "mirroring")] == 2


@pytest.mark.django_db
def test_pause_of_sending_says_why() -> None:
    assert not [key for key in scrape() if key[0] == "kling_studio_submit_paused_seconds"]

    SubmitPause.objects.begin_or_extend("balance_exhausted", "The balance is exhausted.")

    assert ("kling_studio_submit_paused_seconds", ("reason", "balance_exhausted")) in scrape()


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.RENDERING, Status.MIRRORING, Status.DONE])
def test_last_webhook_is_seen_wherever_its_row_is(film: Team, bob: User, status: Status) -> None:
    assert ("kling_studio_webhook_last_seen_timestamp_seconds",) not in scrape()
    now = timezone.now()
    make_generation(bob, film, status, webhook_received_at=now - timedelta(hours=3))
    make_generation(bob, film, status, webhook_received_at=now, duration=10)

    assert scrape()["kling_studio_webhook_last_seen_timestamp_seconds",] == pytest.approx(now.timestamp(), abs=0.01)


@pytest.mark.django_db
def test_month_is_summed_over_all_teams(film: Team, bob: User, mallory: User) -> None:
    make_generation(bob, film, Status.DONE, cost_cents=35)
    make_generation(mallory, mallory.personal_team, Status.QUEUED, cost_cents=70)
    make_generation(bob, film, Status.DONE, cost_cents=1000, created_at=timezone.now() - timedelta(days=32))

    assert scrape()["kling_studio_month_cost_cents",] == 105


@pytest.mark.django_db
def test_only_the_longest_queues_are_named(bob: User) -> None:
    for number in range(metrics.MAX_TEAMS + 5):
        team = Team.objects.create(name=f"Team {number}", slug=f"team-{number:02}")
        for _ in range(2 if number == 24 else 1):
            make_generation(bob, team, Status.QUEUED)

    found = {key[1][1]: value for key, value in scrape().items() if key[0] == "kling_studio_team_queued"}

    assert len(found) == metrics.MAX_TEAMS
    assert found["team-24"] == 2


@pytest.mark.django_db
def test_mail_that_could_not_be_sent_is_counted(film: Team, bob: User, settings: Settings) -> None:
    row = make_generation(bob, film, Status.DONE)
    for due, attempts in ((timezone.now(), 2), (None, 1), (timezone.now(), 0)):
        Notification.objects.create(user=bob, kind="order", generation=row, email_due_at=due, email_attempts=attempts)
    assert scrape()["kling_studio_mails_unsent",] == 1

    failed = sample_of("kling_studio_mails_total", ("outcome", "failed"))
    sent = sample_of("kling_studio_mails_total", ("outcome", "sent"))
    context = {"person": bob, "headline": "Your video is ready", "words": "A fox", "made": [row]}
    assert send_email(bob.email, "generations/mail/order", context)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = free_port()
    assert not send_email(bob.email, "generations/mail/order", context)

    assert sample_of("kling_studio_mails_total", ("outcome", "failed")) == failed + 1
    assert sample_of("kling_studio_mails_total", ("outcome", "sent")) == sent + 1


@pytest.mark.django_db
def test_settings_are_told_to_compare_with(settings: Settings) -> None:
    settings.FAL_MAX_RUNNING, settings.PUBLIC_URL = 7, "https://studio.example.com"

    found = scrape()

    assert found["kling_studio_fal_max_running",] == 7
    assert found["kling_studio_webhooks_expected",] == 1


@pytest.mark.django_db
def test_processes_are_not_told_while_redis_is_away(settings: Settings) -> None:
    django_rq.get_connection().flushdb()  # of workers of other tests
    assert scrape()["kling_studio_workers",] == 0
    settings.RQ_QUEUES = {"default": {"URL": f"redis://127.0.0.1:{free_port()}"}}

    found = scrape()

    assert not [key for key in found if key[0] in {"kling_studio_workers", "kling_studio_schedulers"}]
    assert found["kling_studio_collected", ("part", "states")] == 1


@pytest.mark.django_db
def test_counters_are_told_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", refuse)
    found = scrape()

    assert {value for key, value in found.items() if key[0] == "kling_studio_collected"} == {0}
    assert not [key for key in found if key[0] == "kling_studio_generations"]
    assert [key for key in found if key[0] == "kling_studio_http_requests_total"]


@pytest.fixture
def no_sequential_scans(db: None) -> Iterator[None]:
    """The planner reads a table from end to end only where no index can answer."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield


def test_every_question_is_answered_by_an_index(no_sequential_scans: None, film: Team, bob: User) -> None:
    make_generation(bob, film)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        metrics.render()
    questions = [query["sql"] for query in asked if 'FROM "generations_generation"' in query["sql"]]
    assert len(questions) > 8

    for question in questions:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {question}".replace("%", "%%"))
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan on generations_generation" not in plan, f"{question}\n{plan}"


def fal_calls(operation: str) -> float:
    return sample_of("kling_studio_fal_call_duration_seconds_count", ("operation", operation))


@pytest.mark.django_db(transaction=True)
def test_way_of_a_video_is_counted(alice: User, sandbox: Sandbox) -> None:
    sandbox.set_faults("")
    before = {name: fal_calls(name) for name in ("submit", "status", "result")}
    done = sample_of("kling_studio_copy_duration_seconds_count", ("outcome", "done"))
    copied = sample_of("kling_studio_copied_bytes_total", ("outcome", "done"))

    row = drive_to_the_end(make_generation(alice, alice.personal_team))

    assert row.status == Status.DONE
    assert fal_calls("submit") == before["submit"] + 1
    assert fal_calls("status") > before["status"]
    assert fal_calls("result") == before["result"] + 1
    assert sample_of("kling_studio_copy_duration_seconds_count", ("outcome", "done")) == done + 1
    assert sample_of("kling_studio_copied_bytes_total", ("outcome", "done")) == copied + row.video.size


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("faults", "key", "kind"),
    [
        ("submit_503=1,seed=7", "sandbox:sandbox", "Unavailable"),
        ("submit_429=1,seed=7", "sandbox:sandbox", "RateLimited"),
        ("", "somebody:else", "KeyRefused"),
    ],
)
def test_errors_of_fal_are_counted_by_kind(
    alice: User, sandbox: Sandbox, settings: Settings, faults: str, key: str, kind: str
) -> None:
    settings.SANDBOX_KEY = key
    sandbox.set_faults(faults)
    labels = ("kind", kind), ("operation", "submit")
    before = sample_of("kling_studio_fal_errors_total", *labels)
    make_generation(alice, alice.personal_team)

    one_pass()
    sandbox.set_faults("")

    assert sample_of("kling_studio_fal_errors_total", *labels) == before + 1


@pytest.mark.django_db(transaction=True)
def test_what_was_not_sent_is_no_call(alice: User, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "_commit_to_submitting", lambda rows: set())
    before = fal_calls("submit")
    make_generation(alice, alice.personal_team)

    one_pass()

    assert fal_calls("submit") == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "verdict", "status"),
    [
        ({"mac": "0" * 64}, "address", 404),
        ({"length": 2 * 1024**2}, "length", 413),
        ({"timestamp": "0"}, "time", 403),
        ({"user": "somebody"}, "user", 403),
        ({"signature": "no hex"}, "signature", 403),
        ({"signature": "00" * 64}, "signature", 403),
        ({"keys": "dead"}, "keys_unavailable", 503),
    ],
)
def test_webhooks_are_counted_by_verdict(
    film: Team,
    bob: User,
    sandbox: Sandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    verdict: str,
    status: int,
) -> None:
    settings.PUBLIC_URL, settings.FAL_USER_ID = "https://studio.example.com", "sandbox"
    row = make_generation(bob, film, Status.RENDERING)
    if change.get("keys"):
        dead = KeySet(f"http://127.0.0.1:{free_port()}/jwks.json")
        monkeypatch.setattr(views, "_keys", lambda: dead)
    body = json.dumps({"request_id": row.request_id, "status": "OK"})
    headers = {
        "X-Fal-Webhook-Request-Id": row.request_id or "",
        "X-Fal-Webhook-User-Id": change.get("user", "sandbox"),
        "X-Fal-Webhook-Timestamp": change.get("timestamp", f"{time.time():.0f}"),
        "X-Fal-Webhook-Signature": change.get("signature", "00" * 64),
    }
    if "length" in change:
        headers["Content-Length"] = str(change["length"])
    before = sample_of("kling_studio_webhooks_total", ("verdict", verdict))

    answer = Client().post(
        f"/webhooks/fal/{row.pk}/?mac={change.get('mac', mac(row.pk, settings.SECRET_KEY))}",
        body,
        content_type="application/json",
        headers=headers,
    )

    assert answer.status_code == status
    assert sample_of("kling_studio_webhooks_total", ("verdict", verdict)) == before + 1
    assert Generation.objects.get(pk=row.pk).status in AT_FAL
