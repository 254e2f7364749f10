"""Usage by project, client, tag and key; what has none is said, and what was moved stays with its first project."""

import csv
import io
from typing import Any

import pytest

from accounts.models import Team, User
from api.models import ApiRequest, Key, Scope
from generations.billing.usage import Month, usage
from generations.models import Collection, Generation, Status, Tag
from tests.cast import make_generation, signed_in
from tests.html import text_of

_PAGE = "/teams/film/usage"


@pytest.fixture
def rows(film: Team, alice: User, bob: User) -> list[Generation]:
    """Two of bob's in Spring, one of them moved to Autumn; one of alice's in Autumn by a key; one of bob's in none."""
    spring = Collection.objects.create(team=film, name="Spring", client="Acme", cost_centre="K-1")
    autumn = Collection.objects.create(team=film, name="Autumn")
    made = [
        make_generation(user, film, Status.DONE, cost_cents=cents, collection=project, billed_project=project)
        for user, cents, project in ((bob, 35, spring), (bob, 70, spring), (alice, 140, autumn), (bob, 280, None))
    ]
    Collection.objects.move(made[:1], autumn, bob)
    Tag.objects.add_to(made[:2], "Snow")
    Tag.objects.add_to(made[:1], "Fox")
    key = Key(user=alice, team=film, name="Script", scopes=[Scope.GENERATE])
    key.save_with_token()
    ApiRequest.objects.create(generation=made[2], key=key)
    return made


def test_each_part_adds_up_with_what_is_of_none(film: Team, rows: list[Generation]) -> None:
    found = {
        name: [(share.key.label, share.cents) for share in shares]
        for name, shares in usage(film, Month.now()).parts.items()
    }

    assert found == {
        "project": [("Autumn", 140), ("Spring", 105), ("No project", 280)],
        "client": [("Acme", 105), ("No client", 420)],
        "tag": [("Snow", 105), ("Fox", 35)],
        "key": [("Script", 140), ("No key", 385)],
    }


def _query_of(film: Team, part: str, label: str) -> str:
    shares = usage(film, Month.now()).parts[part]
    return f"{part}={next(share.key.key for share in shares if share.key.label == label)}"


def _sheet(user: User, query: str = "") -> list[dict[str, str]]:
    answer: Any = signed_in(user).get(f"{_PAGE}.csv?{query}")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("part", "label", "which"),
    [
        ("project", "Spring", [0, 1]),
        ("project", "No project", [3]),
        ("client", "Acme", [0, 1]),
        ("client", "No client", [2, 3]),
        ("tag", "Fox", [0]),
        ("key", "Script", [2]),
        ("key", "No key", [0, 1, 3]),
    ],
)
def test_page_and_csv_are_narrowed(
    film: Team, alice: User, rows: list[Generation], part: str, label: str, which: list[int]
) -> None:
    query = "key=" if label == "No key" else _query_of(film, part, label)

    assert [line["generation"] for line in _sheet(alice, query)] == [str(rows[number].pk) for number in which]
    answer = signed_in(alice).get(f"{_PAGE}?{query}")
    assert answer.context["usage"].total.cents == sum(rows[number].cost_cents for number in which)
    assert f'<bdi class="chip">{label}</bdi>' in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["project=x", "project=-1", f"tag={10**30}", "key=7", "client=%00", "member=x", f"member={10**30}"]
)
def test_part_that_is_none(film: Team, alice: User, rows: list[Generation], query: str) -> None:
    assert [signed_in(alice).get(f"{page}?{query}").status_code for page in (_PAGE, f"{_PAGE}.csv")] == [404, 404]


def test_member_sees_their_own_of_a_project(film: Team, bob: User, rows: list[Generation]) -> None:
    assert _sheet(bob, _query_of(film, "project", "Autumn")) == []
    assert {line["member"] for line in _sheet(bob)} == {"Bob"}


def test_csv_says_what_it_was_ordered_in_and_where_it_lies_now(alice: User, rows: list[Generation]) -> None:
    first, second, third, last = _sheet(alice)
    names = ("project", "client", "cost_centre", "project_now", "tags", "key")

    assert [first[name] for name in names] == ["Spring", "Acme", "K-1", "Autumn", "Fox, Snow", ""]
    assert first["project_moves"].startswith("Spring → Autumn (")
    assert [second[name] for name in names] == ["Spring", "Acme", "K-1", "Spring", "Snow", ""]
    assert [third[name] for name in names] == ["Autumn", "", "", "Autumn", "", "Script"]
    assert [last[name] for name in names] == [""] * 6


def test_page_shows_the_move(alice: User, rows: list[Generation]) -> None:
    page = text_of(signed_in(alice).get(_PAGE).content.decode())

    assert "Spring → Autumn $0.35" in page
    assert "A video is billed to the project that it was ordered in." in page


def test_who_has_no_projects_sees_no_sections_of_them(film: Team, alice: User) -> None:
    make_generation(alice, film, Status.DONE)

    assert signed_in(alice).get(_PAGE).context["sections"] == []
