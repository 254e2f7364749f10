"""The pages of the picture library: add, find, name, tag, delete, and take into the composer."""

import unicodedata
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Team, User
from generations import bucket
from generations.models import BannedFile, Collection, Generation, LibraryPicture, Shot, Status, Tag, Upload
from generations.views import library
from generations.views.library import PAGE_SIZE
from tests.cast import make_generation, make_library_picture, make_upload, make_video, picture, signed_in
from tests.generations.mirror.videos import mp4

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


def given(name: str = "fox.jpg", data: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data or picture(), "image/jpeg")


def names(answer: Any) -> list[str]:
    return [one.name for one in answer.context["pictures"]]


@pytest.fixture
def client(bob: User) -> Client:
    return signed_in(bob)


# --- adding


def test_several_are_added_at_once_and_a_bad_one_is_named(film: Team, client: Client) -> None:
    files = [given("Red fox.jpg"), given("notes.txt", b"words"), given("night.png", picture(color="navy"))]
    answer = client.post("/library/add", {"team": "film", "pictures": files})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "notes.txt: This file isn&#x27;t a picture." in page
    assert "2 pictures added." in page
    assert sorted(LibraryPicture.objects.values_list("name", flat=True)) == ["Red fox", "night"]
    assert {one.team for one in LibraryPicture.objects.all()} == {film}


def test_good_ones_lead_back_to_the_library(client: Client) -> None:
    answer = client.post("/library/add", {"team": "film", "pictures": [given()]})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/library/?team=film")
    page = client.get("/library/?team=film").content.decode()
    assert "1 picture added." in page
    assert "fox" in page


def test_a_script_sends_one_and_gets_its_item(client: Client) -> None:
    answer = client.post("/library/add", {"team": "film", "pictures": [given()]}, headers=JSON)

    kept = LibraryPicture.objects.get()
    assert answer.status_code == 201
    assert answer.json()["id"] == str(kept.pk)
    assert f"/library/{kept.pk}/thumbnail" in answer.json()["html"]
    assert "csrfmiddlewaretoken" in answer.json()["html"]


def test_what_is_wrong_is_told_to_a_script(film: Team, bob: User, client: Client, settings: Settings) -> None:
    def errors(*files: SimpleUploadedFile) -> tuple[int, str]:
        answer = client.post("/library/add", {"team": "film", "pictures": files}, headers=JSON)
        return answer.status_code, " ".join(answer.json()["errors"])

    assert errors() == (422, "Choose a picture.")
    assert errors(given("notes.txt", b"words"))[0] == 422
    make_library_picture(bob, film, picture(color="red"))
    settings.LIBRARY_MAX_PICTURES = 1
    assert errors(given()) == (422, "The library takes 1 picture. Delete one first.")
    BannedFile.objects.create(sha256=make_upload(bob).sha256, reason="x")
    assert errors(given()) == (422, "This picture may not be used here. Choose another one.")


def test_who_may_add(film: Team, alice: User, bob: User, victor: User, mallory: User) -> None:
    for person, status in ((alice, 201), (bob, 201), (victor, 403), (mallory, 404)):
        answer = signed_in(person).post("/library/add", {"team": "film", "pictures": [given()]}, headers=JSON)
        assert answer.status_code == status, person
    assert signed_in(victor).post("/library/add", {"pictures": [given()]}, headers=JSON).status_code == 201
    assert LibraryPicture.objects.filter(user=victor).get().team == victor.personal_team


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_are_found_however_they_are_written(client: Client, form: Any) -> None:
    """Names of files have them as letters and marks, a keyboard as one letter."""
    words = unicodedata.normalize(form, "Café Ångström")
    client.post("/library/add", {"team": "film", "pictures": [given(f"{words}.jpg")]})
    kept = LibraryPicture.objects.get()
    client.post(f"/library/{kept.pk}/change", {"name": words, "tags": words})

    for typed in ("NFC", "NFD"):
        assert names(client.get("/library/", {"q": unicodedata.normalize(typed, "café")})) == ["Café Ångström"]
    assert Tag.objects.get().name == "Café Ångström"


# --- finding


