"""Batches, budget and usage, teams, tags, collections, presets, comments, verdicts, shares and events."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, Team, User
from api import horizon
from api.models import ApiRequest, Key
from api.v1 import events
from generations.models import Collection, Event, Generation, Preset, Status, Tag, TeamPause
from sharing.models import Comment, ShareLink, SharingPolicy, TeamSharing
from sharing.review import Reviewer, add_comment, give_verdict
from tests.api.conftest import make_key
from tests.api.v1.client import Program
from tests.api.v1.test_generations import FOX, ids, pointers, problem
from tests.cast import make_generation, make_video


@pytest.fixture
def row(bob: User, film: Team) -> Generation:
    """A finished video of bob's, a quarter of a second long."""
    made = make_generation(bob, film, Status.DONE)
    make_video(made)
    return made


def test_batch_is_all_or_nothing_and_priced_first(program: Program, bob: User, film: Team) -> None:
    Membership.objects.filter(user=bob, team=film).update(monthly_limit_cents=105)
    body = {"requests": [FOX, FOX | {"duration": 10, "prompt": "Another"}]}
    quote = program.post("/batches/quote", body).json()
    assert quote["cost"] == {"cents": 105, "currency": "USD"}
    assert [one["cents"] for one in quote["each"]] == [35, 70]
    assert (quote["left"]["cents"], quote["is_affordable"]) == (105, True)
    assert not Generation.objects.exists()
    key = {"Idempotency-Key": "b"}
    first, again = (program.post("/batches", body, **key) for _ in range(2))
    assert first.status_code == 201, first.content
    assert first.json() == again.json() == program.get(first.headers["Location"].removeprefix("/api/v1")).json()
    assert [one["duration"] for one in first.json()["generations"]] == [5, 10]
    assert first.json()["cost"]["cents"] == 105
    assert program.post("/batches/quote", {"requests": [FOX]}).json()["is_affordable"] is False
    assert problem(program.post("/batches", {"requests": [FOX]}))["type"].endswith("over-budget")
    assert Generation.objects.count() == 2


def test_batch_names_the_request_that_is_wrong(program: Program) -> None:
    body = {"requests": [FOX, {"prompt": " "}, FOX | {"duration": 6}, FOX | {"remix_of": str(uuid.uuid4())}]}
    assert pointers(program.post("/batches", body)) == {"#/requests/2/duration"}
    del body["requests"][2]
    assert pointers(program.post("/batches", body)) == {"#/requests/1/prompt"}
    del body["requests"][1]
    assert pointers(program.post("/batches", body)) == {"#/requests/1/remix_of"}
    assert pointers(program.post("/batches", {"requests": []})) == {"#/requests"}
    assert pointers(program.post("/batches", {"requests": [FOX] * 51})) == {"#/requests"}


def test_batch_of_one_is_found_by_its_generation(program: Program, outsiders: Program) -> None:
    answer = program.post("/batches", {"requests": [FOX]})
    assert program.get(f"/batches/{answer.json()['id']}").json() == answer.json()
    assert outsiders.get(f"/batches/{answer.json()['id']}").status_code == 404


def test_budget_is_the_least_that_any_limit_leaves(program: Program, alice: User, film: Team) -> None:
    assert program.get("/budget").json()["left"] is None
    Team.objects.filter(pk=film.pk).update(monthly_limit_cents=1000)
    Key.objects.update(monthly_limit_cents=500)
    program.post("/generations", FOX)
    make_generation(alice, film)
    found = program.get("/budget").json()
    assert found["left"] == {"cents": 465, "currency": "USD"}
    assert [(one["owner"], one["left"]["cents"]) for one in found["limits"]] == [("team", 930), ("key", 465)]
    TeamPause.objects.create(team=film, began_by=alice)
    assert "paused" in program.get("/budget").json()["paused"]
    assert {one["price"]["cents"] for one in program.get("/prices").json()["data"]} == {35, 70, 21, 42}


