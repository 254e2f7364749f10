"""A team's picture library: what it takes, how long its pictures live, and what becomes of banned ones."""

import contextlib

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations import bucket
from generations.flows.delete_account import delete_account
from generations.flows.delete_team import delete_team
from generations.flows.remove_member import remove_member
from generations.models import BannedFile, Generation, LibraryPicture, Status, StorageDeletion, Tag, Upload
from generations.models.library_picture import parse_tags
from generations.moderation import retention
from generations.moderation.image_hash import hash_image
from generations.moderation.screening import BannedPictureError
from generations.orders import library
from generations.orders.frames import keep_frame, keep_last_frame
from generations.orders.library import LibraryClosedError, LibraryFullError, add_picture, add_upload, use_picture
from generations.storage.cleanup import is_referenced, remove_objects
from tests.cast import (
    drawing,
    make_generation,
    make_input_picture,
    make_library_picture,
    make_upload,
    make_video,
    picture,
    read_picture,
)
from tests.generations.mirror.videos import mp4

pytestmark = pytest.mark.django_db


def objects(team: Team) -> set[str]:
    return {found.key for found in bucket.list_objects(f"teams/{team.pk}/library/")}


def test_a_picture_and_its_thumbnail_lie_in_the_bucket(film: Team, bob: User) -> None:
    kept = make_library_picture(bob, film, picture(size=(1600, 900)))

    assert objects(film) == {kept.key, kept.thumbnail_key}
    assert bucket.size(kept.key) == kept.size
    assert bucket.size(kept.thumbnail_key) < kept.size
    assert all(map(is_referenced, kept.own_keys()))


def test_the_same_picture_is_there_once_and_is_put_back(film: Team, alice: User, bob: User) -> None:
    first = make_library_picture(bob, film, name="Fox")
    bucket.delete(first.key)
    again = make_library_picture(alice, film, name="Wolf")
    remove_objects()

    assert again == first
    assert LibraryPicture.objects.get().name == "Fox"
    assert objects(film) == set(first.own_keys())
    assert make_library_picture(bob, bob.personal_team) != first


