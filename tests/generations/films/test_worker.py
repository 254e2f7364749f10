"""A film is joined once, whatever happens on the way, and nothing of one that is not to be stays in the bucket."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Team, User
from devserver import addresses
from generations import bucket, tasks
from generations.films import worker
from generations.mirror import MirrorError, Reason
from generations.models import RUNNING, Film, FilmStatus, Generation, StorageDeletion
from generations.storage.audit import StorageAudit
from generations.storage.cleanup import remove_objects
from generations.storage.repair import RepairError, repair
from tests.chaos.processes import url_of_test_database
from tests.generations.films.cast import file_of, film_of, join, join_due, joined, make_clip, make_film
from tests.generations.films.dying_worker import POINTS
from tests.generations.mirror.film import clips


@pytest.fixture(autouse=True)
def _leftovers(db: None) -> None:
    """Of other tests."""
    for found in bucket.list_objects("teams/"):
        bucket.delete(found.key)


def stored(film: Film) -> set[str]:
    return {found.key for found in bucket.list_objects(film.key_prefix)}


def remove_now() -> None:
    StorageDeletion.objects.update(due_at=timezone.now())
    remove_objects()


def findings() -> list[str]:
    return [f"{found.fault}: {found.key}" for found in StorageAudit().findings()]


def test_film_is_joined(bob: User, film: Team) -> None:
    made = joined(bob, film, clips.clip(1), clips.clip(2))
    assert (made.size, made.width, made.height) == (len(file_of(made)), 160, 90)
    assert made.seconds == pytest.approx(2)
    assert [(part.first_frame, part.frames) for part in made.parts.all()] == [(0, 24), (24, 24)]
    assert stored(made) == set(made.own_keys())
    assert not findings()


def test_two_presses_are_one_film(bob: User, film: Team) -> None:
    rows, key = [make_clip(bob, film, clips.clip(1))] * 2, uuid.uuid4()
    one, other = (film_of(bob, rows, idempotency_key=key) for _ in range(2))
    assert one == other
    assert Film.objects.get().parts.count() == 2


def test_different_sizes_are_encoded(bob: User, film: Team) -> None:
    made = joined(bob, film, clips.clip(1), clips.clip(2), clips.clip(3, size=(90, 160)))
    assert made.is_encoded
    assert (made.width, made.height) == (160, 90)
    assert [part.frames for part in made.parts.all()] == [24, 24, 24]


def test_what_only_the_files_tell_apart_is_asked_first(bob: User, film: Team) -> None:
    """The rows say the same of both; a picture is never encoded without a word."""
    made = make_film(bob, film, clips.clip(1), clips.rotated(clips.clip(2)))
    join_due()
    made.refresh_from_db()
    assert (made.status, made.reason, made.is_encoded) == (FilmStatus.FAILED, worker.DIFFERENT, False)
    assert "Part 2 can’t be copied" in made.message
    assert made.retry(is_encoded=True)
    join_due()
    made.refresh_from_db()
    assert made.status == FilmStatus.DONE


@pytest.mark.parametrize(
    ("leave", "words"),
    [
        (lambda row, user: row.take_down(user, "x"), "Video 2 was taken down"),
        (lambda row, user: row.move_to_trash(user), "Video 2 was deleted"),
        (lambda row, user: row.delete_permanently(user), "Video 2 was deleted"),
    ],
)
@pytest.mark.parametrize("moment", ["before", "amid"])
def test_part_that_is_gone(
    bob: User,
    film: Team,
    leave: Callable[[Generation, User], object],
    words: str,
    moment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = make_film(bob, film)
    row = made.parts.get(position=2).generation
    if moment == "before":
        leave(row, bob)
    else:
        finish = worker._finish

        def leave_and_finish(work: worker._Work) -> None:
            leave(row, bob)
            finish(work)

        monkeypatch.setattr(worker, "_finish", leave_and_finish)
    join_due()
    made.refresh_from_db()
    assert made.status == FilmStatus.FAILED
    assert words in made.message
    remove_now()
    assert not stored(made)


def test_file_of_a_part_purged_amid(bob: User, film: Team) -> None:
    """The row says nothing yet; it is tried again, and then the row knows."""
    made = make_film(bob, film)
    row = made.parts.get(position=2).generation
    bucket.delete(row.video_key)
    join_due()
    made.refresh_from_db()
    assert (made.status, made.attempts) == (FilmStatus.QUEUED, 1)
    row.delete_permanently(bob)
    Film.objects.update(due_at=timezone.now())
    join_due()
    made.refresh_from_db()
    assert (made.status, made.reason) == (FilmStatus.FAILED, worker.PART_GONE)


def test_bucket_that_is_down(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again for half an hour, then a person is told."""

    def refuse(*_: object, **__: object) -> None:
        raise MirrorError(Reason.STORAGE_UNAVAILABLE, "The bucket can't be reached: no route")

    made = make_film(bob, film)
    monkeypatch.setattr(worker, "join_copied", refuse)
    for attempts in range(1, worker.MAX_ATTEMPTS):
        join_due()
        made.refresh_from_db()
        assert (made.status, made.attempts) == (FilmStatus.QUEUED, attempts)
        assert made.due_at > timezone.now()
        Film.objects.update(due_at=timezone.now())
    join_due()
    made.refresh_from_db()
    assert made.status == FilmStatus.FAILED
    assert "no route" in made.message