def test_usage_is_the_pages(program: Program, owners: Program, alice: User, bob: User, film: Team) -> None:
    make_generation(bob, film, Status.DONE, cost_cents=70, duration=10)
    make_generation(alice, film, cost_cents=35)
    made = program.post("/generations", FOX).json()["id"]
    found = owners.get("/usage").json()
    assert found["of"] == "team"
    assert (found["total"]["spent"]["cents"], found["total"]["reserved"]["cents"]) == (70, 70)
    assert sum(day["requests"] for day in found["days"]) == 3
    assert {one["member"]["name"]: one["requests"] for one in found["members"]} == {"Bob": 2, "Alice": 1}
    assert {(one["kind"], one["duration"]): one["requests"] for one in found["kinds"]} == {
        ("text", 10): 1,
        ("text", 5): 2,
    }
    own = program.get("/usage").json()
    assert (own["of"], own["total"]["requests"]) == ("member", 2)
    assert owners.get(f"/usage?member={bob.pk}").json()["total"] == own["total"]
    assert program.get(f"/usage?member={alice.pk}").status_code == 403
    key = ApiRequest.objects.get(pk=made).key_id
    assert program.get(f"/usage?key={key}").json()["total"]["requests"] == 1
    others = make_key(alice, film)[0]
    assert owners.get(f"/usage?key={others.pk}").json()["total"]["requests"] == 0
    assert program.get(f"/usage?key={others.pk}").status_code == 404
    assert owners.get("/usage?month=2020-01").json()["total"]["requests"] == 0
    for month in ("2026-13", "x", "0001-01", "9999-12"):
        assert pointers(owners.get(f"/usage?month={month}")) == {"month"}
    assert owners.get("/usage?member=999999").status_code == 404


def test_team_is_the_keys_own(program: Program, outsiders: Program, film: Team) -> None:
    (found,) = program.get("/teams").json()["data"]
    assert (found["slug"], found["role"], found["key"]["scopes"]) == ("film", "member", ["read", "generate", "manage"])
    assert program.get("/teams/film").json() == found
    assert {one["name"]: one["role"] for one in program.get("/teams/film/members").json()["data"]} == {"Bob": "member"}
    for path in ("/teams/film", "/teams/film/members"):
        assert outsiders.get(path).status_code == 404


@pytest.mark.parametrize(("path", "model"), [("/tags", Tag), ("/collections", Collection)])
def test_names_are_made_once_renamed_and_deleted(program: Program, film: Team, path: str, model: Any) -> None:
    other = model.objects.create(team=Team.objects.create(name="Other", slug="other"), name="Theirs")
    first, again = program.post(path, {"name": "Snow"}), program.post(path, {"name": "snow"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    own = f"{path}/{first.json()['id']}"
    program.post(path, {"name": "Ice"})
    assert [one["name"] for one in program.get(path).json()["data"]] == ["Snow", "Ice"]
    assert problem(program.patch(own, {"name": "ICE"}))["status"] == 409
    assert program.patch(own, {"name": "Fog"}).json()["name"] == "Fog"
    assert program.patch(own, {"name": "Rain"}, **{"If-Match": '"x"'}).status_code == 412
    assert pointers(program.post(path, {"name": "\u2800"})) == {"#/name"}
    assert pointers(program.post(path, {"name": "x" * 61})) == {"#/name"}
    for method in ("GET", "DELETE"):
        assert program.ask(method, f"{path}/{other.pk}").status_code == 404
    assert program.delete(own).status_code == 204
    assert program.get(own).status_code == 404


def test_presets_are_the_persons_own(program: Program, outsiders: Program, bob: User) -> None:
    body = {"name": "Snow", "prompt": "A fox", "duration": 10}
    made = program.post("/presets", body)
    assert made.status_code == 201
    assert Preset.objects.get().values == {"kind": "text", "prompt": "A fox", "duration": "10"}
    program.post("/presets", body | {"name": "SNOW", "prompt": "Two"})
    (found,) = program.get("/presets").json()["data"]
    assert (found["name"], found["values"]["prompt"]) == ("SNOW", "Two")
    own = f"/presets/{found['id']}"
    assert outsiders.get(own).status_code == outsiders.delete(own).status_code == 404
    Preset.objects.bulk_create(Preset(user=bob, name=f"{number}") for number in range(49))
    assert problem(program.post("/presets", {"name": "One more"}))["status"] == 409
    assert program.delete(own).status_code == 204


def test_comments_are_said_answered_and_resolved(program: Program, owners: Program, row: Generation) -> None:
    path = f"/generations/{row.pk}/comments"
    body = {"text": "Redder", "start": 0.1, "end": 0.2, "x": 0.25, "y": 0.5, "width": 0.5, "height": 0.5}
    made = program.post(path, body)
    assert made.status_code == 201, made.content
    found = made.json()
    assert {name: found[name] for name in body} == body
    assert found["author"]["name"] == "Bob"
    reply = owners.post(path, {"text": "Yes", "reply_to": found["id"]}).json()
    assert reply["reply_to"] == found["id"]
    assert ids(program.get(path)) == [found["id"], reply["id"]]
    assert ids(program.get(f"{path}?limit=1&cursor={program.get(path + '?limit=1').json()['next']}")) == [reply["id"]]
    own = f"/comments/{found['id']}"
    assert owners.post(f"{own}/resolve").json()["resolved_by"]["name"] == "Alice"
    assert owners.post(f"{own}/reopen").json()["resolved_at"] is None
    assert program.patch(own, {"text": "Bluer"}).json()["edited_at"]
    assert owners.patch(own, {"text": "Mine"}).status_code == 403
    assert owners.delete(own).status_code == 204
    assert program.get(own).status_code == 404


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"text": " "}, {"#/text"}),
        ({"text": "a\0"}, {"#/text"}),
        ({"text": "x", "start": 9}, {"#/start"}),
        ({"text": "x", "end": 0.1}, {"#/start"}),
        ({"text": "x", "x": 0.1}, {"#/y"}),
        ({"text": "x", "x": 0.9, "y": 0.9, "width": 0.5, "height": 0.5}, {"#/width"}),
        ({"text": "x", "reply_to": str(uuid.uuid4())}, {"#/reply_to"}),
        ({"text": "x", "start": 1e308}, {"#/start"}),
    ],
)
def test_comment_that_is_not_valid_is_told(
    program: Program, row: Generation, body: dict[str, Any], wrong: set[str]
) -> None:
    assert pointers(program.post(f"/generations/{row.pk}/comments", body)) == wrong


