"""Orders of programs in projects: by the header, or by the key's default; by all of the ways that order."""

import json
from io import StringIO
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from api.models import Key
from generations.fal.arguments import Endpoint
from generations.flows.delete_account import delete_account
from generations.flows.remove_member import remove_member
from generations.models import Collection, Generation, ProjectMember, ProjectMove, Status
from tests.api.conftest import client_with, make_key
from tests.cast import make_generation, signed_in

pytestmark = pytest.mark.django_db
_HEADER: Final = "X-Studio-Project"


@pytest.fixture
def spring(film: Team) -> Collection:
    return Collection.objects.create(team=film, name="Frühling", monthly_limit_cents=50)


def order(token: str, way: str, **headers: str) -> Any:
    address = f"/fal/queue/{Endpoint.TEXT_TO_VIDEO}" if way == "fal" else "/api/v1/generations"
    client = client_with(token, **headers)
    return client.post(address, json.dumps({"prompt": "A fox"}), content_type="application/json")


def header_of(name: str) -> str:
    """UTF-8, as it comes out of a server that reads Latin-1."""
    return name.encode().decode("latin-1")


@pytest.mark.parametrize("way", ["fal", "v1"])
@pytest.mark.parametrize("named", ["by id", "Frühling", " frühling ", "default", "blank", "nothing"])
def test_order_is_in_the_named_project_or_the_keys(
    film: Team, bob: User, spring: Collection, way: str, named: str
) -> None:
    default = spring if named == "default" else Collection.objects.create(team=film, name="Default")
    _, token = make_key(bob, film, project=None if named == "nothing" else default)
    given = {"by id": str(spring.pk), "blank": ""}.get(named, header_of(named))
    headers = {} if named in {"default", "nothing"} else {_HEADER: given}
    assert order(token, way, **headers).status_code in {200, 201}

    row = Generation.objects.get()
    expected = None if named in {"blank", "nothing"} else spring
    assert (row.collection, row.billed_project) == (expected, expected)


def _archive(project: Collection, _mallory: User) -> str:
    Collection.objects.filter(pk=project.pk).update(archived_at=timezone.now())
    return str(project.pk)


def _close_to_others(project: Collection, mallory: User) -> str:
    ProjectMember.objects.create(project=project, user=mallory)
    return str(project.pk)


def _of_another_team(_project: Collection, mallory: User) -> str:
    return str(Collection.objects.create(team=mallory.personal_team, name="Hers").pk)


@pytest.mark.parametrize("way", ["fal", "v1"])
@pytest.mark.parametrize("change", [_archive, _close_to_others, _of_another_team, lambda *_: "None such"])
def test_project_that_can_not_be_used_is_refused(
    film: Team, bob: User, mallory: User, spring: Collection, way: str, change: Any
) -> None:
    _, token = make_key(bob, film)
    answer = order(token, way, **{_HEADER: change(spring, mallory)})

    assert answer.status_code == 422
    assert "project" in answer.json()["detail"]
    assert not Generation.objects.exists()


@pytest.mark.parametrize("change", [None, _archive, _close_to_others])
def test_name_of_digits_gives_way_to_an_id_that_may_be_used(
    film: Team, bob: User, mallory: User, spring: Collection, change: Any
) -> None:
    """A project may be called as another one's id: its name counts where that id opens nothing to the key."""
    called = Collection.objects.create(team=film, name=str(spring.pk))
    if change:
        change(spring, mallory)
    _, token = make_key(bob, film)
    assert order(token, "v1", **{_HEADER: str(spring.pk)}).status_code == 201
    assert Generation.objects.get().billed_project == (called if change else spring)


@pytest.mark.parametrize("name", ["2027", "0", "00", "7" * 30])
def test_name_of_digits_that_is_no_id(film: Team, bob: User, mallory: User, name: str) -> None:
    called = Collection.objects.create(team=film, name=name)
    _, token = make_key(bob, film)
    foreign = Collection.objects.create(team=mallory.personal_team, name="Hers")
    Collection.objects.filter(pk=foreign.pk).update(id=2027)
    assert order(token, "v1", **{_HEADER: name}).status_code == 201
    assert Generation.objects.get().billed_project == called


@pytest.mark.parametrize("way", ["fal", "v1"])
def test_default_project_is_never_lost_unseen(film: Team, alice: User, bob: User, way: str) -> None:
    """Its orders would go past its budget: it stays as long as a key orders in it, and archived it refuses them."""
    project = Collection.objects.create(team=film, name="Spring")
    key, token = make_key(bob, film, project=project)
    address = reverse("collection-change", args=[project.pk])
    page = signed_in(alice).post(address, {"verb": "delete"}, follow=True).content.decode()
    assert "An API key orders in Spring by default." in page
    managed = client_with(make_key(alice, film)[1])
    assert managed.delete(f"/api/v1/collections/{project.pk}").status_code == 409
    _archive(project, alice)
    answer = order(token, way)
    assert (answer.status_code, "is archived" in answer.json()["detail"]) == (422, True)
    assert not Generation.objects.exists()

    Key.objects.filter(pk=key.pk).revoke(bob)
    assert managed.delete(f"/api/v1/collections/{project.pk}").status_code == 204