def test_a_picture_that_another_adds_at_this_moment_leaves_no_second_object(
    film: Team, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = bucket.put

    def put_and_be_late(key: str, data: bytes, media_type: str) -> None:
        monkeypatch.undo()
        make_library_picture(alice, film)
        put(key, data, media_type)

    monkeypatch.setattr(bucket, "put", put_and_be_late)
    kept = make_library_picture(bob, film)
    remove_objects()

    assert kept.user == alice
    assert objects(film) == set(kept.own_keys())


@pytest.mark.parametrize(("name", "most"), [("LIBRARY_MAX_PICTURES", 1), ("LIBRARY_MAX_BYTES", 2000)])
def test_a_full_library_says_so_and_leaves_nothing(
    film: Team, bob: User, settings: Settings, name: str, most: int
) -> None:
    kept = make_library_picture(bob, film)
    setattr(settings, name, most)
    with pytest.raises(LibraryFullError, match=r"Delete (one|some) first\."):
        make_library_picture(bob, film, picture(color="red"))
    remove_objects()

    assert objects(film) == set(kept.own_keys())
    assert make_library_picture(bob, film) == kept  # which is there already, so it needs no room


def test_it_outlives_the_upload(film: Team, bob: User) -> None:
    upload = make_upload(bob)
    kept = add_upload(bob, film, upload, "Fox")
    StorageDeletion.objects.enqueue([upload.key])
    upload.delete()
    remove_objects()

    assert bucket.size_or_none(upload.key) is None
    assert bucket.size(kept.key) == kept.size
    assert (kept.sha256, kept.width, kept.height) == (upload.sha256, upload.width, upload.height)


def test_a_known_picture_that_is_deleted_while_it_is_added_again_is_added_anew(
    film: Team, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose objects are removed has no row."""
    first, insert = make_library_picture(bob, film), library._insert

    def delete_and_insert(row: LibraryPicture, user: User) -> LibraryPicture | None:
        monkeypatch.undo()
        LibraryPicture.objects.all().delete_with_objects()
        remove_objects()
        return insert(row, user)

    monkeypatch.setattr(library, "_insert", delete_and_insert)
    kept = make_library_picture(alice, film, name="Wolf")
    remove_objects()

    assert LibraryPicture.objects.get() == kept
    assert (kept.user, kept.name, kept == first) == (alice, "Wolf", False)
    assert objects(film) == set(kept.own_keys())


@pytest.mark.parametrize("event", ["removed", "made a viewer", "team deleted", "team inherited"])
def test_who_may_no_more_adds_nothing(
    film: Team, alice: User, bob: User, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where that comes while the picture is on its way."""
    put = bucket.put

    def put_and_be_late(key: str, data: bytes, media_type: str) -> None:
        monkeypatch.undo()
        match event:
            case "removed":
                remove_member(film, bob, alice)
            case "made a viewer":
                Membership.objects.filter(team=film, user=bob).update(role=Role.VIEWER)
            case _:
                assert delete_team(film, alice, None if event == "team deleted" else bob)
        put(key, data, media_type)

    monkeypatch.setattr(bucket, "put", put_and_be_late)
    with pytest.raises(LibraryClosedError, match="any more"):
        make_library_picture(bob, film)
    remove_objects()

    assert not LibraryPicture.objects.exists()
    assert objects(film) == set()


def test_using_one_makes_an_upload_of_ones_own(film: Team, alice: User, bob: User) -> None:
    kept = make_library_picture(bob, film)
    upload = use_picture(alice, kept)

    assert (upload.user, upload.sha256, upload.width) == (alice, kept.sha256, kept.width)
    assert bucket.get(upload.key) == bucket.get(kept.key)
    assert use_picture(alice, kept) == upload
    assert Upload.objects.get() == upload


def test_deleted_with_its_objects(film: Team, bob: User) -> None:
    kept, other = make_library_picture(bob, film), make_library_picture(bob, film, picture(color="red"))
    assert LibraryPicture.objects.filter(pk=kept.pk).delete_with_objects() == 1
    remove_objects()

    assert objects(film) == set(other.own_keys())


def test_tags_are_the_teams_own(film: Team, bob: User) -> None:
    snow = Tag.objects.create(team=film, name="Snow")
    kept = make_library_picture(bob, film)
    kept.set_tags(["snow", "Forest"])
    kept.set_tags(["Snow", "Night"])

    assert sorted(tag.name for tag in kept.tags.all()) == ["Night", "Snow"]
    assert snow in kept.tags.all()


@pytest.mark.parametrize(
    ("text", "names"),
    [("", []), (" , ,", []), ("Snow", ["Snow"]), ("Snow,  deep  forest , snow", ["Snow", "deep forest"])],
)
def test_tags_are_parsed(text: str, names: list[str]) -> None:
    assert parse_tags(text) == names


@pytest.mark.parametrize(
    ("words", "found"),
    [("", True), ("fox", True), ("FO", True), ("fox snow", True), ("snow deep", True), ("fox night", False)],
)
def test_each_word_of_a_search_is_in_the_name_or_in_a_tag(film: Team, bob: User, words: str, found: bool) -> None:
    make_library_picture(bob, film, name="Red fox").set_tags(["Deep snow"])

    assert LibraryPicture.objects.search(words).exists() is found


# --- who sees it, and bans


def test_the_team_sees_it(film: Team, bob: User, victor: User, mallory: User, mona: User) -> None:
    kept = make_library_picture(bob, film)
    seen = {person.name: LibraryPicture.objects.visible_to(person).first() for person in (bob, victor, mallory, mona)}
    assert seen == {"Bob": kept, "Victor": kept, "Mallory": None, "Mona": None}

    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)
    assert not LibraryPicture.objects.visible_to(bob).exists()


def test_a_banned_picture_is_refused_and_disappears(film: Team, alice: User, bob: User) -> None:
    kept, other = make_library_picture(bob, film), make_library_picture(bob, film, picture(color="red"))
    ban = BannedFile.objects.create(sha256=kept.sha256, reason="x")

    assert LibraryPicture.objects.visible_to(bob).get() == other
    with pytest.raises(BannedPictureError):
        use_picture(alice, kept)
    with pytest.raises(BannedPictureError):
        make_library_picture(alice, alice.personal_team)
    ban.delete()
    assert LibraryPicture.objects.visible_to(bob).count() == 2


def test_what_looks_like_a_banned_picture_disappears_too(film: Team, alice: User, bob: User) -> None:
    small = make_library_picture(bob, film, drawing(size=(400, 300)))
    other = make_library_picture(bob, film, drawing(1))
    plain = make_library_picture(bob, film)  # without a perceptual hash
    large = drawing(size=(800, 600))
    assert small.perceptual_hash
    assert not plain.perceptual_hash
    BannedFile.objects.create(sha256="0" * 64, perceptual_hash=hash_image(large), reason="x")
    BannedFile.objects.create(sha256="1" * 64, reason="A video")

    assert set(LibraryPicture.objects.visible_to(bob)) == {other, plain}
    with pytest.raises(BannedPictureError):
        use_picture(alice, small)


def test_a_frame_goes_with_the_video_that_is_taken_down(film: Team, alice: User, bob: User) -> None:
    """It comes back with it, and ends with its evidence."""
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    kept = add_picture(bob, film, read_picture(picture()), "Frame", frame_of=row)
    row.take_down(alice, "why")
    assert not LibraryPicture.objects.visible_to(bob).exists()
    assert retention.purge_library_pictures() == 0
    row.restore(alice, "wrong")
    assert LibraryPicture.objects.visible_to(bob).get() == kept
    row.take_down(alice, "right")
    row.delete_permanently(None)
    assert retention.purge_library_pictures() == 1
    assert not LibraryPicture.objects.exists()
    assert set(kept.own_keys()) <= set(StorageDeletion.objects.values_list("key", flat=True))


@pytest.mark.parametrize("way", ["its bytes", "its frame again", "the composer"])
def test_a_frame_of_a_video_that_was_taken_down_is_not_added(film: Team, alice: User, bob: User, way: str) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    if way == "its bytes":
        add_picture(bob, film, read_picture(picture()), "Secret", frame_of=row)
    upload = make_upload(bob)
    Upload.objects.filter(pk=upload.pk).update(last_frame_of=row)
    row.take_down(alice, "why")
    add = {
        "its bytes": lambda: make_library_picture(alice, film),
        "its frame again": lambda: add_picture(bob, film, read_picture(picture()), "Frame", frame_of=row),
        "the composer": lambda: add_upload(bob, film, Upload.objects.get(), "Frame"),
    }
    with pytest.raises(BannedPictureError):
        add[way]()
    assert not LibraryPicture.objects.visible_to(alice).exists()


@pytest.mark.parametrize("way", ["the middle", "the end", "by another library"])
def test_a_frame_that_comes_by_the_composer_goes_with_its_video(film: Team, alice: User, bob: User, way: str) -> None:
    row = make_generation(bob, film, Status.DONE)
    video = make_video(row, mp4(seconds=1.0, size=(640, 360)))
    upload = keep_last_frame(bob, row) if way == "the end" else keep_frame(bob, video, 0.5)
    if way == "by another library":
        own = add_upload(bob, bob.personal_team, upload, "Frame")
        Upload.objects.all().delete()
        upload = use_picture(bob, own)
    kept = add_upload(bob, film, Upload.objects.get(pk=upload.pk), "Frame")
    assert LibraryPicture.objects.visible_to(alice).get() == kept

    row.take_down(alice, "why")
    assert not LibraryPicture.objects.visible_to(alice).exists()


@pytest.mark.parametrize("is_own", [True, False])
def test_a_frame_of_a_video_under_review_is_kept_for_oneself_alone(film: Team, bob: User, is_own: bool) -> None:
    row = make_generation(bob, film, Status.DONE, awaits_review=True)
    upload = keep_frame(bob, make_video(row, mp4(seconds=1.0, size=(640, 360))), 0.5)
    if is_own:
        assert add_upload(bob, bob.personal_team, upload, "Frame").frame_of == row
        return
    with pytest.raises(LibraryClosedError, match="waits for review"):
        add_upload(bob, film, upload, "Frame")
    Generation.objects.update(awaits_review=False)
    assert add_upload(bob, film, Upload.objects.get(), "Frame").team == film


def test_a_frame_outlives_a_video_that_its_owner_deletes(film: Team, bob: User) -> None:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    kept = add_picture(bob, film, read_picture(picture()), "Frame", frame_of=row)
    row.delete_permanently(bob)

    assert retention.purge_library_pictures() == 0
    assert LibraryPicture.objects.visible_to(bob).get() == kept


# --- who added it goes


def test_pictures_of_a_member_who_leaves_stay(film: Team, alice: User, bob: User) -> None:
    kept = make_library_picture(bob, film)
    remove_member(film, bob, alice)

    assert LibraryPicture.objects.visible_to(alice).get() == kept
    assert not LibraryPicture.objects.visible_to(bob).exists()


def test_a_deleted_account_leaves_the_teams_pictures_and_takes_its_own(film: Team, alice: User, bob: User) -> None:
    kept = make_library_picture(bob, film)
    own = make_library_picture(bob, bob.personal_team)
    assert delete_account(bob)
    remove_objects()

    assert LibraryPicture.objects.get() == kept
    assert "bob" not in str(LibraryPicture.objects.visible_to(alice).select_related("user").get().user).lower()
    assert bucket.size(kept.key) == kept.size
    assert [bucket.size_or_none(key) for key in own.own_keys()] == [None, None]


def test_a_deleted_team_takes_its_pictures_along(film: Team, alice: User, bob: User) -> None:
    make_library_picture(bob, film)
    assert delete_team(film, alice, None)
    remove_objects()

    assert not LibraryPicture.objects.exists()
    assert objects(film) == set()


def test_an_heir_gets_the_pictures_of_a_deleted_team(film: Team, alice: User, bob: User, victor: User) -> None:
    kept = make_library_picture(bob, film)
    assert delete_team(film, alice, victor)

    assert LibraryPicture.objects.visible_to(victor).get() == kept
    assert LibraryPicture.objects.get().user == victor
    assert not LibraryPicture.objects.visible_to(alice).exists()


# --- audit and repair


def repair(capsys: pytest.CaptureFixture[str]) -> str:
    with contextlib.suppress(SystemExit):
        call_command("audit_storage", "--repair")
    return capsys.readouterr().out


def test_a_lost_thumbnail_is_made_again(film: Team, bob: User, capsys: pytest.CaptureFixture[str]) -> None:
    kept = make_library_picture(bob, film)
    before = bucket.get(kept.thumbnail_key)
    bucket.delete(kept.thumbnail_key)

    assert "made again from the picture" in repair(capsys)
    assert bucket.get(kept.thumbnail_key) == before


@pytest.mark.parametrize("elsewhere", ["upload", "input"])
def test_a_lost_picture_is_copied_from_where_its_team_has_it(
    film: Team, alice: User, bob: User, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = make_library_picture(bob, film)
    before = bucket.get(kept.key)
    if elsewhere == "upload":
        make_upload(alice)
    else:
        make_input_picture(make_generation(alice, film))
    for key in kept.own_keys():
        bucket.delete(key)

    assert "copied from" in repair(capsys)
    assert bucket.get(kept.key) == before
    assert bucket.size_or_none(kept.thumbnail_key)


def test_a_lost_picture_of_which_there_is_no_other_stays_lost(
    film: Team, bob: User, mallory: User, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = make_library_picture(bob, film)
    make_upload(mallory)  # of no member
    bucket.delete(kept.key)

    assert "Add it to the library once more" in repair(capsys)
    make_library_picture(bob, film)
    assert bucket.size(kept.key) == kept.size
