"""`manage.py unknown_requests`: what fal has made and no row knows, by fal's own list."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from generations.fal.arguments import Endpoint
from generations.fal.client import FalClient
from generations.fal.errors import KeyRefused
from generations.fal.responses import ListedRequest
from generations.models import Generation, Status
from tests.cast import make_generation

pytestmark = pytest.mark.django_db

SINCE = ("--since", "2026-11-28T00:00Z")
TEXT: dict[str, Any] = {"prompt": "A lost order", "duration": "10", "aspect_ratio": "9:16", "cfg_scale": 0.25}
IMAGE: dict[str, Any] = {"prompt": "A lost order", "duration": "5", "image_url": "https://fal.media/files/x.jpg"}


def listed(pk: str, given: dict[str, Any] | None, status: int = 200) -> ListedRequest:
    now = timezone.now()
    return ListedRequest(pk, Endpoint.TEXT_TO_VIDEO, now, now, now, status, given, None)


@pytest.fixture
def fal_list(monkeypatch: pytest.MonkeyPatch) -> dict[Endpoint, list[ListedRequest]]:
    """What fal tells of each endpoint."""
    lists: dict[Endpoint, list[ListedRequest]] = {}

    def requests(_: FalClient, endpoint: Endpoint, **__: Any) -> Iterator[ListedRequest]:
        yield from lists.get(endpoint, [])

    monkeypatch.setattr(FalClient, "requests", requests)
    return lists


def unknown(*options: str) -> str:
    out = StringIO()
    call_command("unknown_requests", *SINCE, *options, stdout=out)
    return out.getvalue()


def test_each_is_listed_without_its_prompt_and_adopted_once(
    alice: User, fal_list: dict[Endpoint, list[ListedRequest]]
) -> None:
    known = make_generation(alice, alice.personal_team, Status.DONE)
    fal_list[Endpoint.TEXT_TO_VIDEO] = [
        listed("lost-1", TEXT),
        listed("lost-1", TEXT),  # of a second key of the account
        listed(str(known.request_id), TEXT),
        listed("failed-1", TEXT, status=422),
        listed("forgotten-1", None),
        listed("forgotten-2", {"prompt": ""}),
    ]
    fal_list[Endpoint.IMAGE_TO_VIDEO] = [listed("lost-2", IMAGE)]

    told = unknown()
    assert told.count("lost-1") == 1
    assert "A lost order" not in told
    assert "its input is not kept at fal" in told
    assert "4 requests that no row knows, 0 adopted" in told
    assert Generation.objects.count() == 1

    assert "2 adopted" in unknown("--adopt", alice.email.upper())
    assert "2 requests that no row knows, 0 adopted" in unknown("--adopt", alice.email)
    row = Generation.objects.get(request_id="lost-1")
    assert (row.status, row.team, row.user) == (Status.RENDERING, alice.personal_team, alice)
    assert (row.prompt, row.duration, row.aspect_ratio, row.cfg_scale) == ("A lost order", 10, "9:16", 0.25)
    assert (row.cost_cents, row.status_url.endswith("/lost-1/status")) == (70, True)
    assert Generation.objects.get(request_id="lost-2").endpoint == Endpoint.IMAGE_TO_VIDEO


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--adopt", "nobody@example.com"], "no active user"),
        (["--since", "yesterday"], "no moment"),
    ],
)
def test_bad_input(fal_list: dict[Endpoint, list[ListedRequest]], options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        unknown(*options)


def test_list_that_cannot_be_read(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise KeyRefused("The key may not.")

    monkeypatch.setattr(FalClient, "requests", refuse)

    with pytest.raises(CommandError, match=r"can't be read: The key may not\."):
        unknown("--adopt", alice.email)


def test_rows_that_are_searched_for_come_first(alice: User, fal_list: dict[Endpoint, list[ListedRequest]]) -> None:
    make_generation(alice, alice.personal_team, Status.SUBMITTING, reason="restored")

    with pytest.raises(CommandError, match="1 rows are still searched for"):
        unknown()
