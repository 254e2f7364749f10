"""The bucket against the database: every kind of difference is found, told, and put right only when asked for."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Team, User
from devserver.s3 import address
from generations import bucket, mirror
from generations.bucket import StoredObject
from generations.models import Generation, InputPicture, Slot, Status, StorageDeletion, Upload, Video
from generations.storage import audit as storage_audit
from generations.storage import repair
from generations.storage.audit import KnownObject, Role, merge_by_key
from generations.storage.cleanup import remove_objects
from sharing.models import TeamSharing
from tests.cast import make_generation, make_input_picture, make_library_picture, make_upload, make_video
from tests.generations.mirror import provider as providers
from tests.generations.mirror.conftest import bucket_at
from tests.generations.mirror.provider import File, Provider
from tests.generations.mirror.videos import mp4
from tests.sandbox_process import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_bucket(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what other tests left there, and with nothing on its way."""
    for prefix in storage_audit.PREFIXES:
        for found in bucket.list_objects(prefix):
            bucket.delete(found.key)
    monkeypatch.setattr(storage_audit, "ORPHAN_GRACE_PERIOD", timedelta(minutes=-1))


@pytest.fixture
def fal() -> Iterator[Provider]:
    with providers.running() as provider:
        yield provider


@dataclass
class Audited:
    lines: list[str]
    totals: str
    code: int


def audit(*options: str) -> Audited:
    out = StringIO()
    try:
        call_command("audit_storage", *options, stdout=out)
        code = 0
    except SystemExit as end:
        code = int(str(end.code))
    *lines, totals = out.getvalue().splitlines()
    return Audited(lines, totals, code)


def everything() -> dict[str, int]:
    return {found.key: found.size for prefix in storage_audit.PREFIXES for found in bucket.list_objects(prefix)}


def rows() -> list[object]:
    models = (Generation, Video, InputPicture, Upload, StorageDeletion)
    return [list(model.objects.order_by("pk").values()) for model in models]


def put(key: str, data: bytes = b"lost") -> str:
    bucket.put(key, data, "application/octet-stream")
    return key


@pytest.fixture
def video(film: Team, bob: User, fal: Provider) -> Video:
    """As the pipeline leaves it, with fal's file still there."""
    url = fal.serve(File(mp4(seconds=0.25)))
    generation = make_generation(bob, film, Status.DONE, source_url=url)
    make_input_picture(generation)
    return make_video(generation)


def test_bucket_and_rows_that_agree_are_clean(video: Video, film: Team, bob: User) -> None:
    make_upload(bob)
    make_library_picture(bob, film)

    audited = audit()
    assert (audited.lines, audited.code) == ([], 0)
    assert audited.totals == ("6 objects in the bucket, 6 in the database: 0 orphans, 0 missing, 0 of a wrong size.")


@dataclass
class Damage:
    """What was done to the bucket, and what the audit shall say of it."""

    orphan: str
    lines: set[str]


@pytest.fixture
def damage(film: Team, bob: User, fal: Provider, video: Video) -> Damage:
    """One of everything; `video` is sound."""
    url = fal.serve(File(mp4(seconds=0.25)))
    no_video, no_poster, short, no_picture = (make_generation(bob, film, Status.DONE, source_url=url) for _ in range(4))
    gone, poster, cut = make_video(no_video), make_video(no_poster), make_video(short)
    picture, upload = make_input_picture(no_picture), make_upload(bob)
    size = cut.size
    bucket.delete(gone.key)
    bucket.delete(poster.poster_key)
    put(cut.key, b"half")
    bucket.delete(picture.key)
    bucket.delete(upload.key)
    orphan = put(f"teams/{film.pk}/generations/{short.pk}/input/old.jpg")
    return Damage(
        orphan,
        {
            f"orphan: {orphan} (4 bytes)",
            f"missing: {gone.key} (video of {no_video.pk})",
            f"missing: {poster.poster_key} (poster of {no_poster.pk})",
            f"missing: {picture.key} (input picture of {no_picture.pk})",
            f"missing: {upload.key} (upload {upload.pk})",
            f"wrong size: {cut.key} (video of {short.pk}, 4 bytes instead of {size:,})",
        },
    )


def test_every_difference_is_told_and_none_touched(damage: Damage) -> None:
    before = everything(), rows()
    audited = audit()

    assert set(audited.lines) == damage.lines
    assert len(audited.lines) == 6
    assert audited.totals.endswith("database: 1 orphans, 4 missing, 1 of a wrong size.")
    assert audited.code == 1
    assert (everything(), rows()) == before


@pytest.mark.usefixtures("trusting")
def test_repair_puts_everything_right(damage: Damage, video: Video) -> None:
    audited = audit("--repair")

    assert {line.partition(" → ")[0] for line in audited.lines} == damage.lines
    assert "not repaired" not in "".join(audited.lines)
    assert audited.totals.endswith("; 6 repaired.")
    assert audited.code == 1
    remove_objects()
    assert audit().lines == []
    assert damage.orphan not in everything()
    for each in Video.objects.all():
        assert bucket.get(each.key) == mp4(seconds=0.25)
        assert bucket.get(each.poster_key)[8:12] == b"WEBP"
    assert audit("--repair").code == 0


