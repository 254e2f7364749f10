"""The rail and the months: whose they are, how many there are, and where they lead."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Team, User
from generations.models import Collection, Favourite, Generation, Status, Tag
from generations.views import rail
from tests.cast import make_generation, signed_in

pytestmark = pytest.mark.django_db


def items(user: User, address: str = "/") -> dict[str, tuple[str, bool]]:
    """The rail's items by their keys: where each leads, and whether it is where one is."""
    page = signed_in(user).get(address).content.decode()
    found = re.findall(r'<a class="rail__item" href="([^"]*)"\s+(aria-current="page" )?data-count="([^"]*)"', page)
    return {key: (unescape(href), bool(current)) for href, current, key in found}


def counts(user: User) -> dict[str, str]:
    found: dict[str, str] = signed_in(user).get(reverse("gallery-counts")).json()
    return found


@pytest.fixture
def rows(film: Team, bob: User, alice: User) -> list[Generation]:
    """Two of bob's and one of alice's with the tag, of which one is in the collection; a private one of alice's."""
    rows = [make_generation(who, film, Status.DONE) for who in (bob, bob, alice, alice)]
    Generation.objects.filter(pk=rows[3].pk).update(is_private=True)
    Tag.objects.add_to([*rows[:3], rows[3]], "hero")
    Collection.objects.assign(rows[1:2], "Trailer")
    Favourite.objects.mark(bob, [rows[0], rows[2]])
    return rows


def test_numbers_are_what_the_places_show(rows: list[Generation], bob: User, victor: User, mallory: User) -> None:
    tag, collection = f"tag-{Tag.objects.get().pk}", f"collection-{Collection.objects.get().pk}"
    rows[1].move_to_trash(bob)
    found = counts(bob)
    client = signed_in(bob)
    for key, (href, _) in items(bob).items():
        shown = client.get(href).context["generations"]
        assert found[key] == str(len(shown)), (key, href)
    assert {key: found[key] for key in ("yours", "team-film", "favourites", "trash", tag, collection)} == {
        "yours": "1",
        "team-film": "2",
        "favourites": "2",
        "trash": "1",
        tag: "2",
        collection: "0",
    }
    assert counts(victor)[tag] == "2"
    assert not counts(mallory).keys() & {"team-film", tag, collection}


def test_numbers_stop_at_a_limit(rows: list[Generation], bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rail, "COUNT_LIMIT", 2)
    assert (counts(bob)["team-film"], counts(bob)["yours"]) == ("2+", "2")


def test_numbers_take_eight_queries_however_many_names_there_are(rows: list[Generation], film: Team, bob: User) -> None:
    for number in range(20):
        Tag.objects.create(team=film, name=f"tag {number}")
        Collection.objects.create(team=film, name=f"collection {number}")
    client = signed_in(bob)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("gallery-counts"))
    assert len(captured) <= 8


def test_one_place_is_where_one_is(rows: list[Generation], bob: User) -> None:
    for key, (href, _) in items(bob).items():
        if key != "trash":
            assert [name for name, (_, is_current) in items(bob, href).items() if is_current] == [key]


def test_same_name_in_two_teams_says_which(film: Team, bob: User) -> None:
    for team in (film, bob.personal_team):
        Tag.objects.create(team=team, name="hero")
    page = signed_in(bob).get("/").content.decode()

    assert {"hero · Film", f"hero · {bob.personal_team}"} <= set(re.findall(r"<bdi>(.*?)</bdi>", page))
    assert "<bdi>hero</bdi>" in re.sub(" · Film", "", signed_in(bob).get("/?team=film").content.decode())


def test_favourites_are_of_whoever_made_them_also_in_a_search(rows: list[Generation], bob: User) -> None:
    Generation.objects.filter(pk=rows[2].pk).update(prompt="A lighthouse")
    client = signed_in(bob)

    assert set(client.get("/?favourite=on").context["generations"]) == {rows[0], rows[2]}
    assert list(client.get("/?favourite=on&q=lighthouse").context["generations"]) == [rows[2]]
    assert not client.get("/?q=lighthouse").context["generations"]