def test_account_goes_with_the_projects_of_its_keys(bob: User, alice: User) -> None:
    """Also those of keys of somebody who was in the personal team once."""
    project = Collection.objects.create(team=bob.personal_team, name="Own")
    for user in (bob, alice):
        make_key(user, bob.personal_team, project=project)
    assert delete_account(bob)
    assert not Collection.objects.exists()


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("change", [None, "limit", "members", "members who left", "archive"])
@pytest.mark.parametrize("way", ["page", "api"])
def test_who_sets_limits_deletes_what_has_one(
    film: Team, alice: User, bob: User, victor: User, who: str, change: str | None, way: str
) -> None:
    project = Collection.objects.create(team=film, name="Spring")
    match change:
        case "limit":
            Collection.objects.update(monthly_limit_cents=0)
        case "members":
            project.members.set([bob])
        case "members who left":
            project.members.set([victor])
            remove_member(film, victor, alice)
        case "archive":
            _archive(project, alice)
    user = {"alice": alice, "bob": bob}[who]
    if way == "page":
        address = reverse("collection-change", args=[project.pk])
        page = signed_in(user).post(address, {"verb": "delete"}, follow=True).content.decode()
        assert ("only who may set limits can delete it" in page) == (who == "bob" and change is not None)
    else:
        client_with(make_key(user, film)[1]).delete(f"/api/v1/collections/{project.pk}")
    assert Collection.objects.exists() == (who == "bob" and change is not None)


@pytest.mark.parametrize("way", ["fal", "v1"])
def test_budget_of_the_project_holds(film: Team, bob: User, spring: Collection, way: str) -> None:
    _, token = make_key(bob, film, project=spring)
    assert order(token, way).status_code in {200, 201}
    answer = order(token, way)

    assert answer.status_code == 403
    assert "$0.15 is left of this month's $0.50 (the project’s limit)" in answer.json()["detail"]
    budget = client_with(token).get("/api/v1/budget").json()
    assert [(one["owner"], one["left"]["cents"]) for one in budget["limits"]] == [("project", 15)]


def test_same_key_for_another_project_is_another_order(film: Team, bob: User, spring: Collection) -> None:
    _, token = make_key(bob, film)
    named = {"Idempotency-Key": "order-17", _HEADER: str(spring.pk)}
    first, again = (order(token, "v1", **named) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert order(token, "v1", **{**named, _HEADER: ""}).status_code == 422


def test_key_page_has_the_projects_that_its_person_may_use(film: Team, bob: User, spring: Collection) -> None:
    key, _ = make_key(bob, film)
    others = Collection.objects.create(team=bob.personal_team, name="Other")
    client, address = signed_in(bob), reverse("key", args=[key.pk])
    values = {"name": "A script", "scopes": "generate", "result_days": "7"}
    for project, status in ((spring, 302), (others, 422)):
        assert client.post(address, {**values, "project": str(project.pk)}).status_code == status
    key.refresh_from_db()
    assert key.project == spring


def test_command_makes_a_key_for_a_project(film: Team, bob: User, spring: Collection) -> None:
    arguments = ("--user", bob.email, "--team", "film", "--name", "Script", "--project", "frühling")
    call_command("api_key", *arguments, stdout=StringIO(), stderr=StringIO())

    assert Key.objects.get().project == spring


def test_usage_moves_and_projects_of_the_api(film: Team, alice: User, spring: Collection) -> None:
    row = make_generation(alice, film, Status.DONE, cost_cents=35, billed_project=spring, collection=spring)
    _, token = make_key(alice, film)
    client = client_with(token)
    found = client.get("/api/v1/usage").json()
    assert [(one["key"], one["name"], one["spent"]["cents"]) for one in found["projects"]] == [
        (str(spring.pk), "Frühling", 35)
    ]
    assert {name: len(found[name]) for name in ("clients", "tags", "keys")} == {"clients": 1, "tags": 0, "keys": 1}

    assert client.get(f"/api/v1/collections/{spring.pk}").json()["monthly_limit"]["cents"] == 50
    assert client.delete(f"/api/v1/collections/{spring.pk}").status_code == 409
    edit = json.dumps({"collection": None})
    assert client.patch(f"/api/v1/generations/{row.pk}", edit, content_type="application/json").status_code == 200
    assert ProjectMove.objects.get().by == alice


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ("alice", {"client": "Acme", "cost_centre": "K-1", "monthly_limit_cents": 700, "is_archived": True}, 200),
        ("alice", {"monthly_limit_cents": None}, 200),
        ("bob", {"name": "Spring", "client": "Acme"}, 200),
        ("bob", {"monthly_limit_cents": 700}, 403),
        ("bob", {"client": "Acme", "is_archived": True}, 403),
        ("alice", {"monthly_limit_cents": -1}, 422),
        ("alice", {"client": "x" * 101}, 422),
        ("alice", {"members": [1]}, 422),
    ],
)
def test_project_is_edited_by_the_api(
    film: Team, alice: User, bob: User, spring: Collection, who: str, body: dict[str, Any], status: int
) -> None:
    before: dict[str, Any] = {"name": "Frühling", "client": "", "cost_centre": "", "monthly_limit_cents": 50}
    before["is_archived"] = False
    _, token = make_key({"alice": alice, "bob": bob}[who], film)
    client, address = client_with(token), f"/api/v1/collections/{spring.pk}"
    assert client.patch(address, json.dumps(body), content_type="application/json").status_code == status

    spring.refresh_from_db()
    after = {name: getattr(spring, name) for name in before if name != "is_archived"}
    after["is_archived"] = spring.archived_at is not None
    assert after == (before | body if status == 200 else before)
