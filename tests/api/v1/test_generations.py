"""Generations: lists with the gallery's filters, orders with all that holds for the form, edits, the trash."""

import uuid
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, Team, User
from api.models import ApiRequest, Key
from generations.fal.arguments import Endpoint
from generations.models import Collection, EndpointSwitch, Favourite, Generation, PromptRule, Status, Tag, TeamPause
from tests.api.v1.client import Program
from tests.cast import make_generation, make_video, picture

FOX = {"prompt": "A fox in the snow"}
PIXEL = "data:image/png;base64,eA=="


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["data"]]


def problem(answer: Any) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    return found


def pointers(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.content
    return {one.get("pointer") or one["parameter"] for one in problem(answer)["errors"]}


def at(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def test_pages_have_each_row_once_whatever_is_added(program: Program, bob: User, film: Team) -> None:
    same = timezone.now()
    rows = [make_generation(bob, film, Status.DONE, created_at=same) for _ in range(3)]
    rows += [make_generation(bob, film, Status.DONE, created_at=at(day)) for day in (1, 2)]
    Generation.objects.filter(pk=rows[3].pk).update(review_status="changes_wanted")
    orders = {"newest": [2, 1, 0, 3, 4], "oldest": [4, 3, 0, 1, 2], "review": [3, 2, 1, 0, 4]}
    for order, expected in orders.items():
        by_id = sorted(rows[:3], key=lambda row: row.pk)
        wanted = [str([*by_id, *rows[3:]][place].pk) for place in expected]
        found, path = [], f"/generations?limit=2&order={order}"
        answer = program.get(path)
        while True:
            found += ids(answer)
            make_generation(bob, film, Status.DONE, created_at=at(9 if order == "oldest" else -1))
            following = answer.json()["next"]
            if not following:
                assert "Link" not in answer.headers
                break
            assert f"cursor={following}" in answer.headers["Link"]
            answer = program.get(f"{path}&cursor={following}")
        assert found == wanted
        Generation.objects.exclude(pk__in=[row.pk for row in rows]).update(trashed_at=same)


def test_every_filter_of_the_gallery_narrows(program: Program, alice: User, bob: User, film: Team) -> None:
    other = make_generation(alice, film, Status.DONE, prompt="Ducks", duration=10, created_at=at(3))
    row = make_generation(bob, film, Status.FAILED, prompt="A fox", endpoint=Endpoint.IMAGE_TO_VIDEO)
    Tag.objects.add_to([row], "Snow")
    Collection.objects.assign([row], "Foxes")
    Favourite.objects.mark(bob, [row])
    Generation.objects.filter(pk=row.pk).update(review_status="approved")
    narrow = [
        *("q=fox", f"member={bob.pk}", "status=failed", "review=approved", "kind=image", "duration=5"),
        *(f"since={at(1).date()}", f"tag={Tag.objects.get().pk}", f"collection={Collection.objects.get().pk}"),
        "favourite=true",
    ]
    assert ids(program.get("/generations")) == [str(row.pk), str(other.pk)]
    for one in narrow:
        assert ids(program.get(f"/generations?{one}")) == [str(row.pk)], one
    for one in ("ratio=16:9", f"until={at(2).date()}", "review=none"):
        assert ids(program.get(f"/generations?{one}")) == [str(other.pk)], one


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=x", "cursor=x", "cursor=W10", "cursor=WyJhIiwiYiJd", "status=open"),
        *("member=999999", "member=99999999999999999999", "tag=999", "since=yesterday", "order=x", "kind=x"),
        *("statu=done", "q=%00", "cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwiMDAiXQ"),
    ],
)
def test_parameter_that_means_nothing_is_named(program: Program, bob: User, query: str) -> None:
    assert pointers(program.get(f"/generations?{query}")) == {query.partition("=")[0]}


