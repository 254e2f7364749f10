"""Deleting: out of sight at once, out of the bucket as soon as it lets, and the money stays spent."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from rq import Queue

from accounts.models import Team, User
from devserver.s3 import address
from generations import bucket, tasks
from generations.forms import GenerationForm, initial_values
from generations.models import OPEN, TERMINAL, Event, Generation, Slot, Status, StorageDeletion, Upload
from generations.orders.place import place_order
from generations.storage.cleanup import delete_unused_uploads, remove_objects
from generations.storage.repair import add_preview
from tests.cast import make_generation, make_input_picture, make_upload, make_video, picture
from tests.generations.mirror.conftest import bucket_at
from tests.sandbox_process import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def video(film: Team, bob: User) -> Generation:
    """Done, with a video, its poster, its preview and a picture."""
    generation = make_generation(bob, film, Status.DONE)
    make_video(generation)
    add_preview(generation)
    make_input_picture(generation)
    return generation


def stored(keys: set[str]) -> set[str]:
    return {key for key in keys if bucket.size_or_none(key) is not None}


def run_out_leases() -> None:
    StorageDeletion.objects.update(due_at=timezone.now())


def wait_since(upload: Upload, days: float) -> None:
    Upload.objects.filter(pk=upload.pk).update(last_used_at=timezone.now() - timedelta(days=days))


def test_deleted_is_out_of_sight_and_its_money_stays_spent(video: Generation, bob: User) -> None:
    assert video.delete_permanently(bob)

    assert not Generation.objects.visible_to(bob).exists()
    row = Generation.objects.get()
    assert (row.status, row.cost_cents) == (Status.DONE, 35)
    assert row.deleted_at == row.changed_at == video.deleted_at
    event = Event.objects.latest("pk")
    assert (event.status, event.by, event.message) == (Status.DONE, bob, "Deleted.")


def test_every_object_leaves_the_bucket(video: Generation, bob: User) -> None:
    keys = video.object_keys()
    assert len(stored(keys)) == 4
    video.delete_permanently(bob)

    assert remove_objects() == 4
    assert stored(keys) == set()
    assert not StorageDeletion.objects.exists()


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_whatever_has_ended_can_be_deleted_once(film: Team, bob: User, status: Status) -> None:
    generation = make_generation(bob, film, status)
    again = Generation.objects.get()

    assert generation.delete_permanently(bob)
    assert not generation.delete_permanently(bob)
    assert not again.delete_permanently(bob)
    assert Event.objects.filter(message="Deleted.").count() == 1


@pytest.mark.parametrize("status", sorted(OPEN))
def test_what_is_still_open_stays(film: Team, bob: User, status: Status) -> None:
    generation = make_generation(bob, film, status)

    assert not generation.delete_permanently(bob)
    assert Generation.objects.get().deleted_at is None
    assert not StorageDeletion.objects.exists()


def test_page_that_does_not_know_of_a_new_life_deletes_nothing(film: Team, bob: User) -> None:
    """A request given up as lost can come back to life while somebody looks at it."""
    generation = make_generation(bob, film, Status.FAILED)
    Generation.objects.get().move(Status.RENDERING, request_id="found")

    assert not generation.delete_permanently(bob)


def test_cleaner_killed_after_its_claim_loses_nothing(video: Generation, bob: User) -> None:
    video.delete_permanently(bob)
    assert len(StorageDeletion.objects.claim_due(10, timedelta(minutes=5))) == 4

    assert remove_objects() == 0  # the dead one's lease
    run_out_leases()
    assert remove_objects() == 4
    assert stored(video.object_keys()) == set()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_cleaner_killed_at_the_bucket_loses_nothing(
    video: Generation, bob: User, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def killed(key: str) -> None:
        if moment == "after":
            delete(key)
        raise SystemExit

    delete = bucket.delete
    video.delete_permanently(bob)
    with monkeypatch.context() as patch:
        patch.setattr(bucket, "delete", killed)
        with pytest.raises(SystemExit):
            remove_objects()

    assert StorageDeletion.objects.count() == 4
    run_out_leases()
    remove_objects()
    assert stored(video.object_keys()) == set()
    assert not StorageDeletion.objects.exists()


def test_bucket_that_is_down_is_tried_again_later(
    video: Generation, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    video.delete_permanently(bob)
    dead = bucket_at(address(free_port())).client
    with monkeypatch.context() as patch:
        patch.setattr(bucket, "client", lambda: dead)
        for _try in range(2):
            assert remove_objects() == 0
            assert remove_objects() == 0  # not due yet
            run_out_leases()

    for row in StorageDeletion.objects.all():
        assert row.attempts == 2
        assert "The bucket can't be reached" in row.error
    assert remove_objects() == 4
    assert stored(video.object_keys()) == set()


def test_pause_between_tries_grows_to_an_hour(db: None) -> None:
    StorageDeletion.objects.enqueue(["uploads/x"])
    row = StorageDeletion.objects.get()
    waits = []
    for _try in range(13):
        row.record_failure("no")
        waits.append((row.due_at - timezone.now()).total_seconds())

    assert [round(wait) for wait in waits] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]


def test_object_that_a_row_still_has_is_kept(video: Generation, bob: User, film: Team) -> None:
    """Asked for by mistake, or before the row came to want it."""
    upload = make_upload(bob)
    going = make_generation(bob, film, Status.MIRRORING)
    bucket.put(going.video_key, b"half checked", "video/mp4")
    keys = video.object_keys() | {upload.key, going.video_key}
    StorageDeletion.objects.enqueue(keys)

    assert remove_objects() == len(keys)
    assert stored(keys) == keys
    assert not StorageDeletion.objects.exists()


def test_pass_ends_in_time_and_leaves_the_rest(video: Generation, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.storage.cleanup.PASS_SECONDS", -1)
    video.delete_permanently(bob)

    assert remove_objects() == 0
    assert StorageDeletion.objects.filter(due_at__lte=timezone.now()).count() == 4


@pytest.mark.django_db(transaction=True)
def test_cleaners_side_by_side_remove_each_object_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    together = threading.Barrier(4)
    keys = [f"uploads/side-by-side/{number}" for number in range(60)]
    monkeypatch.setattr(bucket, "delete", removed.append)
    StorageDeletion.objects.enqueue(keys)

    def clean(_: int) -> int:
        try:
            together.wait(10)
            return remove_objects()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(clean, range(4))) == 60
    assert sorted(removed) == sorted(keys)
    assert not StorageDeletion.objects.exists()


def test_forgotten_upload_is_swept_with_its_object(bob: User) -> None:
    upload = make_upload(bob)
    wait_since(upload, 2.1)

    assert delete_unused_uploads() == 1
    remove_objects()
    assert not Upload.objects.exists()
    assert bucket.size_or_none(upload.key) is None


def test_form_that_is_open_for_less_than_two_days_keeps_its_picture(bob: User) -> None:
    upload = make_upload(bob)
    wait_since(upload, 1.9)
    assert delete_unused_uploads() == 0

    form = GenerationForm(bob, given(bob, upload, prompt=""))
    assert not form.is_valid()
    assert form.kept[Slot.START] == upload

    wait_since(upload, 1.9)  # and the form that came back may be open for as long again
    assert delete_unused_uploads() == 0
    form = GenerationForm(bob, given(bob, upload))
    assert form.is_valid()
    assert bucket.get(place_order(form.order).pictures.get().key) == bucket.get(upload.key)


def given(user: User, upload: Upload, **values: object) -> dict[str, Any]:
    return {**initial_values(user), "kind": "image", "prompt": "Pan", "start_upload": upload.pk, **values}


def test_form_or_picture_in_hand_starts_the_two_days_anew(bob: User) -> None:
    upload = make_upload(bob)
    for in_hand in (
        lambda: GenerationForm(bob, given(bob, upload, prompt="")).is_valid(),
        lambda: make_upload(bob),
    ):
        wait_since(upload, 2.1)
        in_hand()
        assert delete_unused_uploads() == 0
        assert Upload.objects.get().pk == upload.pk


def test_form_open_for_too_long_asks_for_the_picture_again(bob: User) -> None:
    upload = make_upload(bob)
    wait_since(upload, 2.1)
    delete_unused_uploads()

    assert list(GenerationForm(bob, given(bob, upload)).errors) == ["start_file"]


def test_upload_of_a_video_that_is_still_there_stays_for_making_it_again(video: Generation, bob: User) -> None:
    """The content decides: both are the cast's one picture."""
    upload = make_upload(bob)
    wait_since(upload, 30)
    assert delete_unused_uploads() == 0

    video.delete_permanently(bob)
    assert delete_unused_uploads() == 1


