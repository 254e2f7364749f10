"""`manage.py doctor`: each check against what is really broken; what it says tells what to do."""

import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import StringIO
from pathlib import Path
from typing import Any

import django_rq
import pytest
import rq
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from rq.cron import CronScheduler
from whitenoise.storage import CompressedManifestStaticFilesStorage

from accounts.models import User
from config import safety
from generations import bucket
from generations.doctor import State, addresses, examine, installation, mail, processes, self_test, servers
from generations.doctor.outcome import Outcome
from generations.doctor.self_test import RequestReport
from generations.models import Event, Generation
from tests.browser.tls import make_certificate
from tests.generations.doctor.mail_server import running_mail_server
from tests.generations.doctor.proxy import CLIENT, Headers, adds, renames, replaces, running_proxy
from tests.migration_history import unapplied_migration
from tests.sandbox_process import Sandbox, free_port
from tests.scripted_server import Reply, ScriptedServer, scripted_server


def assert_says(outcome: Outcome, state: State, *words: str) -> None:
    """Whatever is not ok says what to do."""
    told = f"{outcome.message} {outcome.advice}"
    assert outcome.state is state, told
    assert [word for word in words if word not in told] == [], told
    assert bool(outcome.advice) is (state is not State.OK)


def dead(scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{free_port()}"


# --- servers


@pytest.mark.django_db
def test_database_that_is_right() -> None:
    for check in (servers.database, servers.database_rights, servers.migrations):
        assert_says(check(), State.OK)


@pytest.mark.parametrize(
    ("number", "state"), [(90624, State.FAILED), (130014, State.FAILED), (140000, State.OK), (180001, State.OK)]
)
def test_version_of_the_database(number: int, state: State) -> None:
    assert_says(servers.judge_version(number, "its version"), state, "its version")
    if state is State.FAILED:
        assert "PostgreSQL 14 or newer" in servers.judge_version(number, "").advice


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("changes", "words"), [({"PORT": "1"}, "DATABASE_URL"), ({"NAME": "nowhere"}, "nowhere")])
def test_database_that_is_not_there(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], words: str) -> None:
    connection.close()
    for name, value in changes.items():
        monkeypatch.setitem(connection.settings_dict, name, value)

    assert_says(servers.database(), State.FAILED, words, "PostgreSQL 14 or newer")
    connection.close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("grants", "state", "words"),
    [
        ([], State.FAILED, "GRANT SELECT"),
        (["SELECT ON ALL TABLES"], State.FAILED, "accounts_"),
        (["SELECT, INSERT, UPDATE ON ALL TABLES"], State.FAILED, "DELETE ON ALL TABLES"),
        (["SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"], State.WARNING, "manage.py migrate"),
    ],
)
def test_role_that_may_not_do_all(grants: list[str], state: State, words: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE weak; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        for grant in grants:
            cursor.execute(f"GRANT {grant} IN SCHEMA public TO weak")
        cursor.execute("SET LOCAL ROLE weak")

        assert_says(servers.database_rights(), state, words)

        cursor.execute("RESET ROLE")


@pytest.mark.django_db
def test_migration_that_was_not_applied() -> None:
    with unapplied_migration() as name:
        assert_says(servers.migrations(), State.FAILED, name, "manage.py migrate")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [dead("redis"), "redis://no-such-host.invalid:6379", "not-an-address"],
    ids=["nobody listens", "no such host", "no address"],
)
def test_redis_that_does_not_answer(settings: Settings, url: str) -> None:
    assert_says(servers.redis(), State.OK)
    settings.REDIS_URL = url

    assert_says(servers.redis(), State.FAILED, "REDIS_URL")


@pytest.mark.django_db
def test_redis_that_refuses_the_password(settings: Settings) -> None:
    settings.REDIS_URL = settings.REDIS_URL.replace("unix://", "unix://nobody:wrong@")

    assert_says(servers.redis(), State.FAILED, "password into REDIS_URL")