def test_fault_of_the_studio_is_said(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_film(bob, film)
    monkeypatch.setattr(worker, "join_copied", lambda *_, **__: 1 / 0)
    join_due()
    made.refresh_from_db()
    assert made.status == FilmStatus.FAILED
    assert "tell an admin" in made.message


@pytest.mark.parametrize("act", [Film.cancel, lambda film: Film.objects.filter(pk=film.pk).delete_with_objects()])
@pytest.mark.parametrize("step", ["join_copied", "make_poster"])
def test_canceled_or_deleted_amid(
    bob: User, film: Team, act: Callable[[Film], object], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the last byte was written before the worker heard of it."""
    made, finish = make_film(bob, film), worker._finish

    def act_and_finish(work: worker._Work) -> None:
        act(made)
        remove_now()
        finish(work)

    monkeypatch.setattr(worker, "_finish", act_and_finish)
    if step == "make_poster":
        monkeypatch.setattr(worker, "make_poster", lambda *_, **__: None)
    join_due()
    remove_now()
    assert not stored(made)
    assert not findings()
    assert Film.objects.filter(status=FilmStatus.DONE).count() == 0


def test_worker_that_lost_its_lease_stops(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another has taken the film over: the first writes nothing down."""
    made = make_film(bob, film)
    (first,) = Film.objects.claim_due(1, worker.LEASE)
    Film.objects.update(lease_until=timezone.now())
    (second,) = Film.objects.claim_due(1, worker.LEASE)
    join(first)
    made.refresh_from_db()
    assert made.status == FilmStatus.JOINING
    join(second)
    made.refresh_from_db()
    assert made.status == FilmStatus.DONE
    assert not StorageDeletion.objects.exists()
    assert stored(made) == set(made.own_keys())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS)
def test_killed_worker(bob: User, film: Team, point: str) -> None:
    """The next one begins again once the lease has run out: one film, one file, and no upload left half done."""
    made = make_film(bob, film)
    process = subprocess.run(
        [sys.executable, "-m", "tests.generations.films.dying_worker", point],
        cwd=addresses.ROOT,
        env=os.environ | {"DATABASE_URL": url_of_test_database()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr[-2000:]
    join_due()
    made.refresh_from_db()
    assert made.status == FilmStatus.JOINING  # under the dead one's lease
    Film.objects.update(lease_until=timezone.now())
    join_due()
    made.refresh_from_db()
    assert made.status == FilmStatus.DONE
    assert clips.hashes(file_of(made)) == clips.hashes(clips.clip(1)) + clips.hashes(clips.clip(2))
    assert stored(made) == set(made.own_keys())
    assert not bucket.client().list_multipart_uploads(Bucket=bucket.name()).get("Uploads")
    assert not findings()


def test_film_that_kills_its_workers_ends(bob: User, film: Team) -> None:
    """Each death is a failed try; what waits again by itself, or was begun again by a person, died of nothing."""
    made = make_film(bob, film)
    for deaths in range(worker.MAX_ATTEMPTS):
        (claimed,) = Film.objects.claim_due(1, worker.LEASE)
        assert claimed.attempts == Film.objects.get().attempts == deaths
        Film.objects.update(lease_until=timezone.now())
    join_due()
    made.refresh_from_db()
    assert (made.status, made.reason) == (FilmStatus.FAILED, worker.DEADLY)
    made.retry(is_encoded=False)
    join_due()
    made.refresh_from_db()
    assert (made.status, made.attempts) == (FilmStatus.DONE, 0)


def test_join_stops_when_the_database_is_away(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would go on unseen, and write its file after the film was canceled and cleaned up."""
    seen: list[worker._Work] = []

    def wait(work: worker._Work) -> None:
        seen.append(work)
        work.lost.wait()
        work.report(1, 2)

    def refuse(*_: object) -> None:
        raise OperationalError("no route")

    make_film(bob, film)
    monkeypatch.setattr(worker, "_INTERVAL", 0.01)
    monkeypatch.setattr(worker._Work, "_join", wait)
    monkeypatch.setattr(Film, "keep_lease", refuse)
    with pytest.raises(OperationalError):
        join_due()
    with pytest.raises(worker.StoppedError):
        seen[0].result.result(timeout=60)


@pytest.mark.parametrize(("place", "words"), [(0, "joined again"), (1, "made again from the film")])
def test_missing_object_of_a_film_is_found_and_made_again(bob: User, film: Team, place: int, words: str) -> None:
    made = joined(bob, film)
    key = made.own_keys()[place]
    bucket.delete(key)
    (finding,) = StorageAudit().findings()
    assert (finding.fault, finding.key) == ("missing", key)
    assert words in repair(finding)
    join_due()
    assert stored(made) == set(made.own_keys())
    assert not findings()


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("leave", [Generation.move_to_trash, Generation.delete_permanently])
def test_repair_keeps_what_can_not_be_joined_again(
    bob: User, film: Team, leave: Callable[[Generation, User], object], place: int
) -> None:
    """A part is gone since: the film would fail, and what is left of it would go."""
    made = joined(bob, film)
    leave(made.parts.get(position=2).generation, bob)
    bucket.delete(made.own_keys()[place])
    for finding in StorageAudit().findings():
        with suppress(RepairError):
            repair(finding)
    join_due()
    remove_now()
    assert Film.objects.get().status == FilmStatus.DONE
    assert made.own_keys()[1 - place] in stored(made)
    assert (place == 1) == (stored(made) == set(made.own_keys()))


def test_object_of_no_film_is_an_orphan(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generations.storage.audit.ORPHAN_GRACE_PERIOD", timedelta(minutes=-1))
    made = joined(bob, film)
    Film.objects.filter(pk=made.pk).delete()
    found = [each for each in findings() if str(made.pk) in each]  # others have left objects of their own
    assert found == [f"orphan: {key}" for key in sorted(made.own_keys())]


@pytest.mark.django_db(transaction=True)
def test_sweep_joins_in_threads_of_its_own(bob: User, film: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_frequent", [])  # of other apps
    films = [make_film(bob, film) for _ in range(3)]
    while Film.objects.filter(status__in=RUNNING).exists():
        tasks.frequent()
        for thread in threading.enumerate():
            if thread.name.startswith("film-"):
                thread.join(60)
    assert Film.objects.filter(status=FilmStatus.DONE).count() == len(films)