def test_verdict_takes_the_place_of_the_one_before(program: Program, viewers: Program, row: Generation) -> None:
    path = f"/generations/{row.pk}"
    assert program.put(f"{path}/verdict", {"kind": "approved"}).json()["kind"] == "approved"
    assert viewers.put(f"{path}/verdict", {"kind": "changes_wanted", "note": "No"}).status_code == 200
    program.put(f"{path}/verdict", {"kind": "approved", "note": "Still"})
    found = viewers.get(f"{path}/verdicts").json()
    assert found["status"] == "changes_wanted"
    assert {one["author"]["name"]: one["note"] for one in found["data"]} == {"Bob": "Still", "Victor": "No"}


def test_share_is_made_changed_renewed_and_revoked(program: Program, row: Generation) -> None:
    made = program.post("/shares", {"name": "Teaser", "generations": [str(row.pk)], "password": "secret"})
    assert made.status_code == 201, made.content
    found = made.json()
    assert (found["state"], found["has_password"], found["views"]) == ("working", True, 0)
    assert Client().get(found["url"]).status_code == 403  # it asks for the password
    own = f"/shares/{found['id']}"
    assert program.get(own).json() == found | {"url": None}
    etag = program.get(own).headers["ETag"]
    edited = program.patch(own, {"password": "", "max_views": 3}, **{"If-Match": etag}).json()
    assert (edited["has_password"], edited["max_views"], edited["expires_at"]) == (False, 3, found["expires_at"])
    assert program.patch(own, {"name": "Other"}, **{"If-Match": etag}).status_code == 412
    assert pointers(program.patch(own, {"days": 500})) == {"#/days"}
    assert program.patch(own, {"max_views": None}).json()["max_views"] is None
    renewed = program.post(f"{own}/renew").json()["url"]
    assert Client().get(found["url"]).status_code == 404
    assert Client().get(renewed).status_code == 200
    assert program.post(f"{own}/revoke").json()["state"] == "revoked"
    assert Client().get(renewed).status_code == 410
    assert problem(program.post(f"{own}/renew"))["status"] == 409
    assert ids(program.get("/shares")) == [found["id"]]