def test_newest_first_page_by_page(film: Team, bob: User, client: Client) -> None:
    many(film, bob, PAGE_SIZE + 3)
    first = client.get("/library/")
    older = client.get("/library/", {"before": first.context["older"]})

    assert names(first) + names(older) == [f"Picture {number}" for number in reversed(range(PAGE_SIZE + 3))]
    assert older.context["older"] == ""
    for wrong in ("x", "2026-11-29_x", f"2026-11-29T00:00:00_{film.pk}"):
        assert client.get("/library/", {"before": wrong}).status_code == 404


def test_search_team_and_tag_narrow_it_together(film: Team, bob: User, client: Client) -> None:
    fox = make_library_picture(bob, film, name="Red fox")
    fox.set_tags(["Snow"])
    make_library_picture(bob, film, picture(color="red"), name="Wolf").set_tags(["Snow"])
    make_library_picture(bob, bob.personal_team, name="My fox")
    snow = fox.tags.get()

    def found(**query: str | int) -> list[str]:
        return sorted(names(client.get("/library/", query)))

    assert found() == ["My fox", "Red fox", "Wolf"]
    assert found(q="FOX") == ["My fox", "Red fox"]
    assert found(q="snow fox") == ["Red fox"]
    assert found(team="film") == ["Red fox", "Wolf"]
    assert found(tag=snow.pk, q="wolf") == ["Wolf"]
    assert found(q="nothing of it") == []
    assert found(team="nobodys", tag="x") == ["My fox", "Red fox", "Wolf"]
    assert "No pictures found." in client.get("/library/?q=none").content.decode()


