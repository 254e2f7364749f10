"""No log has what opens something: tokens in paths, signatures in queries, and where a request came from."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Final

import httpx
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from config.logging import NameGeneration, RedactSecrets, config
from config.redaction import has_secret, redact
from devserver import addresses
from devserver.s3 import free_ports
from devserver.server import wait_until

SECRET: Final = "kXv3-Zq_9tLm2PcWbRy7dHf8"
SECRET_PATHS: Final = [
    f"/teams/join/{SECRET}/",
    f"/teams/approve/{SECRET}:1vAbCd:xyz/",
    f"/accounts/password/reset/key/1-{SECRET}/",
    f"/accounts/confirm-email/MQ:1vAbCd:{SECRET}/",
    f"/share/{SECRET}/video",
]
SECRET_QUERIES: Final = [
    f"/webhooks/fal/6f1c2b1e-0000-4000-8000-000000000000/?mac={SECRET}",
    f"/accounts/oidc/oidc/login/callback/?state=x&code={SECRET}",
    f"https://videos.s3.amazonaws.com/teams/v.mp4?X-Amz-Expires=60&X-Amz-Signature={SECRET}&x=1",
    f"https://queue.fal.run/x?fal_webhook=https%3A%2F%2Fa.example%2Fwebhooks%2Ffal%2F1%2F%3Fmac%3D{SECRET}",
    f"https://a.example/?next=%2Fteams%2Fjoin%2F{SECRET}%2F",
    f"GET /metrics token={SECRET}",
    "Authorization: Key ks_ab12cd34_kXv3Zq9tLm2PcWbRy7dHf8",
    "https://a.example/?next=ks_ab12cd34_kXv3Zq9tLm2PcWbRy7dHf8",
]
_TOKENS: Final = re.compile(r"<(?:str:)?(token|key|uidb36|secret|signature|code)>")


def routes(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).replace("^", "")
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from routes(entry, route)


def test_every_route_with_a_token_is_known() -> None:
    workers = "/admin/django_rq/dashboard/workers/"  # whose keys are their names
    with_token = [route for route in routes(get_resolver()) if _TOKENS.search(route) and workers not in route]

    assert len(with_token) >= 4
    assert [route for route in with_token if not has_secret(route)] == []


@pytest.mark.parametrize("text", [*SECRET_PATHS, *SECRET_QUERIES])
@pytest.mark.parametrize("around", ["Not Found: {}", 'referer="https://a.example{}"', "{}", "for url '{}'"])
def test_secret_is_left_out(text: str, around: str) -> None:
    assert SECRET not in redact(around.format(text))
    assert "…" in redact(around.format(text))


@pytest.mark.parametrize(
    "text",
    [
        "Not Found: /generations/6f1c2b1e-0000-4000-8000-000000000000/video",
        "Not Found: /teams/film/queue",
        'File "/srv/studio/accounts/joining.py", line 40, in join',
        "GET /?q=fox&page=2 200",
        "6f1c2b1e was sent again in 4 s: monkey=1",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redact(text) == text


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the studio's own handler writes, of Django's loggers and of ours."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    for found in (NameGeneration(), RedactSecrets()):
        handler.addFilter(found)
    handler.setFormatter(logging.Formatter(config("INFO")["formatters"]["line"]["format"]))
    loggers = [logging.getLogger(name) for name in ("django", "tests.redaction")]
    for logger in loggers:
        logger.addHandler(handler)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def test_studios_own_handlers_redact() -> None:
    handlers = logging.getLogger().handlers + logging.getLogger("granian.access").handlers

    assert handlers
    ours = [handler for handler in handlers if any(isinstance(one, NameGeneration) for one in handler.filters)]
    assert all(any(isinstance(one, RedactSecrets) for one in handler.filters) for handler in ours)
    assert len(ours) >= 2


@pytest.mark.django_db
@pytest.mark.parametrize("path", SECRET_PATHS)
def test_requests_that_fail_are_logged_without_their_token(written: StringIO, path: str) -> None:
    Client().get(path)
    Client(enforce_csrf_checks=True).post(path, HTTP_REFERER=f"https://evil.example{path}", secure=True)
    Client().put(path)

    assert written.getvalue()
    assert SECRET not in written.getvalue()


def test_traceback_has_no_signature(written: StringIO) -> None:
    request = httpx.Request("GET", SECRET_QUERIES[2])
    try:
        httpx.Response(500, request=request).raise_for_status()
    except httpx.HTTPStatusError:
        logging.getLogger("tests.redaction").exception("It broke at %s", SECRET_PATHS[0])

    assert "HTTPStatusError" in written.getvalue()
    assert SECRET not in written.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("path", SECRET_PATHS)
def test_page_with_a_token_does_not_tell_the_next_request_of_it(path: str) -> None:
    assert Client().get(path).headers["Referrer-Policy"] == "strict-origin"


def test_access_log_of_the_web_server_has_no_token() -> None:
    port = free_ports(1)
    fmt = '%(path)s %(query_string)s "%(header{referer})s"'
    command = ["-m", "granian", "--interface", "asginl", "--port", str(port), "--access-log", "--access-log-fmt", fmt]
    process = subprocess.Popen(
        [sys.executable, *command, "config.asgi:application"],
        cwd=addresses.ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert wait_until(lambda: _asked(port, SECRET_PATHS[0], SECRET_QUERIES[0]), 60)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=30)
    assert "/teams/join/" in output
    assert SECRET not in output


def _asked(port: int, path: str, query: str) -> bool:
    """The last one is another path, so that both before it are written."""
    try:
        for each in (path, query, "/healthz"):
            httpx.get(f"http://127.0.0.1:{port}{each}", headers={"Referer": f"https://a.example{path}"}, timeout=30)
    except httpx.HTTPError:
        return False
    return True