@pytest.mark.django_db
def test_bucket_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_says(servers.bucket(), State.OK, bucket.name())
    monkeypatch.setattr(bucket, "name", lambda: "no-such-bucket")

    assert_says(servers.bucket(), State.FAILED, "There is no bucket no-such-bucket", "AWS_")


@pytest.fixture
def scripted() -> Any:
    with scripted_server() as server:
        yield server


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, {"detail": "Invalid key"}), "set FAL_KEY"),
        (Reply(403, {"detail": "User is locked. Reason: Exhausted balance."}), "Top the balance up"),
        (Reply(502, b"<html>bad gateway</html>"), "Let this machine reach"),
        (None, "Let this machine reach"),
    ],
)
def test_fal_that_refuses(scripted: ScriptedServer, settings: Settings, reply: Reply | None, words: str) -> None:
    settings.FAL_QUEUE_URL = scripted.url if reply else dead()
    scripted.will(reply or Reply())

    assert_says(servers.fal_key(), State.FAILED, words)


@pytest.mark.parametrize(("debug", "state"), [(True, State.OK), (False, State.WARNING)])
def test_fal_that_answers(sandbox: Sandbox, settings: Settings, debug: bool, state: State) -> None:
    settings.DEBUG = debug

    assert_says(servers.fal_key(), state, "sandbox")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [
        (0, State.OK, "Within"),
        (60, State.WARNING, "behind fal"),
        (-60, State.WARNING, "ahead of fal"),
        (3600, State.FAILED, "NTP"),
        (-3600, State.FAILED, "NTP"),
    ],
)
def test_clock_that_is_wrong(
    scripted: ScriptedServer, settings: Settings, ahead: int, state: State, words: str
) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    scripted.will(Reply(raw=f"HTTP/1.1 404 Not Found\r\nDate: {moment}\r\nContent-Length: 0\r\n\r\n".encode()))
    settings.FAL_QUEUE_URL = scripted.url

    assert_says(servers.clock(), state, words)


# --- the studio's own addresses


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "trusted", "state", "words"),
    [
        (None, 0, State.OK, "behind 0 proxies"),
        (None, 1, State.FAILED, "TRUSTED_PROXIES=0"),
        (adds(CLIENT), 1, State.OK, CLIENT),
        (replaces(CLIENT), 1, State.OK, CLIENT),
        (adds(CLIENT, "10.0.0.2"), 2, State.OK, CLIENT),
        (adds(CLIENT), 0, State.FAILED, "TRUSTED_PROXIES=1"),
        (adds(CLIENT), 2, State.FAILED, "visitors can claim any address"),
        (adds(CLIENT, "10.0.0.2"), 1, State.FAILED, "TRUSTED_PROXIES=2"),
        (replaces(CLIENT), 0, State.FAILED, "TRUSTED_PROXIES=1"),
        (dict, 1, State.FAILED, "docs/nginx.conf"),  # adds nothing
        (renames("127.0.0.1:8000"), 1, State.FAILED, "proxy_set_header Host"),
        (renames("elsewhere.example.com"), 1, State.FAILED, "ALLOWED_HOSTS"),
    ],
)
def test_site_behind_a_proxy(
    live_server: LiveServer,
    settings: Settings,
    change: Callable[[Headers], Headers] | None,
    trusted: int,
    state: State,
    words: str,
) -> None:
    settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    with running_proxy(live_server.url, change or dict) as proxy:
        settings.SITE_URL = proxy.url if change else live_server.url

        assert_says(addresses.site(), state, words)


@pytest.mark.parametrize(
    ("report", "state", "words"),
    [
        ({"is_secure": False}, State.FAILED, "X-Forwarded-Proto"),
        ({"host": "127.0.0.1:8000"}, State.FAILED, "proxy_set_header Host"),
        ({}, State.OK, CLIENT),
    ],
)
def test_request_by_https(report: dict[str, Any], state: State, words: str) -> None:
    seen: dict[str, Any] = {
        "nonce": "",
        "host": "studio.example.com",
        "is_secure": True,
        "client": CLIENT,
        "forwarded": [CLIENT],
    }

    assert_says(addresses.judge(RequestReport(**(seen | report)), "https://studio.example.com", 1), state, words)