def test_picture_given_again_after_the_sweep_is_not_hit_by_it(bob: User) -> None:
    old = make_upload(bob)
    wait_since(old, 3)
    delete_unused_uploads()
    new = make_upload(bob)
    remove_objects()

    assert old.key != new.key
    assert bucket.get(new.key) == bucket.get(make_upload(bob).key)
    assert bucket.size_or_none(old.key) is None


def test_video_keeps_its_own_copy_of_a_swept_upload(bob: User) -> None:
    upload = make_upload(bob, picture(color="red"))
    form = GenerationForm(bob, given(bob, upload))
    assert form.is_valid()
    generation = place_order(form.order)
    Upload.objects.all().delete()
    StorageDeletion.objects.enqueue([upload.key])
    remove_objects()

    assert bucket.size_or_none(upload.key) is None
    assert bucket.size_or_none(generation.pictures.get().key) == upload.size


def test_worker_is_woken_when_the_deletion_is_committed(
    video: Generation, bob: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    queue: Queue = django_rq.get_queue()
    queue.empty()  # type: ignore[no-untyped-call]
    with django_capture_on_commit_callbacks(execute=True):
        video.delete_permanently(bob)
        tasks.wake_cleaner()
        assert queue.count == 0

    (job,) = queue.jobs
    queue.empty()  # type: ignore[no-untyped-call]
    assert job.func_name == "generations.tasks.clean"


def test_form_posted_twice_at_once_leaves_no_copies_behind(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = make_upload(bob)
    form = GenerationForm(bob, given(bob, upload, idempotency_key=uuid.uuid4()))
    assert form.is_valid()
    first = place_order(form.order)

    def blind_once(_: object) -> None:
        monkeypatch.undo()

    monkeypatch.setattr("django.db.models.query.QuerySet.first", blind_once)  # both looked before one was there

    assert place_order(form.order) == first
    (asked,) = StorageDeletion.objects.all()
    assert asked.key not in first.object_keys()
    assert bucket.size_or_none(asked.key) == upload.size
