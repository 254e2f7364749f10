"""The gallery: the person's own generations, page after page, none lost and none twice."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Team, User
from accounts.rights import UserQuery
from generations.fal.arguments import Endpoint
from generations.models import Generation, Status
from generations.views import gallery
from tests.cast import make_generation, make_input_picture, make_video, signed_in

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def show_at_most(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a page; the first one's query has been prepared with the usual number."""
    monkeypatch.setattr(gallery, "PAGE_SIZE", number)
    monkeypatch.setattr(gallery, "_NEWEST", UserQuery(gallery._newest_cards))


def walk(client: Client) -> list[list[Generation]]:
    """The pages, as somebody sees them who follows the link to the older ones until there is none."""
    pages, address = [], "/"
    while True:
        answer = client.get(address)
        pages.append(list(answer.context["generations"]))
        link = re.search(r'href="([^"]*before=[^"]*)"', answer.content.decode())
        if not link:
            return pages
        address = "/" + unescape(link[1])


@pytest.mark.parametrize(
    "ages",
    [[1, 2, 3, 4, 5, 6, 7], [1, 1, 1, 1, 1, 1, 1], [1, 2, 2, 2, 2, 3, 4], [1, 1, 2, 2, 2, 3]],
    ids=["apart", "equal", "equal-over-the-edge", "full-pages"],
)
def test_no_row_is_lost_or_doubled_over_the_pages(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch, ages: list[int]
) -> None:
    show_at_most(3, monkeypatch)
    rows = [make_generation(bob, film, created_at=NOON - timedelta(microseconds=age)) for age in ages]
    pages = walk(signed_in(bob))

    newest_first = sorted(rows, key=lambda row: (row.created_at, row.pk), reverse=True)
    assert [row for page in pages for row in page] == newest_first
    assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)
    assert len(pages) == -(-len(rows) // 3)


def test_row_made_meanwhile_does_not_shift_the_next_page(
    film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_at_most(2, monkeypatch)
    old = [make_generation(bob, film, created_at=NOON - timedelta(minutes=age)) for age in range(4)]
    client = signed_in(bob)
    older = client.get("/").context["older"]
    make_generation(bob, film, created_at=NOON + timedelta(minutes=1))

    assert list(client.get("/", {"before": older}).context["generations"]) == old[2:]


@pytest.mark.parametrize(
    "cursor", ["nonsense", "2026-11-24", "2026-11-24T12:00:00+00:00_nonsense", "_", "\0", "9" * 99]
)
def test_cursor_that_is_none_is_not_found(bob: User, cursor: str) -> None:
    assert signed_in(bob).get("/", {"before": cursor}).status_code == 404


def test_gallery_shows_ones_own_work_of_every_state_and_team(film: Team, alice: User, bob: User) -> None:
    own = {make_generation(bob, film, status) for status in Status} | {make_generation(bob, bob.personal_team)}
    make_generation(alice, film)
    answer = signed_in(bob).get("/")

    assert answer.status_code == 200
    assert set(answer.context["generations"]) == own


def test_work_in_a_left_team_is_not_shown(film: Team, bob: User) -> None:
    make_generation(bob, film)
    bob.memberships.filter(team=film).delete()

    assert not signed_in(bob).get("/").context["generations"]


def test_stranger_sees_the_landing_page(film: Team, bob: User, client: Client) -> None:
    make_generation(bob, film, prompt="A secret fox")
    page = client.get("/").content.decode()

    assert "A secret fox" not in page
    assert "/accounts/signup/" in page


@pytest.mark.parametrize("address", ["/", "/generations/{}/", "/generations/{}/card", "/generations/{}/panel"])
def test_words_of_a_person_or_of_fal_are_never_markup(film: Team, bob: User, address: str) -> None:
    evil = "<script>alert(1)</script>"
    row = make_generation(
        bob, film, Status.FAILED, prompt=evil, message=evil, provider_message=evil, negative_prompt=evil
    )
    page = signed_in(bob).get(address.format(row.pk)).content.decode()

    assert "alert(1)" in page
    assert "<script>alert" not in page


def test_queries_do_not_grow_with_the_rows(film: Team, bob: User) -> None:
    client = signed_in(bob)

    def make_rows() -> None:
        make_video(make_generation(bob, film, Status.DONE))
        make_generation(bob, film, Status.FAILED)
        make_input_picture(make_generation(bob, film, Status.RENDERING, endpoint=Endpoint.IMAGE_TO_VIDEO))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get("/")
        return len(captured)

    make_rows()
    queries()  # the first also writes down where the session is used
    few = queries()
    for _ in range(3):
        make_rows()

    assert queries() == few
