"""The picture library by the API: the same rules as on its page."""

import uuid
from base64 import b64encode
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Team, User
from api.fal.pictures import has_links
from api.models import Key
from generations import bucket
from generations.fal.arguments import Endpoint, Source
from generations.models import BannedFile, Collection, Generation, LibraryPicture, Shot, Slot, Tag
from generations.pictures import Picture, read
from tests.api.conftest import make_key
from tests.api.v1.client import Program
from tests.api.v1.test_generations import ids, pointers, problem
from tests.cast import make_library_picture, picture

pytestmark = pytest.mark.django_db


def data_uri(data: bytes | None = None) -> str:
    return f"data:image/jpeg;base64,{b64encode(data or picture()).decode()}"


def given(name: str = "Red fox", **values: Any) -> dict[str, Any]:
    return {"name": name, "image_url": data_uri()} | values


def body_of(answer: Any) -> bytes:
    return b"".join(answer)


def test_picture_is_added_found_changed_and_deleted(
    program: Program, bob: User, film: Team, settings: Settings
) -> None:
    settings.MEDIA_DELIVERY = "proxy"
    answer = program.post("/library", given(tags=["Snow", "Forest"]))
    assert answer.status_code == 201, answer.content
    made = answer.json()
    row = LibraryPicture.objects.get()
    assert (row.team, row.user, made["name"], made["width"]) == (film, bob, "Red fox", 400)
    assert sorted(tag["name"] for tag in made["tags"]) == ["Forest", "Snow"]
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert program.get(path).json() == made
    for name, key in (("file", row.key), ("thumbnail", row.thumbnail_key)):
        assert body_of(program.get(f"{path}/{name}")) == bucket.get(key)
    assert made["url"].endswith(f"{path}/file")

    edited = program.patch(path, {"name": "Night fox", "tags": ["Snow"]}).json()
    assert (edited["name"], [tag["name"] for tag in edited["tags"]]) == ("Night fox", ["Snow"])
    assert program.patch(path, {"tags": []}).json() == edited | {"tags": []}
    assert program.delete(path).status_code == 204
    assert (program.get(path).status_code, program.get("/library").json()["data"]) == (404, [])
    assert list(LibraryPicture.objects.in_trash_of(bob)) == [row]


def test_deleted_picture_comes_back_as_it_was_when_it_is_added_again(program: Program) -> None:
    first = program.post("/library", given(tags=["Snow"])).json()
    assert program.delete(f"/library/{first['id']}").status_code == 204
    again = program.post("/library", given("Another name", tags=["Rain"]))
    assert (again.status_code, again.json()) == (200, first)
    assert program.get(f"/library/{first['id']}").json() == first


def test_same_picture_is_there_once_and_stays_as_it_is(program: Program) -> None:
    first = program.post("/library", given(tags=["Snow"])).json()
    again = program.post("/library", given("Another name", tags=["Rain"]))
    assert (again.status_code, again.json()) == (200, first)


def test_list_is_searched_and_read_page_by_page(program: Program, bob: User, film: Team) -> None:
    fox, night, owl = (
        make_library_picture(bob, film, picture(color=color), name)
        for color, name in (("red", "Red fox"), ("navy", "Night"), ("teal", "Owl"))
    )
    make_library_picture(bob, bob.personal_team, picture(color="lime"), "Elsewhere")
    night.set_tags(["Foxes at night"])
    page = program.get("/library?limit=2").json()
    assert [one["id"] for one in page["data"]] == [str(owl.pk), str(night.pk)]
    assert ids(program.get(f"/library?limit=2&cursor={page['next']}")) == [str(fox.pk)]
    assert ids(program.get("/library?q=fox")) == [str(night.pk), str(fox.pk)]
    assert ids(program.get(f"/library?tag={Tag.objects.get().pk}")) == [str(night.pk)]
    assert pointers(program.get("/library?name=fox")) == {"name"}


def test_what_is_wrong_is_named(program: Program) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": "\u200b"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"tags": ["\u200b"]}, "tags/0"),
        ({"tags": ["x"] * 21}, "tags"),
        ({"image_url": "ftp://example.com/fox.jpg"}, "image_url"),
        ({"image_url": data_uri(picture(size=(200, 200)))}, "image_url"),
        ({"image_url": "data:image/png;base64,eA=="}, "image_url"),
    ]
    for values, name in wrong:
        assert pointers(program.post("/library", given(**values))) == {f"#/{name}"}
    assert not LibraryPicture.objects.exists()


