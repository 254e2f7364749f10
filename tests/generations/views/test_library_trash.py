"""A deleted picture of the library lies in the trash: back by one press, and gone for good after 30 days."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Team, User
from generations import bucket, tasks
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.models import BannedFile, LibraryPicture, Status, StorageDeletion
from generations.orders.library import LibraryFullError, add_picture, restore_picture
from generations.storage.cleanup import empty_picture_trash, is_referenced, remove_objects
from tests.cast import make_generation, make_library_picture, make_video, picture, read_picture, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(bob: User) -> Client:
    return signed_in(bob)


@pytest.fixture
def kept(film: Team, bob: User) -> LibraryPicture:
    found = make_library_picture(bob, film, name="Red fox")
    found.set_tags(["Snow"])
    return found


def delete(kept: LibraryPicture, by: User, days: float = 0) -> LibraryPicture:
    assert signed_in(by).post(reverse("library-delete", args=[kept.pk])).status_code == 302
    if days:
        LibraryPicture.objects.filter(pk=kept.pk).update(trashed_at=timezone.now() - timedelta(days=days))
    kept.refresh_from_db()
    return kept


def test_deleted_it_is_nowhere_but_in_the_trash(kept: LibraryPicture, bob: User, client: Client) -> None:
    delete(kept, bob)
    for address in ("/library/", "/library/?q=fox", "/library/?part=picker"):
        page = client.get(address).content.decode()
        assert "Red fox" not in page.replace("Moved to trash", "")
        assert "Snow" not in page
    for name in ("library-picture", "library-thumbnail", "library-delete"):
        assert client.get(reverse(name, args=[kept.pk])).status_code == 404, name
    for name in ("library-use", "library-change", "library-delete"):
        assert client.post(reverse(name, args=[kept.pk]), {"name": "x"}).status_code == 404, name
    assert "Red fox" in client.get("/trash/").content.decode()
    assert client.get(reverse("trash-picture-thumbnail", args=[kept.pk])).status_code == 200


def test_undo_brings_it_back_with_its_name_and_tags(kept: LibraryPicture, client: Client) -> None:
    page = client.post(reverse("library-delete", args=[kept.pk]), follow=True).content.decode()
    kept.refresh_from_db()
    assert kept.trashed_at
    assert "Moved to trash." in page
    assert f'name="at" value="{kept.trashed_at.isoformat()}"' in page.replace("&#x2B;", "+")
    answer = client.post(reverse("trash-undo"), {"at": kept.trashed_at.isoformat(), "next": "/library/"}, follow=True)

    assert "Restored." in answer.content.decode()
    assert [(one.name, str(one.tags.get())) for one in answer.context["pictures"]] == [("Red fox", "Snow")]
    assert client.get(reverse("library-picture", args=[kept.pk])).status_code == 200


def test_the_trash_shows_it_to_the_team_and_the_verbs_to_who_may(
    kept: LibraryPicture, alice: User, bob: User, victor: User, mallory: User
) -> None:
    delete(kept, bob, 3)
    restore = reverse("trash-picture-restore", args=[kept.pk])
    pages = [signed_in(who).get("/trash/").content.decode() for who in (alice, bob, victor, mallory)]

    assert ["Red fox" in page for page in pages] == [True, True, True, False]
    assert [restore in page for page in pages] == [True, True, False, False]
    assert "26 days left." in pages[0]
    assert "Trash is empty." in pages[3]


@pytest.mark.parametrize("verb", ["trash-picture-restore", "trash-picture-delete", "trash-undo"])
def test_who_may_restore_it_and_delete_it_for_good(
    verb: str, kept: LibraryPicture, film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    hers = delete(make_library_picture(alice, film, picture(color="red")), alice)

    def post(who: User, row: LibraryPicture) -> int:
        assert row.trashed_at
        address = reverse(verb, args=[] if verb == "trash-undo" else [row.pk])
        return signed_in(who).post(address, {"at": row.trashed_at.isoformat()}).status_code

    if verb != "trash-undo":
        assert post(bob, hers) == 403
    for who in (victor, mallory, bob):
        post(who, hers)
    assert LibraryPicture.objects.filter(pk=hers.pk, trashed_at__isnull=False).exists()
    assert post(alice, delete(kept, bob)) == 302
    assert not LibraryPicture.objects.filter(pk=kept.pk, trashed_at__isnull=False).exists()


@pytest.mark.parametrize("verb", ["trash-picture-restore", "trash-picture-delete"])
def test_one_that_is_in_use_is_not_in_the_trash(verb: str, kept: LibraryPicture, client: Client) -> None:
    """Of a page that is out of date."""
    assert client.post(reverse(verb, args=[kept.pk])).status_code == 404
    assert LibraryPicture.objects.visible_to(kept.user).get() == kept


def test_deleted_for_good_it_leaves_the_bucket(kept: LibraryPicture, bob: User, client: Client) -> None:
    delete(kept, bob)
    client.post(reverse("trash-picture-delete", args=[kept.pk]))
    remove_objects()

    assert not LibraryPicture.objects.exists()
    assert [bucket.size_or_none(key) for key in kept.own_keys()] == [None, None]


@pytest.mark.parametrize(("days", "stays"), [(29, True), (31, False)])
def test_it_stays_thirty_days_with_its_objects(
    kept: LibraryPicture, bob: User, days: int, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)  # the test's transaction is on it
    delete(kept, bob, days)
    StorageDeletion.objects.enqueue(kept.own_keys())  # somebody's mistake
    tasks.sweep()
    remove_objects()

    assert LibraryPicture.objects.exists() is stays
    assert [bool(bucket.size_or_none(key)) for key in kept.own_keys()] == [stays, stays]
    assert all(map(is_referenced, kept.own_keys())) is stays
    assert empty_picture_trash() == 0


@pytest.mark.parametrize(
    ("name", "most", "left"),
    [
        ("LIBRARY_MAX_PICTURES", 2, {"Film": [0, 1], "Bob": [0, 1]}),
        ("LIBRARY_MAX_BYTES", 4_000_000_000, {"Film": [0, 1], "Bob": [0, 1, 2]}),
    ],
)
def test_a_trash_takes_as_much_as_a_library(
    film: Team, bob: User, settings: Settings, name: str, most: int, left: dict[str, list[int]]
) -> None:
    """Of each team the oldest go first; a picture that is not in it counts for nothing."""
    for team, size in ((film, 2_000_000_000), (bob.personal_team, 10)):
        for days in range(3):
            row = make_library_picture(bob, team, picture(size=(300 + days, 300)), name=str(days))
            LibraryPicture.objects.filter(pk=row.pk).update(size=size, trashed_at=timezone.now() - timedelta(days=days))
        make_library_picture(bob, team, picture(color="blue"), name="kept")
    setattr(settings, name, most)

    assert empty_picture_trash() == 6 - sum(map(len, left.values()))
    for team in (film, bob.personal_team):
        rows = LibraryPicture.objects.filter(team=team).order_by("name").values_list("name", flat=True)
        assert list(rows) == [*map(str, left[team.name]), "kept"]
    assert empty_picture_trash() == 0


@pytest.mark.parametrize("name", ["LIBRARY_MAX_PICTURES", "LIBRARY_MAX_BYTES"])
def test_it_takes_no_room_and_comes_back_where_there_is_some(
    kept: LibraryPicture, film: Team, bob: User, client: Client, settings: Settings, name: str
) -> None:
    """For one."""
    setattr(settings, name, 1 if name == "LIBRARY_MAX_PICTURES" else kept.size + 100)
    delete(kept, bob)
    other = make_library_picture(bob, film, picture(color="red"))
    assert kept.trashed_at
    for address in (reverse("trash-picture-restore", args=[kept.pk]), "/trash/undo"):
        answer = client.post(address, {"at": kept.trashed_at.isoformat()}, follow=True)
        assert "Delete " in answer.content.decode()
        assert LibraryPicture.objects.visible_to(bob).get() == other
    with pytest.raises(LibraryFullError):
        make_library_picture(bob, film)
    remove_objects()
    assert all(map(bucket.size_or_none, kept.own_keys()))
    delete(other, bob)
    client.post(reverse("trash-picture-restore", args=[kept.pk]))
    assert LibraryPicture.objects.visible_to(bob).get() == kept


def test_added_again_it_comes_out_of_the_trash(kept: LibraryPicture, film: Team, alice: User, bob: User) -> None:
    delete(kept, bob)
    again = make_library_picture(alice, film, name="Wolf")
    remove_objects()

    assert again == LibraryPicture.objects.visible_to(alice).get() == kept
    assert (again.name, str(again.tags.get()), again.user) == ("Red fox", "Snow", bob)
    assert all(map(bucket.size_or_none, kept.own_keys()))
    assert not restore_picture(kept)


def test_what_is_banned_or_taken_down_is_not_in_the_trash(film: Team, alice: User, bob: User, client: Client) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    frame = delete(add_picture(bob, film, read_picture(picture()), "Frame", frame_of=row), bob)
    banned = delete(make_library_picture(bob, film, picture(color="red"), "Banned"), bob)
    row.take_down(alice, "why")
    BannedFile.objects.create(sha256=banned.sha256, reason="x")

    page = client.get("/trash/").content.decode()
    assert "Frame" not in page
    assert "Banned" not in page
    for one in (frame, banned):
        assert one.trashed_at
        assert client.post(reverse("trash-picture-restore", args=[one.pk])).status_code == 404
        assert client.get(reverse("trash-picture-thumbnail", args=[one.pk])).status_code == 404
        client.post("/trash/undo", {"at": one.trashed_at.isoformat()})
    assert LibraryPicture.objects.filter(trashed_at=None).count() == 0


def test_accounts_and_teams_take_their_trash_along(film: Team, alice: User, bob: User, victor: User) -> None:
    own = delete(make_library_picture(bob, bob.personal_team), bob)
    of_team = delete(make_library_picture(bob, film), bob)
    assert delete_account(bob)
    assert LibraryPicture.objects.get() == of_team
    assert delete_team(film, alice, victor)
    assert signed_in(victor).post(reverse("trash-picture-restore", args=[of_team.pk])).status_code == 302
    assert LibraryPicture.objects.visible_to(victor).get() == of_team
    remove_objects()
    assert bucket.size_or_none(own.key) is None


def test_pages_of_pictures_miss_none_and_repeat_none(
    film: Team,
    bob: User,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr("generations.views.trash.PAGE_SIZE", 2)
    names = [f"Picture {number}" for number in range(5)]
    for number, name in enumerate(names):
        make_library_picture(bob, film, picture(color=f"#0000{number}0"), name)
    LibraryPicture.objects.update(trashed_at=timezone.now())
    seen, address = [], "/trash/"
    while address:
        with django_assert_max_num_queries(8):
            context = client.get(address).context
        seen += [one.name for one in context["pictures"]]
        older = context["older_pictures"].replace("+", "%2B")
        address = f"/trash/?pictures_before={older}" if older else ""

    assert sorted(seen) == names
    assert client.get("/trash/?pictures_before=nonsense").status_code == 404