def months(user: User, query: str = "") -> list[tuple[str, str]]:
    page = signed_in(user).get(f"{reverse('gallery-months')}?{query}").content.decode()
    return [(name, unescape(href)) for href, name in re.findall(r'href="([^"]*)">(\w+)</a>', page)]


MOMENTS = [
    datetime(2026, 11, 24, 12, tzinfo=UTC),
    datetime(2026, 11, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 31, 23, 59, tzinfo=UTC),
    datetime(2026, 3, 5, tzinfo=UTC),
    datetime(2025, 12, 31, tzinfo=UTC),
]


@pytest.mark.parametrize(
    ("order", "firsts"), [("", [0, 2, 3, 4]), ("order=oldest&", [1, 2, 3, 4])], ids=["newest", "oldest"]
)
def test_months_with_videos_lead_to_their_first(film: Team, bob: User, order: str, firsts: list[int]) -> None:
    rows = [make_generation(bob, film, created_at=moment) for moment in MOMENTS]
    links = months(bob, order)
    client = signed_in(bob)

    assert [name for name, _ in links] == ["November", "October", "March", "December"]
    assert [client.get(href).context["generations"][0] for _, href in links] == [rows[at] for at in firsts]


def test_months_are_of_what_the_filters_find_where_the_person_is(film: Team, bob: User, alice: User) -> None:
    for moment in MOMENTS:
        make_generation(bob, film, created_at=moment, prompt="A fox" if moment.month > 10 else "A boat")
    make_generation(alice, film, created_at=datetime(2026, 7, 1, tzinfo=UTC))
    User.objects.filter(pk=bob.pk).update(time_zone="America/New_York")

    assert [name for name, _ in months(bob)] == ["November", "October", "March", "December"]
    assert [name for name, _ in months(bob, "q=fox")] == ["November", "October", "December"]
    assert [name for name, _ in months(bob, "q=zebra")] == []
    assert "June" in dict(months(bob, "team=film"))  # there it is still the last evening of it


def test_months_take_one_query_for_all_of_them(film: Team, bob: User) -> None:
    for moment in MOMENTS:
        make_generation(bob, film, created_at=moment)
    client = signed_in(bob)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("gallery-months"))
    assert len(captured) <= 5


def test_active_filters_are_chips_that_go_one_by_one(rows: list[Generation], bob: User) -> None:
    tag = Tag.objects.get().pk
    query = {"q": "fox", "team": "film", "status": "done", "tag": str(tag), "since": "2026-01-02", "favourite": "on"}
    page = signed_in(bob).get("/", query).content.decode()
    chips = dict(re.findall(r'<a class="chips__one" href="([^"]*)" data-in-place\s+data-name="(\w+)"', page))
    words = re.findall(r'chips__label">([^<]*)</span>\s*<bdi>([^<]*)</bdi>', page)

    assert set(chips.values()) == set(query)
    for href, name in chips.items():
        assert set(re.findall(r"(\w+)=", unescape(href))) == set(query) - {name}
    assert ("Search:", "fox") in words
    assert ("Status:", "Done") in words
    assert ("Tag:", "hero") in words
    assert ("Library:", "Film") in words


@pytest.mark.parametrize(("cookie", "size"), [("", 3), ("1", 1), ("5", 5), ("0", 3), ("6", 3), ("x", 3), ("-1", 3)])
def test_size_of_the_thumbnails_is_remembered(rows: list[Generation], bob: User, cookie: str, size: int) -> None:
    client = signed_in(bob)
    client.cookies["thumbnails"] = cookie
    assert f'class="grid grid--{size}"' in client.get("/").content.decode()


def test_results_alone_for_the_live_search(rows: list[Generation], bob: User) -> None:
    page = signed_in(bob).get("/", {"part": "results", "q": "zebra"}).content.decode()
    assert "No results for “zebra”" in page
    assert "<html" not in page
    assert "rail__item" not in page