def test_one_is_told_as_it_is(program: Program, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    Tag.objects.add_to([row], "Snow")
    found = program.get(f"/generations/{row.pk}").json()
    assert found["status"] == "done"
    assert found["cost"] == {"cents": 35, "currency": "USD"}
    assert found["made_by"] == {"id": bob.pk, "name": "Bob"}
    assert [one["name"] for one in found["tags"]] == ["Snow"]
    assert found["created_at"].endswith("Z")
    assert found["video"]["width"] == 320
    for name in ("url", "poster_url"):
        path = found["video"][name].partition("/api/v1")[2]
        assert program.get(path).status_code == 200
    part = program.get(f"/generations/{row.pk}/video", Range="bytes=4-7")
    assert (part.status_code, b"".join(part)) == (206, b"ftyp")


def test_failure_is_told(program: Program, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.FAILED)
    assert program.get(f"/generations/{row.pk}").json()["failure"] == {
        "reason": "content_policy",
        "message": "fal refused the prompt. Change it.",
        "responsible_party": "user",
    }


def test_what_the_person_may_not_see_is_not_there(program: Program, alice: User, bob: User, film: Team) -> None:
    own = Team.objects.get(personal_of=bob)
    hidden = [
        make_generation(alice, film, is_private=True),
        make_generation(alice, film, awaits_review=True),
        make_generation(bob, film, Status.DONE, taken_down_at=timezone.now()),
        make_generation(bob, film, Status.DONE, trashed_at=timezone.now()),
        make_generation(bob, own, Status.DONE),  # of another team of the same person
    ]
    assert ids(program.get("/generations")) == []
    for row in hidden:
        for method, end in [("GET", ""), ("DELETE", ""), ("GET", "/video"), ("GET", "/comments")]:
            assert program.ask(method, f"/generations/{row.pk}{end}").status_code == 404
        assert program.patch(f"/generations/{row.pk}", {"tags": []}).status_code == 404
        for verb in ("cancel", "retry"):
            assert program.post(f"/generations/{row.pk}/{verb}").status_code == 404


def test_order_is_a_generation_like_any_other(program: Program, bob: User, film: Team) -> None:
    body = FOX | {"duration": 10, "aspect_ratio": "9:16", "cfg_scale": 0.7, "is_private": True}
    answer = program.post("/generations", body)
    assert answer.status_code == 201
    row = Generation.objects.get()
    assert answer.headers["Location"] == f"/api/v1/generations/{row.pk}"
    assert program.get(f"/generations/{row.pk}").json() == answer.json()
    assert (row.user, row.team, row.duration, row.aspect_ratio, row.cfg_scale) == (bob, film, 10, "9:16", 0.7)
    assert (row.cost_cents, row.is_private, row.status) == (70, True, Status.QUEUED)
    assert row.api_request.key == Key.objects.get()


def test_picture_comes_as_data(program: Program) -> None:
    import base64  # noqa: PLC0415

    data = "data:image/jpeg;base64," + base64.b64encode(picture()).decode()
    answer = program.post("/generations", FOX | {"image_url": data, "tail_image_url": data})
    assert answer.status_code == 201, answer.content
    row = Generation.objects.get()
    assert {one.slot for one in row.pictures.all()} == {"start", "tail"}
    assert answer.json()["kind"] == "image"
    small = "data:image/jpeg;base64," + base64.b64encode(picture(size=(20, 20))).decode()
    assert pointers(program.post("/generations", FOX | {"image_url": small})) == {"#/image_url"}


def test_draft_from_a_picture_and_what_it_costs(program: Program, film: Team) -> None:
    body = FOX | {"quality": "draft", "image_url": f"data:image/jpeg;base64,{b64encode(picture()).decode()}"}
    quote = program.post("/batches/quote", {"requests": [body, FOX]}).json()
    assert [one["cents"] for one in quote["each"]] == [21, 35]
    made = program.post("/generations", body).json()
    assert (made["kind"], made["quality"], made["cost"]["cents"]) == ("image", "draft", 21)
    assert Generation.objects.get().endpoint == Endpoint.DRAFT_IMAGE_TO_VIDEO
    (kind,) = program.get("/usage").json()["kinds"]
    assert (kind["kind"], kind["quality"], kind["requests"]) == ("image", "draft", 1)
    EndpointSwitch.objects.create(endpoint=Endpoint.DRAFT_IMAGE_TO_VIDEO, team=film)
    assert "switched off" in problem(program.post("/generations", body))["detail"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"#/prompt"}),
        ({"prompt": "  "}, {"#/prompt"}),
        ({"prompt": "a\0b"}, {"#/prompt"}),
        ({"prompt": "\ud800"}, {"#/prompt"}),
        ({"prompt": "x" * 2501}, {"#/prompt"}),
        (FOX | {"duration": 7, "cfg_scale": 2}, {"#/duration", "#/cfg_scale"}),
        (FOX | {"aspect_ratio": "4:3"}, {"#/aspect_ratio"}),
        (FOX | {"tail_image_url": "https://example.com/a.jpg"}, {"#/image_url"}),
        (FOX | {"image_url": "ftp://x"}, {"#/image_url"}),
        (FOX | {"quality": "best"}, {"#/quality"}),
        (FOX | {"quality": "draft"}, {"#/quality"}),
        (FOX | {"quality": "draft", "image_url": PIXEL, "tail_image_url": PIXEL}, {"#/tail_image_url"}),
        (FOX | {"quality": "draft", "tail_image_url": PIXEL}, {"#/quality", "#/image_url"}),
        (FOX | {"image_url": "data:image/png;base64,eA==", "aspect_ratio": "1:1"}, {"#/aspect_ratio"}),
        (FOX | {"remix_of": str(uuid.uuid4())}, {"#/remix_of"}),
        (FOX | {"no/such~thing": 1}, {"#/no~1such~0thing"}),
        ([], {"#"}),
        (None, set()),
    ],
)
def test_order_that_is_not_valid_is_told_what_is_wrong(program: Program, body: Any, wrong: set[str]) -> None:
    answer = program.ask("POST", "/generations", body if body is not None else "x")
    assert pointers(answer) == (wrong or {"#"})
    assert not Generation.objects.exists()


