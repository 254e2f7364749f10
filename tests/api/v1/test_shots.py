"""Storyboards by the API: the same rules as on the pages."""

import uuid
from base64 import b64encode
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from api.models import Key
from generations.models import Collection, Generation, ProjectMember, Shot, Status, Upload
from generations.pictures import Picture, read
from tests.api.conftest import make_key
from tests.api.v1.client import Program
from tests.api.v1.test_generations import ids, pointers, problem
from tests.cast import make_generation, make_video, picture, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Spring")


def data_uri(color: str = "teal", size: tuple[int, int] = (400, 300)) -> str:
    return f"data:image/jpeg;base64,{b64encode(picture(color=color, size=size)).decode()}"


def board(project: Collection, part: str = "") -> str:
    return f"/collections/{project.pk}/shots{part}"


def add(project: Collection, *prompts: str, **columns: Any) -> list[Shot]:
    return Shot.objects.append(project, [Shot(prompt=prompt, **columns) for prompt in prompts])


def prompts(project: Collection) -> list[str]:
    return list(project.shots.values_list("prompt", flat=True))


def make_take(user: User, shot: Shot, *, is_done: bool = True) -> Generation:
    status = Status.DONE if is_done else Status.QUEUED
    row = make_generation(user, shot.project.team, status, shot=shot, collection=shot.project)
    if is_done:
        make_video(row)
    return row


def changed(program: Program, shot: Shot, **values: Any) -> dict[str, Any]:
    answer = program.patch(f"/shots/{shot.pk}", values)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_shot_is_added_read_changed_and_deleted(program: Program, bob: User, spring: Collection) -> None:
    add(spring, "First")
    values = {"prompt": "A fox", "note": "Low", "duration": 10, "aspect_ratio": "1:1", "quality": "draft"}
    answer = program.post(board(spring), values | {"negative_prompt": "rain", "image_url": data_uri()})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert {name: made[name] for name in values} == values
    assert (made["number"], made["collection"], made["negative_prompt"]) == (2, spring.pk, "rain")
    assert (made["start"]["width"], made["tail"], made["changed_by"]["id"]) == (400, None, bob.pk)
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert program.get(path).json() == made

    edited = program.patch(
        path, {"prompt": "A hare", "duration": None, "image_url": None, "tail_image_url": data_uri()}
    )
    assert edited.json() == made | {
        "prompt": "A hare",
        "duration": None,
        "start": None,
        "tail": made["start"],
    }
    shot = Shot.objects.get(pk=made["id"])
    assert (shot.tail, shot.start, shot.version, shot.changed_by) == (Upload.objects.get(), None, 2, bob)
    assert program.delete(path).status_code == 204
    assert (prompts(spring), program.get(path).status_code) == (["First"], 404)


def test_blank_shot_follows_the_project(program: Program, spring: Collection) -> None:
    made = program.post(board(spring), {}).json()
    blank = ("prompt", "note", "duration", "aspect_ratio", "quality", "start", "tail", "chosen")
    assert [made[name] for name in blank] == ["", "", None, None, None, None, None, None]
    assert (made["is_missing"], made["takes"], made["take_count"]) == (True, [], 0)


def test_order_is_listed_page_by_page_and_changed(program: Program, spring: Collection) -> None:
    one, two, three = add(spring, "One", "Two", "Three")
    add(Collection.objects.create(team=spring.team, name="Other"), "Elsewhere")
    page = program.get(board(spring, "?limit=2"))
    assert [(shot["prompt"], shot["number"]) for shot in page.json()["data"]] == [("One", 1), ("Two", 2)]
    rest = program.get(board(spring, f"?limit=2&cursor={page.json()['next']}")).json()
    assert ([(shot["prompt"], shot["number"]) for shot in rest["data"]], rest["next"]) == ([("Three", 3)], None)

    assert changed(program, three, number=1)["number"] == 1
    assert prompts(spring) == ["Three", "One", "Two"]
    assert changed(program, three, number=500)["number"] == 3
    assert changed(program, one, number=2)["number"] == 2
    assert prompts(spring) == ["Two", "One", "Three"]
    assert program.post(board(spring), {"prompt": "New", "number": 2}).json()["number"] == 2
    assert prompts(spring) == ["Two", "New", "One", "Three"]
    assert Shot.objects.get(pk=two.pk).version == 1  # its place is nothing that somebody typed


