"""What holds for every answer: pages, static files, files of people, errors."""

from typing import Any, Final

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import Team, User
from config.middleware import HeadersMiddleware, ThisMachineOnlyMiddleware
from config.server.exceptions import busy
from generations.models import Status
from tests.cast import make_generation, signed_in

NAMES: Final = ("Permissions-Policy", "Cross-Origin-Resource-Policy", "X-Content-Type-Options", "Referrer-Policy")
pytestmark = pytest.mark.django_db


def assert_complete(answer: Any) -> None:
    assert [name for name in NAMES if name not in answer.headers] == []
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize("address", ["/", "/healthz", "/no", "/accounts/login/", "/admin/", "/static/no.css", "/%00"])
def test_answer_has_all_headers(client: Client, address: str) -> None:
    assert_complete(client.get(address))


def test_file_of_a_person_has_all_headers(film: Team, bob: User) -> None:
    made = make_generation(bob, film, Status.DONE)

    for file in ("video", "poster", "download"):
        assert_complete(signed_in(bob).get(f"{made.get_absolute_url()}{file}"))


def test_static_file_has_all_headers(client: Client, settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    answer = Client().get("/static/favicon.svg")

    assert answer.status_code == 200
    assert_complete(answer)


def test_refused_host_has_all_headers(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["studio.example.com"]
    answer = client.get("/", HTTP_HOST="evil.example.org")

    assert answer.status_code == 400
    assert_complete(answer)


def test_error_has_all_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_request", fail)
    answer = Client(raise_request_exception=False).get("/")

    assert answer.status_code == 500
    assert_complete(answer)


def test_what_is_refused_before_a_page_is_asked_has_all_headers(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    given, _ = busy().render("text/html")
    names = {name.decode() for name, _ in given}

    assert {name.lower() for name in NAMES} | {"strict-transport-security", "x-frame-options"} <= names


def test_view_may_let_other_sites_show_what_it_gives() -> None:
    def shared(request: Any) -> HttpResponse:
        return HttpResponse(headers={"Cross-Origin-Resource-Policy": "cross-origin"})

    answer = HeadersMiddleware(shared)(RequestFactory().get("/"))

    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(("seconds", "wanted"), [(31536000, "max-age=31536000"), (0, None)])
def test_https_is_for_good_where_the_site_has_it(settings: Settings, seconds: int, wanted: str | None) -> None:
    """Whatever the proxy in front says, or leaves out."""
    settings.SECURE_HSTS_SECONDS = seconds

    assert Client().get("/healthz").headers.get("Strict-Transport-Security") == wanted


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("127.0.0.9", 200), ("10.0.0.5", 403), ("203.0.113.7", 403), ("", 403)],
)
def test_debug_answers_this_machine_only(settings: Settings, address: str, status: int) -> None:
    settings.DEBUG = True
    only = ThisMachineOnlyMiddleware(lambda request: HttpResponse())

    request = RequestFactory().get("/", REMOTE_ADDR=address, HTTP_HOST="localhost", HTTP_X_FORWARDED_FOR="127.0.0.1")
    assert only(request).status_code == status


def test_production_answers_everybody(settings: Settings) -> None:
    settings.DEBUG = False

    with pytest.raises(MiddlewareNotUsed):
        ThisMachineOnlyMiddleware(lambda request: HttpResponse())