ELSEWHERE = [
    (Reply(301, headers={"Location": "https://www.example.com/"}), "redirects to https://www.example.com/"),
    (Reply(400), "ALLOWED_HOSTS"),
    (Reply(401), "asks for a password"),
    (Reply(404, b"no such page"), "another SECRET_KEY"),
    (Reply(502, b"bad gateway"), "python -m config.web"),
    (None, "Point its name to the proxy"),
]


@pytest.mark.parametrize(
    ("reply", "words"), [*ELSEWHERE, (Reply(200, b"<html>Welcome</html>"), "not this installation")]
)
def test_site_that_is_not_ours(scripted: ScriptedServer, settings: Settings, reply: Reply | None, words: str) -> None:
    settings.SITE_URL = scripted.url if reply else dead()
    scripted.will(reply or Reply())

    assert_says(addresses.site(), State.FAILED, words, "SITE_URL" if words != "not this installation" else words)


@pytest.mark.parametrize(("check", "name"), [(addresses.site, "SITE_URL"), (addresses.webhook, "PUBLIC_URL")])
def test_certificate_that_nobody_trusts(
    settings: Settings, tmp_path: Path, check: Callable[[], Outcome], name: str
) -> None:
    own = make_certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own.certificate, own.key)
    with scripted_server(lambda plain: tls.wrap_socket(plain, server_side=True)) as server:
        setattr(settings, name, f"https://localhost:{server.server_port}")

        assert_says(check(), State.FAILED, name, "Renew the certificate")