@pytest.fixture
def trusting(settings: Settings) -> None:
    """Files of fal's on loopback."""
    settings.MIRROR_TRUSTED_ORIGINS = frozenset({"http://127.0.0.1:*"})


@pytest.mark.usefixtures("trusting")
def test_video_whose_file_is_gone_at_fal_says_so(video: Video, fal: Provider) -> None:
    fal.serve(File(refusals=[404] * 20))
    bucket.delete(video.key)
    bucket.delete(video.poster_key)
    audited = audit("--repair")

    assert len(audited.lines) == 2
    for line in audited.lines:
        assert " → not repaired: " in line
        assert "404" in line or "deleted" in line or "gone" in line, line
    assert audited.totals.endswith("0 repaired.")
    assert audit().code == 1


@pytest.mark.usefixtures("trusting")
def test_video_and_poster_that_are_both_gone_come_back_together(video: Video) -> None:
    bucket.delete(video.key)
    bucket.delete(video.poster_key)
    audit("--repair")

    assert audit().code == 0


@pytest.mark.usefixtures("trusting")
def test_video_that_is_deleted_during_its_repair_does_not_come_back(
    video: Video, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*args: object, **kwargs: object) -> object:
        copied = mirror_video(*args, **kwargs)
        remove_after(video.generation, bob)
        return copied

    mirror_video: Callable[..., object] = mirror.mirror_video
    monkeypatch.setattr(repair, "mirror_video", slow)
    bucket.delete(video.key)
    audit("--repair")
    remove_objects()

    assert everything() == {}
    assert audit().code == 0


def remove_after(generation: Generation, by: User) -> None:
    """Deleted, and cleaned, just before the copy arrives."""
    generation.delete_permanently(by)
    StorageDeletion.objects.all().delete()


def test_file_of_a_video_that_the_database_never_knew_is_told_but_kept(film: Team) -> None:
    """A database restored from last week, or the wrong one, must not cost what was paid for."""
    key = put(f"teams/{film.pk}/generations/{uuid.uuid4()}/video.mp4")
    audited = audit("--repair")

    assert "not repaired: Kept" in audited.lines[0]
    assert not StorageDeletion.objects.exists()
    assert key in everything()


def test_picture_that_is_nowhere_else_is_told_to_be_lost(film: Team, bob: User) -> None:
    picture = make_input_picture(make_generation(bob, film, Status.DONE))
    bucket.delete(picture.key)

    assert "no other copy" in audit("--repair").lines[0]


def test_same_picture_in_both_slots_is_one_object(film: Team, bob: User) -> None:
    generation = make_generation(bob, film, Status.DONE)
    make_input_picture(generation, Slot.START)
    make_input_picture(generation, Slot.TAIL)

    assert audit().code == 0


def test_what_is_on_its_way_is_no_orphan(monkeypatch: pytest.MonkeyPatch, film: Team, bob: User) -> None:
    """A copy of the last hour, what is in the outbox already, and the file of a video that is being checked."""
    StorageDeletion.objects.enqueue([put("uploads/asked")])
    going = make_generation(bob, film, Status.MIRRORING)
    put(going.video_key)
    assert audit().code == 0

    put("uploads/new")
    assert audit().code == 1
    monkeypatch.setattr(storage_audit, "ORPHAN_GRACE_PERIOD", timedelta(hours=1))
    audited = audit()
    assert audited.code == 0
    assert "; 1 without a row are less than an hour old, so not judged." in audited.totals


def test_objects_of_deleted_rows_are_orphans_unless_the_outbox_has_them(video: Video, bob: User) -> None:
    video.generation.delete_permanently(bob)
    assert audit().code == 0

    StorageDeletion.objects.all().delete()
    assert len(audit("--repair").lines) == 3
    remove_objects()
    assert everything() == {}


def test_picture_of_a_person_is_known_and_its_loss_forgotten(bob: User) -> None:
    key, lost = put(f"avatars/{bob.pk}/fox.webp"), f"avatars/{bob.pk}/wolf.webp"
    User.objects.filter(pk=bob.pk).update(avatar_key=key)
    put(f"avatars/{bob.pk}/old.webp")
    assert audit().lines == [f"orphan: avatars/{bob.pk}/old.webp (4 bytes)"]

    User.objects.filter(pk=bob.pk).update(avatar_key=lost)
    bucket.delete(key)
    assert f"missing: {lost} (avatar of {bob.pk})" in audit().lines
    audit("--repair")
    bob.refresh_from_db()
    assert bob.avatar_key == ""


