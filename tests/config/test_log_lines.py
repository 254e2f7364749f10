"""LOG_FORMAT=json: an object a line, with the ids of request and generation, and without secrets."""

import asyncio
import json
import logging
import threading
import uuid
from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Team, User
from config.logging import (
    GENERATION_ID,
    REQUEST_ID,
    NameGeneration,
    NameRequest,
    RedactSecrets,
    bind_generation,
    bind_request,
    config,
)
from config.server.gateway import Gateway
from generations.models import Generation, Status
from generations.pipeline import download
from generations.views import detail
from tests.cast import make_generation, signed_in
from tests.config.test_server import scope

SECRET = "5up3r-s3cr3t"


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the studio's own handler writes with LOG_FORMAT=json."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    for each in (NameGeneration(), NameRequest(), RedactSecrets()):
        handler.addFilter(each)
    handler.setFormatter(config("INFO", "json")["formatters"]["json"]["()"]())
    loggers = [logging.getLogger(name) for name in ("tests.lines", "config", "django", "generations")]
    for logger in loggers:
        logger.addHandler(handler)
    yield stream
    for logger in loggers:
        logger.removeHandler(handler)


def lines(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_line_has_what_machines_search_by(written: StringIO) -> None:
    with bind_request("r-1"), bind_generation("g-1"):
        logging.getLogger("tests.lines").warning("A fox — %s", "\N{FOX FACE}\nand “more”")

    (line,) = lines(written)

    assert line.pop("time").startswith("20")
    assert line == {
        "level": "WARNING",
        "logger": "tests.lines",
        "message": "A fox — \N{FOX FACE}\nand “more”",
        "request_id": "r-1",
        "generation_id": "g-1",
    }


def test_line_without_ids_names_none(written: StringIO) -> None:
    logging.getLogger("tests.lines").info("up", stack_info=True)

    assert set(lines(written)[0]) == {"time", "level", "logger", "message", "stack"}


@pytest.mark.parametrize(
    ("message", "arguments", "extra"),
    [
        (f"/teams/join/{SECRET}", (), {}),
        ('%s\nand "more"', (f"https://a.example/x?mac={SECRET}&b=1",), {}),
        ("it broke", (), {"url": f"https://s3.example/k?X-Amz-Signature={SECRET}"}),
        ("it broke", (), {"request": SimpleNamespace(path=f"/share/{SECRET}"), "many": [f"/share/{SECRET}"]}),
        ({"at": f"/share/{SECRET}"}, (), {}),
    ],
)
@pytest.mark.parametrize("has_error", [True, False])
def test_no_part_of_a_line_has_a_secret(
    written: StringIO, message: Any, arguments: tuple[str, ...], extra: dict[str, Any], has_error: bool
) -> None:
    error = ValueError(f"no answer from /accounts/password/reset/key/{SECRET}/") if has_error else None
    logging.getLogger("tests.lines").error(message, *arguments, extra=extra, exc_info=error)

    (line,) = lines(written)

    assert SECRET not in written.getvalue()
    assert ("ValueError: no answer" in line.get("exception", "")) is has_error


@pytest.mark.django_db
def test_number_that_django_attaches_is_kept_and_its_request_is_not(written: StringIO, client: Client) -> None:
    answer = client.get("/no-such-page")

    (line,) = lines(written)

    assert (line["status_code"], line["level"]) == (404, "WARNING")
    assert "request" not in line
    assert line["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("proxies", "given", "is_taken"),
    [
        (1, "7f3a9d0c5b1e4e0f", True),
        (1, "Root=1-67891233-abcdef012345678912345678", True),
        (1, "3f2504e0-4f89-11d3-9a0c-0305e82c3301", True),
        (2, "a", True),
        (0, "7f3a9d0c5b1e4e0f", False),
        (1, "", False),
        (1, "a,b", False),
        (1, "a b", False),
        (1, 'a"b', False),
        (1, "a\nb", False),
        (1, "é", False),
        (1, "a" * 129, False),
    ],
)
def test_request_id_is_the_proxys_or_new(
    client: Client, settings: Settings, proxies: int, given: str, is_taken: bool
) -> None:
    settings.TRUSTED_PROXIES = proxies

    own = client.get("/healthz", HTTP_X_REQUEST_ID=given).headers["X-Request-ID"]

    assert (own == given) is is_taken
    assert is_taken or uuid.UUID(own).version == 4


def test_refusal_before_django_has_one_too(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    head = scope(headers=[(b"content-length", b"9999999999"), (b"x-request-id", b"7f3a9d0c")])
    asyncio.run(Gateway(lambda *_: None)(head, receive, send))

    assert sent[0]["status"] == 413
    assert (b"x-request-id", b"7f3a9d0c") in sent[0]["headers"]


class BrokenFile:
    """A response of Django's whose file ends in an error."""

    streaming = True

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        raise OSError("the bucket is gone")

    def close(self) -> None:
        """Nothing is open."""


def test_transfer_that_breaks_names_its_request(written: StringIO) -> None:
    def wsgi(environ: dict[str, Any], start_response: Any) -> BrokenFile:
        environ |= {REQUEST_ID: "r-1", GENERATION_ID: "g-1"}
        start_response("200 OK", [("Content-Length", "1000000")])
        return BrokenFile()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        """To nobody."""

    asyncio.run(Gateway(wsgi)(scope(headers=[(b"content-length", b"0")]), receive, send))

    assert [(line["message"], line["request_id"], line["generation_id"]) for line in lines(written)] == [
        ("A transfer was aborted", "r-1", "g-1")
    ]


def test_each_request_has_another_id(client: Client) -> None:
    assert client.get("/healthz").headers["X-Request-ID"] != client.get("/healthz").headers["X-Request-ID"]


@pytest.mark.django_db
def test_what_a_view_logs_names_request_and_generation(
    written: StringIO, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        logging.getLogger("tests.lines").warning("It breaks")
        raise RuntimeError("broken")

    monkeypatch.setattr(detail, "render", fail)
    made = make_generation(bob, film, Status.DONE)
    browser = signed_in(bob)
    browser.raise_request_exception = False

    answer = browser.get(made.get_absolute_url())
    browser.get("/no-such-page")

    *of_the_page, other = lines(written)
    assert answer.status_code == 500
    assert {line["request_id"] for line in of_the_page} == {answer.headers["X-Request-ID"]}
    assert {line["generation_id"] for line in of_the_page} == {str(made.pk)}
    assert len(of_the_page) == 2
    assert "generation_id" not in other
    assert other["request_id"] != answer.headers["X-Request-ID"]


@pytest.mark.django_db
def test_refusal_behind_the_last_middleware_names_them_too(written: StringIO, mallory: User) -> None:
    unknown = uuid.uuid4()
    answer = signed_in(mallory).get(f"/generations/{unknown}/")

    assert [(line["request_id"], line["generation_id"]) for line in lines(written)] == [
        (answer.headers["X-Request-ID"], str(unknown))
    ]


def test_copy_in_its_thread_names_its_generation(written: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    row, ended = Generation(pk=uuid.uuid4()), threading.Event()

    def log(*args: Any, **kwargs: Any) -> None:
        logging.getLogger("generations").warning("No preview")
        ended.set()

    monkeypatch.setattr(download, "mirror_video", log)
    copy = download._Copy(row)
    with bind_generation(row.pk):
        copy.begin()
    assert ended.wait(60)

    assert [line["generation_id"] for line in lines(written)] == [str(row.pk)]
