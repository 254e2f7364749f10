"""What `backup` and `restore` refuse, and what to do. A refusal changes nothing and leaves nothing half-written."""

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from devserver import postgres
from devserver.s3 import S3Address
from devserver.server import DidNotStartError
from generations import bucket, tasks
from generations.backup import client_programs, object_copies
from generations.backup.after_restore import raise_barrier
from generations.backup.manifest import hash_file
from generations.models import Backup, Generation, Status, StorageDeletion
from generations.storage.cleanup import REMOVAL_LOCK, removal_paused, remove_objects
from tests.cast import make_generation, make_video
from tests.chaos.processes import url_of_test_database
from tests.deploy.second_studio import second_studio

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _alone(s3: S3Address, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what other tests have left: objects, workers, connections of threads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for found in bucket.list_objects(""):
        bucket.delete(found.key)
    monkeypatch.setattr(tasks, "working_processes", lambda _: 0)


@pytest.fixture
def video(alice: User) -> Generation:
    row = make_generation(alice, alice.personal_team, Status.DONE)
    make_video(row)
    return row


def empty_studio() -> None:
    """As `flush` leaves it, in a hundredth of the time."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM generations_generation; DELETE FROM accounts_user")
        cursor.execute("SET session_replication_role = DEFAULT")


def backup(directory: Path, *options: str) -> None:
    call_command("backup", str(directory), *options, verbosity=0)


def program(monkeypatch: pytest.MonkeyPatch, place: Path, version: int | None, exit_code: int = 0) -> None:
    """The only client programs of this machine; none without a version."""
    place.mkdir()

    def nothing_embedded() -> Path:
        raise DidNotStartError("not installed")

    monkeypatch.setattr(client_programs, "_DEBIAN", place)
    monkeypatch.setattr(postgres, "programs", nothing_embedded)
    monkeypatch.setenv("PATH", str(place))
    if version:
        for name in ("pg_dump", "pg_restore"):
            text = f'#!/bin/sh\n[ "$1" = --version ] && echo "{name} (PostgreSQL) {version}.1" && exit 0\n'
            (place / name).write_text(f"{text}echo 'no route to the server' >&2\nexit {exit_code}\n")
            (place / name).chmod(0o755)


# --- backup


def _full(place: Path, _: pytest.MonkeyPatch) -> None:
    place.mkdir()
    (place / "letter.txt").write_text("keep me")


def _file(place: Path, _: pytest.MonkeyPatch) -> None:
    place.write_text("keep me")


def _below_a_file(place: Path, _: pytest.MonkeyPatch) -> None:
    place.parent.rmdir()
    place.parent.write_text("keep me")


def _mounted(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "is_mount", lambda _: True)


def _old_client(place: Path, patch: pytest.MonkeyPatch) -> None:
    program(patch, place.parent / "bin", 13)


def _no_client(place: Path, patch: pytest.MonkeyPatch) -> None:
    program(patch, place.parent / "bin", None)


def _failing_client(place: Path, patch: pytest.MonkeyPatch) -> None:
    program(patch, place.parent / "bin", 99, exit_code=1)


def _no_bucket(_: Path, patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://bucket")

    patch.setattr(object_copies, "_read", refuse)


def _no_database(_: Path, patch: pytest.MonkeyPatch) -> None:
    connection.close()
    patch.setitem(connection.settings_dict, "PORT", "1")


def _held(place: Path, patch: pytest.MonkeyPatch) -> None:
    partial = place.with_name(f".{place.name}.partial")
    partial.mkdir()
    fcntl.flock(os.open(partial, os.O_RDONLY), fcntl.LOCK_EX)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (_full, "is not empty"),
        (_file, "is not empty"),
        (_below_a_file, "can't be made"),
        (_mounted, "directory below it"),
        (_old_client, r"of PostgreSQL 13, older than needed: install the client programs of PostgreSQL \d\d or newer"),
        (_no_client, "pg_dump is not installed"),
        (_failing_client, "pg_dump failed: no route to the server"),
        (_no_bucket, "can't be read from the bucket"),
        (_held, "Another backup is writing"),
        (_no_database, "The database does not answer"),
    ],
)
def test_backup_refuses_and_leaves_nothing(
    video: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[..., None], words: str
) -> None:
    place = tmp_path / "backups" / "today"
    place.parent.mkdir()
    prepare(place, monkeypatch)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(CommandError, match=words):
        backup(place)

    monkeypatch.undo()
    connection.close()
    assert sorted(tmp_path.rglob("*")) == before
    assert not Backup.objects.exists()


def test_what_a_killed_backup_left_is_no_backup_and_goes(video: Generation, tmp_path: Path) -> None:
    left = tmp_path / ".today.partial"
    (left / "objects").mkdir(parents=True)
    (left / "database.dump").write_text("half")
    with pytest.raises(CommandError, match=r"no manifest\.json"):
        call_command("restore", str(left))

    backup(tmp_path / "today")

    assert [path.name for path in tmp_path.iterdir()] == ["today"]
    assert (tmp_path / "today").stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="is not empty"):
        backup(tmp_path / "today")


def test_listed_objects_have_the_same_hashes_and_no_copies(video: Generation, tmp_path: Path) -> None:
    backup(tmp_path / "copied")
    backup(tmp_path / "listed", "--objects", "list")

    copied, listed = ((tmp_path / name / "objects.jsonl").read_text() for name in ("copied", "listed"))
    assert sorted(copied.splitlines()) == sorted(listed.splitlines())
    assert video.video_key in copied
    assert video.poster_key in copied
    assert not (tmp_path / "listed" / "objects").exists()


def test_taken_down_video_is_kept_where_its_row_looks_for_it(video: Generation, alice: User, tmp_path: Path) -> None:
    """Its move may be under way: it is in either place."""
    Generation.objects.get(pk=video.pk).take_down(alice, "why")
    bucket.copy(video.video_key, f"quarantine/{video.video_key}")
    bucket.delete(video.video_key)

    backup(tmp_path / "backup")

    assert (tmp_path / "backup" / "objects" / video.video_key).is_file()
    assert json.loads((tmp_path / "backup" / "manifest.json").read_text())["missing_count"] == 0


def test_nothing_is_removed_from_the_bucket_while_a_backup_copies(video: Generation) -> None:
    video.delete_permanently(None)
    with psycopg.connect(url_of_test_database(), autocommit=True) as other:
        with removal_paused():
            (is_free,) = other.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", [REMOVAL_LOCK]).fetchone() or ()
            assert not is_free
        other.execute("SELECT pg_advisory_lock(%s)", [REMOVAL_LOCK])
        remove_objects()
        assert bucket.size_or_none(video.video_key)
        other.execute("SELECT pg_advisory_unlock(%s)", [REMOVAL_LOCK])

    StorageDeletion.objects.update(due_at=video.created_at)
    remove_objects()
    assert bucket.size_or_none(video.video_key) is None


# --- restore


def rewrite(place: Path, **changes: Any) -> None:
    path = place / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _no_manifest(place: Path, *_: Any) -> None:
    (place / "manifest.json").unlink()


def _no_directory(place: Path, *_: Any) -> None:
    place.rename(place.with_name("elsewhere"))


def _no_json(place: Path, *_: Any) -> None:
    (place / "manifest.json").write_text('{"format": 1')


def _a_list(place: Path, *_: Any) -> None:
    (place / "manifest.json").write_text("[]")


def _half_a_manifest(place: Path, *_: Any) -> None:
    (place / "manifest.json").write_text('{"format": 1, "version": "0.2.0"}')


def _newer_format(place: Path, *_: Any) -> None:
    rewrite(place, format=2, version="9.0.0")


def _newer_code(place: Path, *_: Any) -> None:
    rewrite(place, version="9.0.0", migrations=["generations.9999_future"])


def _newer_server(place: Path, *_: Any) -> None:
    rewrite(place, postgresql=99)


def _newer_dump(place: Path, *_: Any) -> None:
    rewrite(place, pg_dump=99)


def _truncated_dump(place: Path, *_: Any) -> None:
    os.truncate(place / "database.dump", (place / "database.dump").stat().st_size // 2)


def _no_dump(place: Path, *_: Any) -> None:
    (place / "database.dump").unlink()


def _other_list(place: Path, *_: Any) -> None:
    with (place / "objects.jsonl").open("a") as file:
        file.write('{"key": "teams/x", "size": 1}\n')


def _forge_list(place: Path, line: str) -> None:
    (place / "objects.jsonl").write_text(line)
    rewrite(place, objects=hash_file(place / "objects.jsonl").model_dump())


def _key_outside(place: Path, *_: Any) -> None:
    _forge_list(place, json.dumps({"key": "../../etc/passwd", "size": 1, "sha256": "0" * 64}))


def _nonsense_line(place: Path, *_: Any) -> None:
    _forge_list(place, '{"key": ""}')


def _changed_object(place: Path, key: str, _: Any) -> None:
    path = place / "objects" / key
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def _lost_object(place: Path, key: str, _: Any) -> None:
    (place / "objects" / key).unlink()


def _full_bucket(place: Path, *_: Any) -> None:
    bucket.put("teams/another/video.mp4", b"keep me", "video/mp4")


def _no_bucket_to_restore_to(place: Path, key: str, patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://bucket")

    patch.setattr(bucket, "size_or_none", refuse)


def _workers(place: Path, key: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tasks, "working_processes", lambda _: 2)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_no_manifest, r"no manifest\.json"),
        (_no_directory, "is not a directory"),
        (_no_json, r"manifest\.json can't be read"),
        (_a_list, r"manifest\.json can't be read"),
        (_half_a_manifest, r"manifest\.json can't be read: moment"),
        (_newer_format, r"newer version, 9\.0\.0"),
        (_newer_code, r"version 9\.0\.0, newer than this code .*: it has the migration generations\.9999_future"),
        (_newer_server, "PostgreSQL 99 or newer"),
        (_newer_dump, r"pg_restore is of PostgreSQL \d\d, older than needed"),
        (_truncated_dump, r"database\.dump is damaged"),
        (_no_dump, r"database\.dump is missing"),
        (_other_list, r"objects\.jsonl is damaged"),
        (_key_outside, "no key that the studio gives"),
        (_nonsense_line, "line 1: key"),
        (_changed_object, r"video\.mp4 is damaged"),
        (_lost_object, r"video\.mp4 is missing"),
        (_full_bucket, "is not empty: it has teams/another"),
        (_no_bucket_to_restore_to, "The bucket can't be reached"),
        (_workers, "2 workers or cron processes were alive"),
    ],
)
def test_restore_refuses_and_changes_nothing(
    video: Generation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[..., None], words: str
) -> None:
    place = tmp_path / "backup"
    backup(place)
    empty_studio()
    for found in bucket.list_objects(""):
        bucket.delete(found.key)
    spoil(place, video.video_key, monkeypatch)
    objects = list(bucket.list_objects(""))

    with pytest.raises(CommandError, match=words):
        call_command("restore", str(place))

    assert list(bucket.list_objects("")) == objects
    assert not Generation.objects.exists()  # and the table is there


def test_restore_refuses_a_studio_that_is_used(video: Generation, tmp_path: Path) -> None:
    backup(tmp_path / "backup")

    with pytest.raises(CommandError, match=r"1 users and 1 generations\. Restore into a new, empty one"):
        call_command("restore", str(tmp_path / "backup"))

    assert Generation.objects.get() == video
    raise_barrier()
    with pytest.raises(CommandError, match="A restore was interrupted here"):
        call_command("restore", str(tmp_path / "backup"))


def test_restore_refuses_a_database_that_others_use(video: Generation, tmp_path: Path) -> None:
    backup(tmp_path / "backup")
    empty_studio()

    with (
        psycopg.connect(url_of_test_database()),  # a colleague with psql
        psycopg.connect(url_of_test_database(), application_name="kling-studio"),
        pytest.raises(CommandError, match="1 processes of the studio are connected"),
    ):
        call_command("restore", str(tmp_path / "backup"))


@pytest.mark.parametrize("change", ["gone", "other bytes", "other size"])
def test_listed_object_that_is_not_as_it_was(video: Generation, tmp_path: Path, change: str) -> None:
    backup(tmp_path / "backup", "--objects", "list")
    empty_studio()
    data = bucket.get(video.video_key)
    bucket.delete(video.video_key)
    if change != "gone":
        bucket.put(video.video_key, data[:-1] + (b"?" if change == "other bytes" else b""), "video/mp4")

    with pytest.raises(CommandError, match=r"video\.mp4 is (not in the bucket|another object).*--allow-missing"):
        call_command("restore", str(tmp_path / "backup"))


def test_restore_says_what_fails_and_the_studio_can_be_made_anew(
    video: Generation, tmp_path: Path, s3: S3Address
) -> None:
    """A dump that only pg_restore can see through; then a whole one, beside the bucket that is whole but for one."""
    place = tmp_path / "backup"
    backup(place)
    with second_studio("anew", s3) as studio:
        studio.environment["AWS_STORAGE_BUCKET_NAME"] = bucket.name()
        whole, manifest = (place / "database.dump").read_bytes(), (place / "manifest.json").read_text()
        (place / "database.dump").write_bytes(whole[: len(whole) // 2])
        rewrite(place, database=hash_file(place / "database.dump").model_dump())

        check = studio.manage("upgrade_check")  # as the chart does before a first installation
        assert check.returncode == 0, check.stdout
        assert "warning" not in check.stdout
        assert "--keep-objects" in studio.manage("restore", str(place)).stderr
        failed = studio.manage("restore", str(place), "--keep-objects")

        assert failed.returncode == 1
        assert "pg_restore failed: " in failed.stderr
        assert "Traceback" not in failed.stderr
        (place / "database.dump").write_bytes(whole)
        (place / "manifest.json").write_text(manifest)
        bucket.delete(video.poster_key)
        before_the_backup = "2026-01-01T00:00Z"
        restored = studio.manage("restore", str(place), "--keep-objects", "--stopped-at", before_the_backup)
        assert restored.returncode == 0, restored.stderr
        assert "0 requests are searched for" in restored.stdout
        assert studio.manage("audit_storage").returncode == 0