def test_a_tag_that_is_not_offered_narrows_all_the_same(
    film: Team, bob: User, client: Client, mallory: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its chip stands beside each of its pictures."""
    monkeypatch.setattr(library, "_MAX_TAGS_OFFERED", 1)
    make_library_picture(bob, film, name="Fox").set_tags(["Autumn"])
    make_library_picture(bob, film, picture(color="red"), name="Wolf").set_tags(["Snow"])
    snow = Tag.objects.get(name="Snow")

    page = client.get("/library/", {"tag": snow.pk})
    assert names(page) == ["Wolf"]
    assert f'value="{snow.pk}" selected' in page.content.decode()
    assert "Snow" not in signed_in(mallory).get("/library/", {"tag": snow.pk}).content.decode()


def test_an_empty_library_says_what_it_is_for(client: Client, victor: User) -> None:
    page = client.get("/library/").content.decode()
    assert "everyone in the team can start or end a video with" in page
    assert "data-library-add" in page


def test_others_see_nothing_of_it(film: Team, bob: User, mallory: User) -> None:
    kept = make_library_picture(bob, film)
    client = signed_in(mallory)

    assert names(client.get("/library/")) == []
    assert names(client.get("/library/?team=film")) == []
    for what in ("picture", "thumbnail", "delete"):
        assert client.get(f"/library/{kept.pk}/{what}").status_code == 404
    for verb in ("use", "change", "delete"):
        assert client.post(f"/library/{kept.pk}/{verb}", {"name": "Mine"}).status_code == 404


def test_files_are_handed_out(film: Team, victor: User, bob: User, settings: Settings) -> None:
    settings.MEDIA_DELIVERY = "proxy"
    kept = make_library_picture(bob, film)
    client = signed_in(victor)
    whole: Any = client.get(f"/library/{kept.pk}/picture")
    small: Any = client.get(f"/library/{kept.pk}/thumbnail")

    assert whole.headers["Content-Type"] == kept.media_type
    assert b"".join(whole.streaming_content) == bucket.get(kept.key)
    assert small.headers["Content-Type"] == "image/webp"
    assert b"".join(small.streaming_content) == bucket.get(kept.thumbnail_key)


def many(team: Team, user: User, count: int) -> None:
    """Rows alone, each a second younger than the one before."""
    now = timezone.now()
    rows = [
        LibraryPicture(
            team=team,
            user=user,
            name=f"Picture {number}",
            sha256=f"{number:064}",
            perceptual_hash=f"{number:016x}",
            media_type="image/jpeg",
            width=400,
            height=300,
            size=1000,
            key=f"teams/{team.pk}/library/{number}",
            thumbnail_key=f"teams/{team.pk}/library/{number}.webp",
        )
        for number in range(count)
    ]
    LibraryPicture.objects.bulk_create(rows)
    for row, number in zip(rows, range(count), strict=True):
        row.created_at = now - timezone.timedelta(seconds=count - number)  # type: ignore[attr-defined]
    LibraryPicture.objects.bulk_update(rows, ["created_at"], batch_size=2000)


def test_ten_thousand_take_no_more_queries_than_a_few(
    film: Team, bob: User, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many(film, bob, 10_000)
    row = LibraryPicture.objects.get(name="Picture 9999")
    row.set_tags(["Snow"])
    BannedFile.objects.bulk_create(
        BannedFile(sha256=f"{number:x}", perceptual_hash="f" * 16, reason="x") for number in range(50)
    )
    for address in ("", "?q=picture+9&team=film", f"?tag={row.tags.get().pk}", "?q=nothing", "?part=picker&q=99"):
        with django_assert_max_num_queries(8):
            assert client.get(f"/library/{address}").status_code == 200


# --- name and tags


def test_name_and_tags_are_changed(film: Team, bob: User, client: Client) -> None:
    kept = make_library_picture(bob, film)
    values = {"name": " Red\nfox ", "tags": "Snow, snow, Deep forest", "next": f"/library/?q=fox#picture-{kept.pk}"}
    answer = client.post(f"/library/{kept.pk}/change", values)

    assert answer.headers["Location"] == values["next"]
    kept.refresh_from_db()
    assert kept.name == "Red fox"
    assert [tag.name for tag in kept.tags.all()] == ["Deep forest", "Snow"]
    page = client.get("/library/").content.decode()
    assert 'value="Deep forest, Snow"' in page


@pytest.mark.parametrize(
    ("name", "tags", "error"),
    [
        ("", "Snow", "This field is required."),
        ("\u200b", "Snow", "Nothing of this name can be seen. Choose another one."),
        ("Fox", ", ".join(map(str, range(21))), "Use at most 20 tags."),
    ],
)
def test_what_was_typed_wrong_stays(film: Team, bob: User, client: Client, name: str, tags: str, error: str) -> None:
    kept = make_library_picture(bob, film, name="Before")
    make_library_picture(bob, film, picture(color="red"))
    answer = client.post(f"/library/{kept.pk}/change", {"name": name, "tags": tags})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert error in page
    assert f'value="{tags}"' in page
    assert names(answer) == ["Before"]
    assert LibraryPicture.objects.get(pk=kept.pk).name == "Before"
    assert not kept.tags.exists()


def test_one_that_is_deleted_meanwhile_is_not_changed(
    film: Team, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, see = make_library_picture(bob, film), library._visible

    def see_and_lose(*args: Any) -> LibraryPicture:
        found = see(*args)
        LibraryPicture.objects.all().delete_with_objects()
        return found

    monkeypatch.setattr(library, "_visible", see_and_lose)
    assert client.post(f"/library/{kept.pk}/change", {"name": "Wolf", "tags": "Snow"}).status_code == 404
    connection.check_constraints()


def test_viewers_change_nothing(film: Team, bob: User, victor: User) -> None:
    kept = make_library_picture(bob, film)
    client = signed_in(victor)

    assert client.post(f"/library/{kept.pk}/change", {"name": "Mine"}).status_code == 403
    page = client.get("/library/").content.decode()
    assert f"/library/{kept.pk}/change" not in page


# --- deleting


def test_who_deletes_it(film: Team, alice: User, bob: User, victor: User) -> None:
    of_alice = make_library_picture(alice, film)
    of_bob = make_library_picture(bob, film, picture(color="red"))
    for person, kept, status in (
        (victor, of_bob, 403),
        (bob, of_alice, 403),
        (bob, of_bob, 302),
        (alice, of_alice, 302),
    ):
        client = signed_in(person)
        assert client.get(f"/library/{kept.pk}/delete").status_code == (200 if status == 302 else 403)
        assert client.post(f"/library/{kept.pk}/delete").status_code == status
        assert LibraryPicture.objects.filter(pk=kept.pk, trashed_at=None).exists() is (status == 403)


def test_admins_delete_what_others_added(film: Team, alice: User, bob: User) -> None:
    kept = make_library_picture(bob, film)
    page = signed_in(alice).get(f"/library/{kept.pk}/delete").content.decode()
    assert "can be restored for 30 days" in page
    assert signed_in(alice).post(f"/library/{kept.pk}/delete").headers["Location"] == "/library/"
    assert not LibraryPicture.objects.visible_to(bob).exists()


# --- into the composer, and out of it


@pytest.mark.parametrize("slot", ["start", "tail"])
def test_used_without_scripts_it_stands_in_the_composer(film: Team, bob: User, victor: User, slot: str) -> None:
    kept = make_library_picture(bob, film)
    client = signed_in(victor)
    answer = client.post(f"/library/{kept.pk}/use", {"slot": slot})

    upload = Upload.objects.get()
    assert upload.user == victor
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query == {"kind": ["image"], slot: [str(upload.pk)]}  # victor may not order in the team
    page = client.get(answer.headers["Location"]).content.decode()
    assert f'name="{slot}_upload" value="{upload.pk}"' in page


def test_the_team_comes_along_where_one_may_order_in_it(film: Team, bob: User, client: Client) -> None:
    kept = make_library_picture(bob, film)
    assert "team=film" in client.post(f"/library/{kept.pk}/use", {"slot": "start"}).headers["Location"]


def test_used_by_a_script_it_answers_as_an_upload(film: Team, bob: User, client: Client) -> None:
    kept = make_library_picture(bob, film)
    answer = client.post(f"/library/{kept.pk}/use", headers=JSON)

    upload = Upload.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(upload.pk),
        "width": 400,
        "height": 300,
        "url": f"/uploads/{upload.pk}",
        "changes": "",
    }


def test_one_that_the_bucket_has_lost_is_not_used(film: Team, bob: User, client: Client) -> None:
    kept = make_library_picture(bob, film)
    bucket.delete(kept.key)

    assert client.post(f"/library/{kept.pk}/use", headers=JSON).status_code == 503
    assert client.post(f"/library/{kept.pk}/use", {"next": "/library/?q=x"}).headers["Location"] == "/library/?q=x"
    assert not Upload.objects.exists()


def test_a_picture_of_the_composer_is_kept(film: Team, bob: User, client: Client) -> None:
    upload = make_upload(bob)
    answer = client.post("/library/keep", {"upload": str(upload.pk), "team": "film", "name": "Fox"})

    assert (answer.status_code, answer.json()["message"]) == (201, "Kept in the picture library of Film.")
    kept = LibraryPicture.objects.get()
    assert (kept.team, kept.user, kept.name, kept.sha256) == (film, bob, "Fox", upload.sha256)


def test_a_colleagues_picture_of_a_shot_is_kept(film: Team, alice: User, mallory: User, client: Client) -> None:
    upload = make_upload(alice)
    sent = {"upload": str(upload.pk)}
    assert client.post("/library/keep", sent).status_code == 422
    Shot.objects.append(Collection.objects.create(team=film, name="Spring"), [Shot(tail=upload)])
    assert client.post("/library/keep", sent).status_code == 201
    assert signed_in(mallory).post("/library/keep", sent).status_code == 422
    assert LibraryPicture.objects.get().sha256 == upload.sha256


def test_only_ones_own_upload_is_kept(film: Team, bob: User, alice: User, client: Client) -> None:
    for named in (str(make_upload(alice).pk), "x", ""):
        answer = client.post("/library/keep", {"upload": named, "team": "film"})
        assert answer.status_code == 422
    assert not LibraryPicture.objects.exists()


# --- frames


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE, prompt="A fox looks up")
    make_video(row, mp4(seconds=1.0, size=(640, 360)))
    return row


def keep_frame(client: Client, row: Generation) -> LibraryPicture:
    answer = client.post(f"/generations/{row.pk}/frame", {"at": "0.5", "slot": "library"})
    assert answer.headers["Location"] == row.get_absolute_url()
    return LibraryPicture.objects.get()


def test_a_frame_is_kept_in_the_library_of_its_team(film: Team, client: Client, row: Generation) -> None:
    kept = keep_frame(client, row)

    assert (kept.team, kept.name, kept.frame_of, kept.width) == (film, "A fox looks up", row, 640)
    assert "Kept in the picture library of Film." in client.get(row.get_absolute_url()).content.decode()
    assert not Upload.objects.exists()


@pytest.mark.parametrize("column", ["is_private", "awaits_review"])
def test_a_frame_that_the_team_does_not_see_is_kept_for_oneself(
    bob: User, client: Client, row: Generation, column: str
) -> None:
    Generation.objects.filter(pk=row.pk).update(**{column: True})

    assert keep_frame(client, row).team == bob.personal_team


def test_a_viewer_keeps_frames_for_themselves(victor: User, row: Generation) -> None:
    assert keep_frame(signed_in(victor), row).team == victor.personal_team