def test_picture_elsewhere_is_fetched_and_the_key_asked_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(name: str, _url: str) -> Picture:
        Key.objects.update(revoked_at=timezone.now())
        return read(name, picture())

    monkeypatch.setattr("api.v1.orders.later", lambda work: work())  # no gateway ends it here
    monkeypatch.setattr("api.fal.pictures.fetch_picture", fetch)
    linked = given(image_url="https://example.com/fox.jpg")
    assert problem(program.post("/library", linked))["type"].endswith("order-refused")
    assert not LibraryPicture.objects.exists()
    Key.objects.update(revoked_at=None)
    monkeypatch.setattr("api.fal.pictures.fetch_picture", lambda name, _url: read(name, picture()))
    assert program.post("/library", linked).status_code == 201


def test_limits_and_bans_hold(program: Program, alice: User, film: Team, settings: Settings) -> None:
    kept = program.post("/library", given()).json()
    settings.LIBRARY_MAX_PICTURES = 1
    other = given(image_url=data_uri(picture(color="red")))
    refused = problem(program.post("/library", other))
    assert (refused["status"], refused["type"].rpartition(":")[2]) == (409, "library-full")
    BannedFile.objects.create(sha256=kept["sha256"], reason="no", made_by=alice)
    assert program.get(f"/library/{kept['id']}").status_code == 404
    assert problem(program.post("/library", given()))["type"].endswith("picture-refused")


def test_change_of_somebody_else_is_not_overwritten(program: Program, bob: User, film: Team) -> None:
    path = f"/library/{make_library_picture(bob, film).pk}"
    etag = program.get(path).headers["ETag"]
    now = program.patch(path, {"name": "Night"}).headers["ETag"]
    for answer in (
        program.patch(path, {"name": "x"}, **{"If-Match": etag}),
        program.delete(path, **{"If-Match": etag}),
    ):
        assert (answer.status_code, problem(answer)["type"].rpartition(":")[2]) == (412, "changed")
    assert program.delete(path, **{"If-Match": now}).status_code == 204


def test_who_may_do_what(
    program: Program, owners: Program, viewers: Program, outsiders: Program, alice: User, bob: User, film: Team
) -> None:
    hers = make_library_picture(alice, film)
    path = f"/library/{hers.pk}"
    parts = (path, f"{path}/file", f"{path}/thumbnail")
    assert [[one.get(part).status_code < 400 for part in parts] for one in (viewers, outsiders)] == [
        [True] * 3,
        [False] * 3,
    ]
    assert outsiders.get("/library").json()["data"] == []
    for one, status in ((viewers, 403), (outsiders, 404)):
        assert (one.patch(path, {"name": "x"}).status_code, one.delete(path).status_code) == (status, status)
    assert viewers.post("/library", given()).status_code == 403
    assert program.patch(path, {"name": "Renamed"}).status_code == 200
    assert program.delete(path).status_code == 403  # of another member
    scopes = {scope: Program(make_key(bob, film, scopes=[scope])[1]) for scope in ("read", "generate", "manage")}
    assert {name: one.patch(path, {"name": name}).status_code for name, one in scopes.items()} == {
        "read": 403,
        "generate": 403,
        "manage": 200,
    }
    assert {one.get("/library").status_code for one in scopes.values()} == {200}
    his = make_library_picture(bob, film, picture(color="red"))
    assert [owners.delete(f"/library/{row.pk}").status_code for row in (his, hers)] == [204, 204]


def test_picture_begins_a_shot_and_a_video(program: Program, bob: User, mallory: User, film: Team) -> None:
    kept = make_library_picture(bob, film)
    url = program.get(f"/library/{kept.pk}").json()["url"]
    project = Collection.objects.create(team=film, name="Spring")
    made = program.post(f"/collections/{project.pk}/shots", {"tail_image_url": url})
    assert made.json()["tail"]["sha256"] == kept.sha256
    assert Shot.objects.get().tail is not None
    answer = program.post("/generations", {"prompt": "A fox", "image_url": url})
    assert answer.status_code == 201, answer.content
    assert {one.slot: one.sha256 for one in Generation.objects.get().pictures.all()} == {Slot.START: kept.sha256}

    foreign = make_library_picture(mallory, mallory.personal_team, picture(color="red"))
    for wrong in (url.replace(str(kept.pk), str(foreign.pk)), url.replace(str(kept.pk), str(uuid.uuid4())), f"{url}/x"):
        assert pointers(program.post("/generations", {"prompt": "A fox", "image_url": wrong})) == {"#/image_url"}


@pytest.mark.parametrize("path", ["/api/v1/library/{}/file", "/fal/rest/storage/files/{}"])
@pytest.mark.parametrize(
    ("before", "is_fetched"), [("", False), (" ", False), ("\n", False), ("https://a.example/", True)]
)
def test_an_address_of_the_studio_is_not_fetched(path: str, before: str, is_fetched: bool, settings: Settings) -> None:
    """What is fetched takes long: it is done in a thread that no page needs."""
    address = f"{before}{settings.SITE_URL}{path.format(uuid.uuid4())}"
    assert has_links(Endpoint.default(Source.IMAGE), {"image_url": address}) == is_fetched