def test_take_is_chosen(program: Program, bob: User, alice: User, spring: Collection) -> None:
    shot, other = add(spring, "Fox", "Hare")
    first, second, going = make_take(bob, shot), make_take(bob, shot), make_take(bob, shot, is_done=False)
    found = program.get(f"/shots/{shot.pk}").json()
    takes = [(str(going.pk), "queued", False), (str(second.pk), "done", True), (str(first.pk), "done", False)]
    assert [(take["generation"], take["status"], take["is_current"]) for take in found["takes"]] == takes
    assert (found["chosen"], found["take_count"], found["is_missing"]) == (None, 3, False)
    found = changed(program, shot, chosen=str(first.pk))
    assert (found["chosen"], [take["is_current"] for take in found["takes"]]) == (str(first.pk), [False, False, True])
    assert changed(program, shot, chosen=None)["chosen"] is None

    secret = make_take(alice, shot)
    Generation.objects.filter(pk=secret.pk).update(is_private=True)
    for wrong in (going.pk, secret.pk, make_take(bob, other).pk, uuid.uuid4()):
        assert pointers(program.patch(f"/shots/{shot.pk}", {"chosen": str(wrong)})) == {"#/chosen"}


def test_what_is_wrong_is_named_and_changes_nothing(program: Program, spring: Collection) -> None:
    [shot] = add(spring, "A fox")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"prompt": "x" * 2501}, "prompt"),
        ({"note": "x" * 2001}, "note"),
        ({"duration": 7}, "duration"),
        ({"quality": "best"}, "quality"),
        ({"aspect_ratio": "4:3"}, "aspect_ratio"),
        ({"number": 0}, "number"),
        ({"number": 501}, "number"),
        ({"image_url": "ftp://example.com/fox.jpg"}, "image_url"),
        ({"tail_image_url": data_uri(size=(200, 200))}, "tail_image_url"),
        ({"title": "A fox"}, "title"),
    ]
    for values, name in wrong:
        assert pointers(program.patch(f"/shots/{shot.pk}", {"note": "Typed"} | values)) == {f"#/{name}"}
        assert pointers(program.post(board(spring), values)) == {f"#/{name}"}
    shot.refresh_from_db()
    assert (shot.note, shot.version, Shot.objects.count()) == ("", 1, 1)


