"""The trash: out of sight but not lost, back by one press, and gone for good after 30 days."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations import bucket, tasks
from generations.models import OPEN, TERMINAL, Event, Generation, Status, StorageDeletion
from generations.storage.audit import StorageAudit
from generations.storage.cleanup import empty_trash, remove_objects
from generations.views.timeline import timeline
from tests.cast import make_generation, make_video, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(film: Team, bob: User) -> Generation:
    generation = make_generation(bob, film, Status.DONE)
    make_video(generation)
    return generation


def lie_there(generation: Generation, by: User, days: float) -> Generation:
    assert generation.move_to_trash(by, timezone.now() - timedelta(days=days))
    return generation


def post(user: User, name: str, generation: Generation, **data: str) -> Any:
    return signed_in(user).post(reverse(name, args=[generation.pk]), data)


def test_trashed_is_out_of_sight_and_restored_is_back(video: Generation, bob: User) -> None:
    before = video.changed_at
    assert video.move_to_trash(bob)
    assert not video.move_to_trash(bob)
    assert not Generation.objects.visible_to(bob).exists()
    assert Generation.objects.in_trash_of(bob).get() == video
    assert Generation.objects.get().changed_at > before  # the open pages are told

    assert video.restore_from_trash(bob)
    assert not video.restore_from_trash(bob)
    assert Generation.objects.visible_to(bob).get().trashed_at is None
    assert list(Event.objects.order_by("pk").values_list("message", "by"))[1:] == [
        ("Moved to trash.", bob.pk),
        ("Restored from trash.", bob.pk),
    ]


@pytest.mark.parametrize("status", sorted(OPEN))
def test_what_is_still_open_is_not_trashed(film: Team, bob: User, status: Status) -> None:
    assert not make_generation(bob, film, status).move_to_trash(bob)
    assert Generation.objects.get().trashed_at is None


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_timeline_tells_of_the_trash_and_keeps_its_end(film: Team, bob: User, status: Status) -> None:
    generation = make_generation(bob, film, status)
    before = [(stage.name, stage.state, stage.why) for stage in timeline(generation, list(generation.events.all()))]
    generation.move_to_trash(bob)
    generation.restore_from_trash(bob)
    stages = timeline(generation, list(generation.events.all()))

    assert [(stage.name, stage.state, stage.why) for stage in stages] == before
    assert [note.message for note in stages[-1].notes] == ["Moved to trash.", "Restored from trash."]


def test_events_of_old_rows_are_told_in_the_words_of_today(video: Generation, bob: User) -> None:
    for message in ("Put into the bin.", "Taken out of the bin."):
        video.events.create(status=video.status, by=bob, message=message)
    stages = timeline(video, list(video.events.all()))

    assert [note.message for stage in stages for note in stage.notes] == ["Moved to trash.", "Restored from trash."]


def test_page_says_when_it_was_deleted(video: Generation, bob: User) -> None:
    video.move_to_trash(bob)
    page = signed_in(bob).get(reverse("trash")).content.decode()

    assert "Deleted just now." in page
    assert "Deleted videos and pictures of the library stay here 30 days." in page


def test_lost_answer_that_comes_after_all_takes_it_out(film: Team, bob: User) -> None:
    generation = lie_there(make_generation(bob, film, Status.FAILED), bob, 1)

    assert generation.move(Status.RENDERING, request_id="found")
    assert Generation.objects.visible_to(bob).get().status == Status.RENDERING


def test_media_of_trashed_are_not_found_but_for_the_trash_poster(
    video: Generation, bob: User, victor: User, mallory: User
) -> None:
    video.move_to_trash(bob)
    client = signed_in(bob)
    for name in ("generation", "generation-video", "generation-poster", "generation-download", "generation-card"):
        assert client.get(reverse(name, args=[video.pk])).status_code == 404, name

    poster = reverse("trash-poster", args=[video.pk])
    assert [signed_in(who).get(poster).status_code for who in (bob, victor, mallory)] == [200, 200, 404]
    video.restore_from_trash(bob)
    assert client.get(poster).status_code == 404


def test_page_shows_it_to_the_team_and_the_verbs_to_who_may(
    video: Generation, film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    lie_there(video, bob, 3)
    restore = reverse("trash-restore", args=[video.pk])
    pages = {who: signed_in(who).get(reverse("trash")).content.decode() for who in (alice, bob, victor, mallory)}

    assert [video.prompt in page for page in pages.values()] == [True, True, True, False]
    assert [restore in page for page in pages.values()] == [True, True, False, False]
    assert "26 days left." in pages[bob]
    assert "Deleted 3 days ago." in pages[bob].replace("\xa0", " ")
    assert "Trash is empty." in pages[mallory]


def test_pages_of_the_trash_miss_none_and_repeat_none(film: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.views.trash.PAGE_SIZE", 2)
    now = timezone.now()
    rows = [make_generation(bob, film, Status.CANCELED) for _ in range(5)]
    for row in rows:
        row.move_to_trash(bob, now)
    client, seen, address = signed_in(bob), [], reverse("trash")
    while address:
        context: Any = client.get(address).context
        seen += [row.pk for row in context["generations"]]
        address = f"/trash/?before={context['older'].replace('+', '%2B')}" if context["older"] else ""

    assert len(seen) == 5
    assert set(seen) == {row.pk for row in rows}
    assert client.get("/trash/?before=nonsense").status_code == 404


@pytest.mark.parametrize("verb", ["trash-restore", "trash-delete"])
def test_only_the_owner_and_who_manages_the_team_may(
    verb: str, film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    hers = lie_there(make_generation(alice, film, Status.DONE), alice, 1)
    his = lie_there(make_generation(bob, film, Status.DONE), bob, 1)

    assert [post(who, verb, hers).status_code for who in (bob, victor, mallory)] == [403, 403, 404]
    assert Generation.objects.filter(trashed_at=None).count() == 0
    assert post(alice, verb, his).status_code == 302
    assert not Generation.objects.in_trash_of(alice).filter(pk=his.pk).exists()
    assert post(alice, verb, his).status_code == 404


def test_deleted_for_good_from_the_page_leaves_the_bucket(video: Generation, bob: User) -> None:
    video.move_to_trash(bob)
    client = signed_in(bob)
    answer = client.post(reverse("trash-delete", args=[video.pk]), follow=True)

    assert "Deleted permanently." in answer.content.decode()
    assert remove_objects()
    assert bucket.size_or_none(video.video_key) is None
    assert not Generation.objects.in_trash_of(bob).exists()


def test_undo_takes_out_what_one_press_put_in(video: Generation, bob: User) -> None:
    client = signed_in(bob)
    page = client.post(reverse("generation-delete", args=[video.pk]), follow=True).content.decode()
    video.refresh_from_db()
    assert video.trashed_at is not None
    assert f'name="at" value="{video.trashed_at.isoformat()}"' in page.replace("&#x2B;", "+")
    answer = client.post(reverse("trash-undo"), {"at": video.trashed_at.isoformat()}, follow=True)

    assert "Restored." in answer.content.decode()
    assert Generation.objects.visible_to(bob).exists()
    again = client.post(reverse("trash-undo"), {"at": timezone.now().isoformat()}, follow=True)
    assert "Nothing left" in again.content.decode()
    assert client.post(reverse("trash-undo"), {"at": "then"}).status_code == 404


def test_undo_brings_back_only_what_the_person_may(
    film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    now = timezone.now()
    rows = [make_generation(alice, film, Status.DONE), make_generation(bob, film, Status.DONE)]
    assert all(row.move_to_trash(alice, now) for row in rows)

    for who, left in ((victor, 2), (mallory, 2), (bob, 1), (alice, 0)):
        signed_in(who).post(reverse("trash-undo"), {"at": now.isoformat()})
        assert Generation.objects.exclude(trashed_at=None).count() == left


def test_objects_stay_while_it_rests_and_the_audit_finds_no_fault(
    video: Generation, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie_there(video, bob, 29)
    monkeypatch.setattr("generations.storage.audit.ORPHAN_GRACE_PERIOD", timedelta(0))
    StorageDeletion.objects.enqueue([video.video_key])

    assert empty_trash() == 0
    remove_objects()  # somebody's mistake: a row has the object, so it stays
    assert bucket.size_or_none(video.video_key) == video.video.size
    assert [finding for finding in StorageAudit().findings() if str(video.pk) in finding.key] == []


def test_sweep_deletes_what_has_lain_there_too_long(
    video: Generation, film: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "close_old_connections", lambda: None)  # the test's transaction is on it
    fresh = lie_there(make_generation(bob, film, Status.CANCELED), bob, 29)
    lie_there(video, bob, 31)
    tasks.sweep()

    video.refresh_from_db()
    assert video.deleted_at is not None
    assert Generation.objects.in_trash_of(bob).get() == fresh
    assert Event.objects.latest("pk").by is None
    assert remove_objects()
    assert bucket.size_or_none(video.video_key) is None
    assert empty_trash() == 0
