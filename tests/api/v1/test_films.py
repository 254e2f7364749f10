"""Films by the API: the same rules as on the page."""

import uuid
from typing import Any

import pytest

from accounts.models import Team, User
from generations.films import plan
from generations.models import Collection, Film, Generation
from tests.api.conftest import make_key
from tests.api.v1.client import Program
from tests.api.v1.test_generations import pointers, problem
from tests.cast import make_generation
from tests.generations.films.cast import file_of, film_of, join_due, joined, make_clip
from tests.generations.mirror.film import clips

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(bob: User, film: Team) -> list[Generation]:
    return [make_clip(bob, film, clips.clip(seed)) for seed in (1, 2)]


def named(rows: list[Generation], **fields: Any) -> dict[str, Any]:
    return {"generations": [str(row.pk) for row in rows], "name": "Spot"} | fields


def test_film_is_ordered_joined_and_downloaded(
    program: Program, film: Team, rows: list[Generation], settings: Any
) -> None:
    settings.MEDIA_DELIVERY = "proxy"
    project = Collection.objects.create(team=film, name="Snow")
    answer = program.post("/films", named(rows[::-1], collection=project.pk))
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["generations"] == [str(row.pk) for row in rows[::-1]]
    assert (made["status"], made["is_encoded"], made["collection"]["name"]) == ("queued", False, "Snow")
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert program.get(f"{path}/video").status_code == 404
    join_due()
    done = program.get(path).json()
    assert (done["status"], done["width"], done["size"]) == ("done", 160, len(file_of(Film.objects.get())))
    assert b"".join(program.get(f"{path}/video")) == file_of(Film.objects.get())
    assert program.get("/films").json() == {"data": [done], "next": None}


def test_film_is_encoded_where_that_is_asked_for(program: Program, rows: list[Generation]) -> None:
    assert program.post("/films", named(rows, encode=True)).json()["is_encoded"] is True


def test_order_sent_again_makes_no_second_film(program: Program, rows: list[Generation], bob: User, film: Team) -> None:
    key = {"Idempotency-Key": "film-17"}
    first, again = (program.post("/films", named(rows), **key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    project = Collection.objects.create(team=film, name="Snow")
    others: list[dict[str, Any]] = [{"name": "Another"}, {"encode": True}, {"collection": project.pk}]
    for other in (named(rows[:1]), named(rows[::-1]), *(named(rows, **change) for change in others)):
        refused = problem(program.post("/films", other, **key))
        assert (refused["status"], refused["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")
    assert Film.objects.count() == 1
    assert Program(make_key(bob, film)[1]).post("/films", named(rows), **key).json()["id"] != first.json()["id"]


def test_what_is_wrong_is_named(program: Program, bob: User, mallory: User, film: Team, rows: list[Generation]) -> None:
    foreign = make_clip(mallory, mallory.personal_team, clips.clip(1))
    elsewhere = make_clip(bob, bob.personal_team, clips.clip(1))
    for wrong in (foreign, elsewhere, make_generation(bob, film)):
        assert pointers(program.post("/films", named([rows[0], wrong]))) == {"#/generations/1"}
    assert pointers(program.post("/films", named([]))) == {"#/generations"}
    assert pointers(program.post("/films", named(rows[:1] * 201))) == {"#/generations"}
    assert pointers(program.post("/films", named(rows, name="\u200b"))) == {"#/name"}
    theirs = Collection.objects.create(team=mallory.personal_team, name="Hers")
    assert pointers(program.post("/films", named(rows, collection=theirs.pk))) == {"#/collection"}
    assert not Film.objects.exists()


def test_limit_of_open_films(program: Program, rows: list[Generation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_OPEN", 1)
    assert program.post("/films", named(rows)).status_code == 201
    refused = problem(program.post("/films", named(rows)))
    assert (refused["status"], refused["type"].rpartition(":")[2]) == (409, "too-many-films")


def test_who_sees_and_orders(
    viewers: Program, outsiders: Program, owners: Program, bob: User, film: Team, rows: list[Generation]
) -> None:
    shown, secret = joined(bob, film), film_of(bob, [make_clip(bob, film, clips.clip(1), is_private=True)])
    elsewhere = joined(bob, bob.personal_team)
    for program, status in ((viewers, 200), (owners, 200), (outsiders, 404)):
        assert program.get(f"/films/{shown.pk}").status_code == status
        assert {program.get(f"/films/{one.pk}").status_code for one in (secret, elsewhere)} == {404}
    assert viewers.post("/films", named(rows)).status_code == 403
    assert program_with(bob, film, "read").post("/films", named(rows)).status_code == 403
    assert program_with(bob, film, "generate").get(f"/films/{shown.pk}").status_code == 200
    assert program_with(bob, film, "manage").get("/films").status_code == 403
    assert viewers.get(f"/films/{uuid.uuid4()}").status_code == 404


def program_with(user: User, team: Team, scope: str) -> Program:
    return Program(make_key(user, team, scopes=[scope])[1])