def test_answer_of_another_key_or_another_question_is_not_believed(settings: Settings) -> None:
    report = RequestReport("nonce", "host", True, "client", [])
    sealed = self_test.seal(report)
    assert self_test.unseal(sealed) == report

    settings.SECRET_KEY = "another" * 10
    assert self_test.unseal(sealed) is None
    assert self_test.unseal("") is None


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "nonce:1:2", None])
def test_only_who_has_the_key_is_told_how_a_request_looks(
    client: Client, settings: Settings, token: str | None
) -> None:
    good = self_test.token_of("nonce")
    assert client.get("/healthz/request", {"token": good}).status_code == 200

    if token is None:
        token, settings.SECRET_KEY = good, "another" * 10
    assert client.get("/healthz/request", {"token": token}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_webhook_that_arrives_changes_nothing(live_server: LiveServer, settings: Settings, sandbox: Sandbox) -> None:
    settings.PUBLIC_URL = live_server.url

    assert_says(addresses.webhook(), State.OK, "Reaches this installation")

    assert not Generation.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_webhook_at_an_installation_with_another_key(
    live_server: LiveServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr(
        "generations.doctor.addresses.webhooks.webhook_url", lambda base, pk, _: f"{base}/webhooks/fal/{pk}/?mac=0"
    )

    assert_says(addresses.webhook(), State.FAILED, "404", "another SECRET_KEY")


@pytest.mark.parametrize(
    ("reply", "words"),
    [*ELSEWHERE, (Reply(403, b"Forbidden by the firewall"), "a firewall"), (Reply(413), "client_max_body_size")],
)
def test_webhook_that_does_not_arrive(
    scripted: ScriptedServer, settings: Settings, reply: Reply | None, words: str
) -> None:
    settings.PUBLIC_URL = scripted.url if reply else dead()
    scripted.will(reply or Reply())

    assert_says(addresses.webhook(), State.FAILED, words)


def test_address_that_only_this_network_reaches(scripted: ScriptedServer, settings: Settings) -> None:
    settings.PUBLIC_URL, settings.FAL_QUEUE_URL = scripted.url, "https://queue.fal.run"
    scripted.will(Reply(403, b"Not believed: its time is missing.\n"))

    assert_says(addresses.webhook(), State.WARNING, "127.0.0.1", "FAL_WEBHOOKS=off")


@pytest.mark.parametrize(
    ("debug", "wanted", "state"), [(True, True, State.OK), (False, False, State.OK), (False, True, State.WARNING)]
)
def test_studio_without_webhooks(settings: Settings, debug: bool, wanted: bool, state: State) -> None:
    settings.PUBLIC_URL, settings.DEBUG, settings.FAL_WEBHOOKS = "", debug, wanted

    assert_says(addresses.webhook(), state, "ask")


# --- mail


@pytest.fixture
def smtp(settings: Settings) -> Settings:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    return settings


@pytest.mark.parametrize("mail_to", ["", "somebody@example.com"])
def test_mail_server_that_takes_mails(smtp: Settings, mail_to: str) -> None:
    with running_mail_server() as server:
        smtp.EMAIL_PORT = server.port

        assert_says(mail.check(mail_to), State.OK, mail_to or "--mail-to")

        assert len(server.mails) == bool(mail_to)
        assert all("test mail of `manage.py doctor`" in sent for sent in server.mails)


@pytest.mark.parametrize(
    ("user", "mail_to", "replies", "words"),
    [
        ("me", "", {"AUTH": "535 Wrong password"}, "password into EMAIL_URL"),
        ("", "", {"HELLO": "554 Not you"}, "EMAIL_URL"),
        ("", "a@example.com", {"MAIL": "550 Not from there"}, "DEFAULT_FROM_EMAIL"),
        ("", "a@example.com", {"RCPT": "550 Nobody here"}, "Nobody here"),
        ("", "a@example.com", {"DATA": "554 It is spam"}, "It is spam"),
    ],
)
def test_mail_server_that_refuses(smtp: Settings, user: str, mail_to: str, replies: dict[str, str], words: str) -> None:
    with running_mail_server(**replies) as server:
        smtp.EMAIL_PORT, smtp.EMAIL_HOST_USER, smtp.EMAIL_HOST_PASSWORD = server.port, user, user

        assert_says(mail.check(mail_to), State.FAILED, words)


def test_mail_server_that_is_not_there(smtp: Settings) -> None:
    smtp.EMAIL_PORT = free_port()

    assert_says(mail.check(""), State.FAILED, "ConnectionRefusedError", "EMAIL_URL")


def test_mails_that_go_nowhere(settings: Settings) -> None:
    assert_says(mail.check("somebody@example.com"), State.WARNING, "EMAIL_URL")


# --- processes and this machine


@pytest.mark.django_db
def test_processes_that_are_alive_and_that_are_not(settings: Settings) -> None:
    django_rq.get_connection().flushdb()  # of workers of other tests
    assert_says(processes.worker(), State.FAILED, "manage.py rqworker default")
    assert_says(processes.cron(), State.FAILED, "manage.py rqcron generations.cron")

    redis = django_rq.get_connection()
    worker = rq.SimpleWorker(["default"], connection=redis)
    cron = CronScheduler(connection=redis)
    worker.register_birth()  # type: ignore[no-untyped-call]
    cron.register_birth()
    try:
        assert_says(processes.worker(), State.OK, "1 alive")
        assert_says(processes.cron(), State.OK, "1 alive")
        redis.delete(worker.key)  # as its time runs out after a SIGKILL; its name stays in the list
        assert_says(processes.worker(), State.FAILED, "manage.py rqworker default")
    finally:
        worker.register_death()  # type: ignore[no-untyped-call]
        cron.register_death()

    settings.RQ_QUEUES = {"default": {"URL": dead("redis")}}
    for check in (processes.worker, processes.cron):
        assert_says(check(), State.FAILED, "First put Redis right")


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (0, State.FAILED),
        (installation.FULL - 1, State.FAILED),
        (installation.FULL, State.WARNING),
        (installation.LOW, State.OK),
    ],
)
def test_room_on_the_disk(free: int, state: State) -> None:
    assert_says(installation.judge_room("/tmp", free), state, "/tmp")