def test_picture_elsewhere_is_fetched_and_the_key_asked_again(
    program: Program, spring: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.v1.orders.later", lambda work: work())  # no gateway ends it here
    monkeypatch.setattr("api.fal.pictures.fetch_picture", lambda name, _url: read(name, picture()))
    linked = {"image_url": "https://example.com/fox.jpg"}
    made = program.post(board(spring), linked)
    assert (made.status_code, made.json()["start"]["width"]) == (201, 400)

    def fetch(name: str, _url: str) -> Picture:
        Key.objects.update(revoked_at=timezone.now())
        return read(name, picture())

    monkeypatch.setattr("api.fal.pictures.fetch_picture", fetch)
    path = f"/shots/{made.json()['id']}"
    for method, address in (("PATCH", path), ("POST", board(spring))):
        Key.objects.update(revoked_at=None)
        assert problem(program.ask(method, address, linked))["type"].endswith("order-refused")
    assert Shot.objects.get().version == 1


def test_full_storyboard_takes_no_more(program: Program, spring: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.models.shot.MAX_SHOTS", 1)
    assert program.post(board(spring), {}).status_code == 201
    refused = problem(program.post(board(spring), {}))
    assert (refused["status"], refused["type"].rpartition(":")[2]) == (409, "too-many-shots")


def test_change_of_somebody_else_is_not_overwritten(program: Program, bob: User, spring: Collection) -> None:
    [shot] = add(spring, "A fox")
    path = f"/shots/{shot.pk}"
    etag = program.get(path).headers["ETag"]
    assert program.get(path, **{"If-None-Match": etag}).status_code == 304
    signed_in(bob).post(shot.get_absolute_url(), {"version": 1, "prompt": "A hare"})
    for answer in (
        program.patch(path, {"note": "Low"}, **{"If-Match": etag}),
        program.delete(path, **{"If-Match": etag}),
    ):
        assert (answer.status_code, problem(answer)["type"].rpartition(":")[2]) == (412, "changed")
    shot.refresh_from_db()
    assert (shot.prompt, shot.note) == ("A hare", "")
    now = program.get(path).headers["ETag"]
    answer = program.patch(path, {"note": "Low"}, **{"If-Match": now})
    assert answer.status_code == 200
    assert program.delete(path, **{"If-Match": answer.headers["ETag"]}).status_code == 204


def test_price_first_then_one_order(program: Program, bob: User, spring: Collection) -> None:
    done, one, two = add(spring, "Done", "Fox", "Hare")
    make_take(bob, done)
    Shot.objects.filter(pk=two.pk).update(duration=10)
    quote = program.post(board(spring, "/quote"), {"missing": True}).json()
    assert [(line["shot"], line["number"], line["cost"]["cents"]) for line in quote["shots"]] == [
        (one.pk, 2, 35),
        (two.pk, 3, 70),
    ]
    assert (quote["cost"]["cents"], quote["is_affordable"], quote["left"], quote["left_out"]) == (105, True, None, 0)
    assert Generation.objects.count() == 1

    key = {"Idempotency-Key": "shots-1"}
    refused = problem(program.post(board(spring, "/order"), {"missing": True, "max_cents": 104}, **key))
    assert (refused["status"], refused["type"].rpartition(":")[2]) == (409, "price-changed")
    sent = {"missing": True, "max_cents": 105}
    first, again = (program.post(board(spring, "/order"), sent, **key) for _ in range(2))
    assert (first.status_code, again.json()) == (201, first.json())
    assert program.get(first.headers["Location"].removeprefix("/api/v1")).json() == first.json()
    made = Generation.objects.exclude(shot=done).order_by("batch_index")
    assert [(row.shot, row.collection, row.billed_project, row.cost_cents) for row in made] == [
        (one, spring, spring, 35),
        (two, spring, spring, 70),
    ]
    other = problem(program.post(board(spring, "/order"), {"shots": [one.pk]}, **key))
    assert other["type"].endswith("idempotency-key-reused")
    assert pointers(program.post(board(spring, "/order"), {"missing": True})) == {"#/missing"}
    assert program.post(board(spring, "/order"), {"shots": [one.pk]}).status_code == 201
    assert one.takes.count() == 2


def test_project_of_the_storyboard_pays_whatever_the_key_says(bob: User, film: Team, spring: Collection) -> None:
    [shot] = add(spring, "Fox")
    other = Collection.objects.create(team=film, name="Other")
    program = Program(make_key(bob, film, project=other)[1], **{"X-Studio-Project": "Other"})
    assert program.post(board(spring, "/order"), {"shots": [shot.pk]}).status_code == 201
    assert Generation.objects.get().billed_project == spring


def test_shot_that_cannot_be_ordered_is_named(program: Program, spring: Collection) -> None:
    good, blank = add(spring, "Fox", "")
    quote = program.post(board(spring, "/quote"), {"missing": True}).json()
    assert (bool(quote["shots"][0]["problems"]), bool(quote["shots"][1]["problems"])) == (False, True)
    assert quote["is_affordable"] is False
    named = {"shots": [good.pk, blank.pk]}
    assert pointers(program.post(board(spring, "/order"), named)) == {"#/shots/1"}
    assert pointers(program.post(board(spring, "/order"), {"missing": True})) == {"#/missing"}
    assert pointers(program.post(board(spring, "/order"), {"shots": [good.pk, 10**9]})) == {"#/shots/1"}
    for neither in ({}, {"missing": True, "shots": [good.pk]}):
        assert pointers(program.post(board(spring, "/quote"), neither)) == {"#/shots"}
    assert not Generation.objects.exists()


def test_the_quote_counts_the_project_that_pays_alone(bob: User, film: Team, spring: Collection) -> None:
    add(spring, "Fox")
    other = Collection.objects.create(team=film, name="Other", monthly_limit_cents=0)
    program = Program(make_key(bob, film, project=other)[1])
    quote = program.post(board(spring, "/quote"), {"missing": True}).json()
    assert (quote["is_affordable"], quote["left"]) == (True, None)
    Key.objects.update(monthly_limit_cents=34)
    quote = program.post(board(spring, "/quote"), {"missing": True}).json()
    assert (quote["is_affordable"], quote["left"]["cents"]) == (False, 34)


def test_limits_hold(program: Program, film: Team, spring: Collection) -> None:
    Collection.objects.filter(pk=spring.pk).update(monthly_limit_cents=40)
    shots = add(spring, "Fox", "Hare")
    quote = program.post(board(spring, "/quote"), {"missing": True}).json()
    assert (quote["left"]["cents"], quote["is_affordable"]) == (40, False)
    assert "Up to here it costs $0.70" in quote["shots"][1]["problems"][0]
    refused = problem(program.post(board(spring, "/order"), {"missing": True}))
    assert (refused["status"], refused["type"].rpartition(":")[2]) == (403, "over-budget")
    assert not Generation.objects.exists()
    assert program.post(board(spring, "/order"), {"shots": [shots[0].pk]}).status_code == 201


def test_who_may_do_what(
    program: Program, viewers: Program, outsiders: Program, alice: User, bob: User, film: Team, spring: Collection
) -> None:
    [shot] = add(spring, "Fox")
    path, order = f"/shots/{shot.pk}", {"shots": [shot.pk]}
    assert [one.get(path).status_code for one in (viewers, outsiders)] == [200, 404]
    assert [one.get(board(spring)).status_code for one in (viewers, outsiders)] == [200, 404]
    for one, status in ((viewers, 403), (outsiders, 404)):
        assert one.patch(path, {"note": "x"}).status_code == status
        assert one.delete(path).status_code == status
        assert one.post(board(spring), {}).status_code == status
        assert one.post(board(spring, "/order"), order).status_code == status
    scopes = {scope: Program(make_key(bob, film, scopes=[scope])[1]) for scope in ("read", "generate", "manage")}
    asked = {name: one.patch(path, {"note": name}).status_code for name, one in scopes.items()}
    assert asked == {"read": 403, "generate": 403, "manage": 200}
    asked = {name: one.post(board(spring, "/order"), order).status_code for name, one in scopes.items()}
    assert asked == {"read": 403, "generate": 201, "manage": 403}
    assert {one.get(path).status_code for one in scopes.values()} == {200}

    ProjectMember.objects.create(project=spring, user=alice)
    for answer in (program.patch(path, {"note": "x"}), program.post(board(spring, "/order"), order)):
        assert problem(answer)["type"].endswith("project-refused")
    ProjectMember.objects.all().delete()
    Collection.objects.filter(pk=spring.pk).update(archived_at=timezone.now())
    for answer in (program.delete(path), program.post(board(spring), {}), program.post(board(spring, "/order"), order)):
        assert problem(answer)["type"].endswith("project-refused")
    assert len(ids(program.get(board(spring)))) == Shot.objects.count() == 1