def test_what_holds_for_the_form_holds_here(program: Program, bob: User, film: Team, settings: Settings) -> None:
    PromptRule.objects.create(text="duck", action="block")
    assert problem(program.post("/generations", {"prompt": "A duck"}))["type"].endswith("prompt-refused")
    Team.objects.filter(pk=film.pk).update(approval_above_cents=40)
    assert program.post("/generations", FOX | {"duration": 10}).json()["status"] == "held"
    Membership.objects.filter(user=bob, team=film).update(monthly_limit_cents=100)
    answer = program.post("/generations", FOX)
    assert (answer.status_code, problem(answer)["type"]) == (403, "urn:kling-studio:problem:over-budget")
    Membership.objects.filter(user=bob).update(monthly_limit_cents=None)
    Key.objects.update(monthly_limit_cents=100)
    assert "of the key" in problem(program.post("/generations", FOX))["detail"]
    Key.objects.update(monthly_limit_cents=None)
    settings.SUBMITS_PER_MINUTE = 1
    answer = program.post("/generations", FOX)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    settings.SUBMITS_PER_MINUTE = 0
    TeamPause.objects.create(team=film, began_by=bob)
    assert program.post("/generations", FOX).json()["status"] == "queued"


def test_order_sent_again_makes_nothing_twice(program: Program) -> None:
    key = {"Idempotency-Key": "a"}
    first, again = (program.post("/generations", FOX, **key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    other = program.post("/generations", {"prompt": "Another"}, **key)
    assert problem(other)["type"].endswith("idempotency-key-reused")
    assert program.post("/generations", FOX).json()["id"] != first.json()["id"]
    assert Generation.objects.count() == 2


def test_cancel_ends_it_once(program: Program, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.QUEUED)
    assert program.post(f"/generations/{row.pk}/cancel").json()["status"] == "canceled"
    assert program.post(f"/generations/{row.pk}/cancel").status_code == 200
    at_fal = make_generation(bob, film, Status.RENDERING)
    assert program.post(f"/generations/{at_fal.pk}/cancel").json()["status"] == "cancelling"
    done = make_generation(bob, film, Status.DONE)
    assert problem(program.post(f"/generations/{done.pk}/cancel"))["status"] == 409


def test_retry_asks_for_the_same_once(program: Program, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.FAILED, prompt="Again")
    key = {"Idempotency-Key": "r"}
    first, again = (program.post(f"/generations/{row.pk}/retry", **key) for _ in range(2))
    assert first.status_code == 201, first.content
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["parent"], first.json()["relation"]) == (str(row.pk), "retry")
    assert ApiRequest.objects.count() == 1
    late = {"status": Status.DONE, "request_id": "late", "source_url": "https://a.example/fox.mp4"}
    for changes in (late, {"status": Status.FAILED, "trashed_at": timezone.now()}):  # or somebody moved it to the trash
        Generation.objects.filter(pk=row.pk).update(**changes)
        assert program.post(f"/generations/{row.pk}/retry", **key).json()["id"] == first.json()["id"]
    Generation.objects.filter(pk=row.pk).update(trashed_at=None)
    Key.objects.update(monthly_limit_cents=0)
    assert program.post(f"/generations/{row.pk}/retry").status_code == 403
    done = make_generation(bob, film, Status.DONE)
    assert program.post(f"/generations/{done.pk}/retry").status_code == 409


def test_edit_changes_what_it_names_alone(program: Program, alice: User, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE)
    path = f"/generations/{row.pk}"
    body = {"tags": ["Snow", "Fox"], "collection": "Foxes", "is_favourite": True, "is_private": True}
    found = program.patch(path, body).json()
    assert {one["name"] for one in found["tags"]} == {"Snow", "Fox"}
    assert found["collection"]["name"] == "Foxes"
    assert (found["is_favourite"], found["is_private"]) == (True, True)
    found = program.patch(path, {"tags": ["fox"]}).json()
    assert [one["name"] for one in found["tags"]] == ["Fox"]
    assert found["collection"]["name"] == "Foxes"
    found = program.patch(path, {"collection": None, "is_private": False}).json()
    assert (found["collection"], found["is_favourite"]) == (None, True)
    others = make_generation(alice, film, Status.DONE)
    assert program.patch(f"/generations/{others.pk}", {"is_private": True}).status_code == 403
    assert pointers(program.patch(path, {"tags": ["ok", "\u2800"]})) == {"#/tags/1"}


def test_edit_of_another_state_is_refused(program: Program, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE)
    path = f"/generations/{row.pk}"
    seen = program.get(path).headers["ETag"]
    assert program.get(path, **{"If-None-Match": seen}).status_code == 304
    assert program.patch(path, {"tags": ["Snow"]}, **{"If-Match": seen}).status_code == 200
    answer = program.patch(path, {"tags": []}, **{"If-Match": seen})
    assert (answer.status_code, problem(answer)["type"]) == (412, "urn:kling-studio:problem:changed")
    assert row.tags.count() == 1
    assert program.delete(path, **{"If-Match": seen}).status_code == 412
    assert program.delete(path, **{"If-Match": program.get(path).headers["ETag"]}).status_code == 204


def test_trash_takes_what_has_ended(program: Program, alice: User, bob: User, film: Team) -> None:
    row, running = make_generation(bob, film, Status.DONE), make_generation(bob, film)
    assert program.delete(f"/generations/{row.pk}").status_code == 204
    assert Generation.objects.get(pk=row.pk).trashed_at
    assert program.get(f"/generations/{row.pk}").status_code == 404
    assert problem(program.delete(f"/generations/{running.pk}"))["status"] == 409
    others = make_generation(alice, film, Status.DONE)
    assert program.delete(f"/generations/{others.pk}").status_code == 403


def test_viewer_looks_and_marks_and_no_more(viewers: Program, bob: User, film: Team) -> None:
    row = make_generation(bob, film, Status.DONE)
    assert ids(viewers.get("/generations")) == [str(row.pk)]
    assert viewers.patch(f"/generations/{row.pk}", {"is_favourite": True}).json()["is_favourite"]
    assert viewers.patch(f"/generations/{row.pk}", {"tags": ["x"]}).status_code == 403
    assert viewers.delete(f"/generations/{row.pk}").status_code == 403
    assert viewers.post("/generations", FOX).status_code == 403
    assert viewers.post(f"/generations/{row.pk}/retry").status_code == 403