def test_logo_of_a_team_is_known_and_its_loss_forgotten(film: Team) -> None:
    key = put(f"logos/{film.pk}/fox.webp")
    TeamSharing.objects.create(team=film, logo_key=key)
    StorageDeletion.objects.enqueue([key])
    remove_objects()
    assert audit().lines == [], "what is shown again is not removed"

    bucket.delete(key)
    assert f"missing: {key} (logo of {film.pk})" in audit().lines
    audit("--repair")
    assert TeamSharing.objects.get().logo_key == ""


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("gone", [{"preview.mp4"}, {"preview.mp4", "video.mp4"}])
def test_preview_that_is_gone_is_made_again(video: Video, gone: set[str]) -> None:
    repair.add_preview(video.generation)
    assert audit().code == 0
    for name in gone:
        bucket.delete(f"{video.generation.key_prefix}/{name}")
    missing = f"missing: {video.generation.preview_key} (preview of {video.pk})"
    assert missing in audit().lines
    audit("--repair")

    assert audit().code == 0
    assert b"ftyp" in bucket.get(video.generation.preview_key)[:12]


def test_preview_that_its_row_does_not_know_is_no_orphan(video: Video) -> None:
    """It came too late to be written down; it goes when the video goes."""
    put(video.generation.preview_key)

    assert audit().code == 0


NEIGHBOURS = [
    *("a", "a-b", "a.b", "a/b", "a/b-c", "a/b/c", "aa", "a b", "A/b"),
    *("ä/b", "é", "€", "🦊/x", "日本/語", "~", "a+b%20c", "z&<>'"),
]


def test_keys_of_every_order_are_matched(bob: User) -> None:
    """Half of them known: `-` and `.` sort before the slash, and other S3 servers list folders otherwise."""
    for number, name in enumerate(NEIGHBOURS):
        key = put(f"uploads/{name}")
        if number % 2:
            make_row(bob, key, number)
    make_row(bob, "uploads/a!", 100)

    assert sorted(audit().lines) == sorted(
        [f"orphan: uploads/{name} (4 bytes)" for name in NEIGHBOURS[::2]]
        + [f"missing: uploads/a! (upload {Upload.objects.get(key='uploads/a!').pk})"]
    )


def make_row(user: User, key: str, number: int) -> Upload:
    return Upload.objects.create(
        user=user, key=key, sha256=f"{number:064}", media_type="image/jpeg", width=400, height=300, size=4
    )


def test_a_line_is_a_line_whatever_the_key(db: None) -> None:
    put("uploads/a\nb\x1b[31m")

    assert audit().lines == ["orphan: uploads/a\\nb\\x1b[31m (4 bytes)"]


def test_more_than_a_page_of_either(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_audit, "_CHUNK", 7)
    for number in range(20):
        make_row(bob, put(f"uploads/{number}"), number)
    pages = bucket.client().get_paginator("list_objects_v2").paginate
    monkeypatch.setattr(bucket, "client", lambda: Paged(pages))

    assert audit().totals.startswith("20 objects in the bucket, 20 in the database: 0 orphans")


class Paged:
    """A client that lists six at a time."""

    def __init__(self, pages: Callable[..., object]) -> None:
        self.pages = pages

    def get_paginator(self, _: str) -> "Paged":
        return self

    def paginate(self, **arguments: object) -> object:
        return self.pages(**arguments, PaginationConfig={"PageSize": 6})


def test_bucket_that_is_down_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = bucket_at(address(free_port())).client
    monkeypatch.setattr(bucket, "client", lambda: dead)

    with pytest.raises(CommandError, match="The bucket can't be reached"):
        call_command("audit_storage")


def object_at(key: str) -> StoredObject:
    return StoredObject(key, 1, timezone.now())


def known_at(key: str) -> KnownObject:
    return KnownObject(key, Role.UPLOAD, uuid.uuid4(), 1)


@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)))
def test_sorted_streams_pair_up(left: set[str], right: set[str]) -> None:
    pairs = list(merge_by_key(map(object_at, sorted(left)), map(known_at, sorted(right))))

    assert {a.key for a, b in pairs if a and not b} == left - right
    assert {b.key for a, b in pairs if b and not a} == right - left
    assert all(a.key == b.key for a, b in pairs if a and b)
    assert len(pairs) == len(left | right)


@given(st.lists(st.text(max_size=2), unique=True), st.lists(st.text(max_size=2)))
def test_streams_in_any_order_lose_nothing(left: list[str], right: list[str]) -> None:
    """Out of order, pairs may be missed, and are looked at again; what has no partner never gets one."""
    pairs = list(merge_by_key(map(object_at, left), map(known_at, right)))

    assert [a.key for a, _ in pairs if a] == left
    assert [b.key for _, b in pairs if b] == right
    assert all(a.key == b.key for a, b in pairs if a and b)


def test_streams_are_read_no_further_than_needed() -> None:
    endless = (f"{number:09}" for number in itertools.count())
    pairs = merge_by_key(map(object_at, endless), map(known_at, ["000000001"]))

    assert [bool(known) for _, known in itertools.islice(pairs, 3)] == [False, True, False]
    assert next(endless) == "000000003"