def test_share_shows_what_may_be_shared(
    program: Program, outsiders: Program, viewers: Program, bob: User, film: Team, row: Generation
) -> None:
    body = {"name": "x", "generations": [str(row.pk)]}
    unfinished = make_generation(bob, film)
    assert pointers(program.post("/shares", body | {"generations": [str(row.pk), str(unfinished.pk)]})) == {
        "#/generations/1"
    }
    assert pointers(outsiders.post("/shares", body)) == {"#/generations/0"}
    assert viewers.post("/shares", body).status_code == 403
    collection = Collection.objects.create(team=film, name="Foxes")
    assert pointers(program.post("/shares", body | {"collection": collection.pk})) == {"#/generations"}
    assert program.post("/shares", {"name": "x", "collection": collection.pk}).json()["collection"]["name"] == "Foxes"
    assert pointers(outsiders.post("/shares", {"name": "x", "collection": collection.pk})) == {"#/collection"}
    assert pointers(program.post("/shares", body | {"password": "x"})) == {"#/password"}
    made = program.post("/shares", body).json()["id"]
    assert outsiders.get(f"/shares/{made}").status_code == outsiders.post(f"/shares/{made}/revoke").status_code == 404
    Generation.objects.filter(pk=row.pk).update(is_private=True)
    assert problem(program.post("/shares", body))["type"].endswith("not-shareable")
    TeamSharing.objects.update_or_create(team=film, defaults={"policy": SharingPolicy.APPROVAL})
    Generation.objects.filter(pk=row.pk).update(is_private=False)
    assert program.post("/shares", body).json()["state"] == "pending"


def test_shares_of_other_teams_of_the_person_are_not_there(program: Program, bob: User) -> None:
    own = Team.objects.get(personal_of=bob)
    link = ShareLink.objects.create(
        team=own, made_by=bob, name="x", token_hash="x", expires_at=timezone.now() + timedelta(days=1)
    )
    assert ids(program.get("/shares")) == []
    assert program.get(f"/shares/{link.pk}").status_code == 404


def test_feed_tells_each_thing_once(
    program: Program, outsiders: Program, bob: User, row: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction, as the tests are, all events have one moment: the cursor has to tell them apart."""
    monkeypatch.setattr(events, "horizon", timezone.now)
    root = add_comment(row, Reviewer(bob), {"text": "Redder"}, None)
    Comment.objects.filter(pk=root.pk).update(created_at=Event.objects.get().at)
    Event.objects.bulk_create(Event(generation=row, status=Status.DONE, by=bob, message=str(n)) for n in range(100))
    give_verdict(row, Reviewer(bob), "approved", "Fine")
    found, cursor, more = [], "", True
    while more:
        answer = program.get(f"/events?limit=20&cursor={cursor}").json()
        found += answer["data"]
        cursor, more = answer["next"], answer["has_more"]
    assert len(found) == len({one["id"] for one in found}) == 103
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    assert {one["kind"] for one in found} == {"status", "comment", "verdict"}
    assert program.get(f"/events?cursor={cursor}").json()["data"] == []
    add_comment(row, Reviewer(bob), {"text": "New"}, None)
    assert [one["text"] for one in program.get(f"/events?cursor={cursor}").json()["data"]] == ["New"]
    assert outsiders.get("/events").json()["data"] == []
    later = (timezone.now() + timedelta(days=1)).isoformat().replace("+", "%2B")
    assert program.get(f"/events?since={later}").json()["data"] == []


@pytest.mark.django_db(transaction=True)
def test_horizon_waits_for_whoever_is_still_writing(settings: Settings) -> None:
    import psycopg  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    before = horizon.horizon()
    values = connection.get_connection_params()
    names = {"dbname", "user", "password", "host", "port"}
    with psycopg.connect(**{name: value for name, value in values.items() if name in names}) as other:
        other.execute("SELECT 1")
        first, second = horizon.horizon(), horizon.horizon()
    assert before < first == second
    assert horizon.horizon() > second


@pytest.mark.parametrize(
    "cursor", ["x", "WzFd", "WyIyMDI2LTExLTI4VDAwOjAwOjAwKzAwOjAwIiwgImV2ZW50IiwgIngiXQ", "WyIyMDI2LTExLTI4IiwiIiwiIl0"]
)
def test_feed_refuses_cursors_that_it_never_gave(program: Program, cursor: str) -> None:
    assert pointers(program.get(f"/events?cursor={cursor}")) == {"cursor"}