def test_static_files_that_were_not_collected(settings: Settings, tmp_path: Path) -> None:
    assert_says(
        installation.judge_collected(CompressedManifestStaticFilesStorage(tmp_path)), State.FAILED, "collectstatic"
    )

    sources = {path: path for path in installation._sources()}
    manifest = {"version": "1.1", "paths": sources, "hash": ""}
    (tmp_path / "staticfiles.json").write_text(json.dumps(manifest))
    assert_says(installation.judge_collected(CompressedManifestStaticFilesStorage(tmp_path)), State.OK)

    gone = sources.popitem()[0]
    (tmp_path / "staticfiles.json").write_text(json.dumps(manifest))
    found = installation.judge_collected(CompressedManifestStaticFilesStorage(tmp_path))
    assert_says(found, State.FAILED, gone, "collectstatic")


@pytest.mark.parametrize(
    ("debug", "key", "state", "words"),
    [
        (True, "x", State.WARNING, "DEBUG=false"),
        (False, safety.DEVELOPMENT_KEY, State.FAILED, "secrets.token_urlsafe"),
        (False, "short", State.FAILED, "secrets.token_urlsafe"),
        (False, "aB3-" * 20, State.FAILED, "can be guessed"),
        (False, "a long key, of 50 characters and more, that nobody guesses", State.OK, "DEBUG is off"),
    ],
)
def test_key_and_debug(debug: bool, key: str, state: State, words: str) -> None:
    assert_says(installation.safety_of(debug, key), state, words)


def test_setting_that_djangos_checks_refuse(settings: Settings) -> None:
    settings.MIDDLEWARE = []

    assert_says(installation.safety_check(), State.FAILED, "admin.E408")


@pytest.mark.django_db
def test_studio_without_an_admin() -> None:
    assert_says(installation.administrator(), State.WARNING, "createsuperuser")

    User.objects.create_superuser("root@example.com", "password")

    assert_says(installation.administrator(), State.OK)


# --- all together

CHECKS = (
    *("database", "rights", "migrations", "admin", "redis", "bucket", "fal", "clock"),
    *("site", "webhook", "worker", "cron", "disk", "static", "safety", "mail"),
)


def run(*arguments: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("doctor", *arguments, stdout=output)
    except SystemExit as ended:
        return int(str(ended.code)), output.getvalue()
    return 0, output.getvalue()


@pytest.fixture
def healthy(live_server: LiveServer, sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all that can be started in a test is there."""
    settings.SITE_URL = live_server.url
    for check in ("worker", "cron"):
        monkeypatch.setattr(f"generations.tasks.{'workers' if check == 'worker' else 'schedulers'}", lambda: 1)


@pytest.mark.django_db(transaction=True)
def test_one_line_a_check_and_no_failure(healthy: None) -> None:
    code, output = run()

    lines = output.splitlines()
    assert code == 0, output
    assert tuple(line.split()[0] for line in lines) == CHECKS
    assert {line.split()[1] for line in lines} == {"ok", "warning"}
    assert [" → " in line for line in lines] == [line.split()[1] == "warning" for line in lines], (
        "what to do stands apart"
    )


@pytest.mark.django_db(transaction=True)
def test_failure_ends_with_one_and_the_rest_is_still_looked_at(healthy: None, settings: Settings) -> None:
    settings.REDIS_URL = dead("redis")

    code, output = run("--json")

    said = json.loads(output)
    failed = [each for each in said["checks"] if each["state"] == "failed"]
    assert (code, said["ok"]) == (1, False)
    assert [each["name"] for each in failed] == ["redis"]
    assert "REDIS_URL" in failed[0]["advice"]
    assert tuple(each["name"] for each in said["checks"]) == CHECKS


@pytest.mark.django_db(transaction=True)
def test_without_the_database_all_else_is_looked_at(healthy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", "nowhere")

    found = {finding.name: finding for finding in examine()}

    connection.close()
    assert found["database"].state is State.FAILED
    assert all("First put the database right" in found[name].advice for name in ("rights", "migrations", "admin"))
    assert found["redis"].state is State.OK


def test_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Outcome:
        raise RuntimeError("it broke")

    monkeypatch.setattr("generations.doctor._OF_ROWS", {})
    monkeypatch.setattr("generations.doctor._OTHERS", {"disk": broken})
    monkeypatch.setattr(servers, "database", broken)

    assert [finding.message for finding in examine()][:2] == ["RuntimeError: it broke"] * 2
