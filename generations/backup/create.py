"""`manage.py backup`: the database of one moment, and every object that it names, in a directory that appears whole."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from config.version import VERSION
from generations import bucket
from generations.backup import client_programs, object_copies
from generations.backup.exceptions import BackupError
from generations.backup.manifest import (
    DATABASE,
    FORMAT,
    MANIFEST,
    OBJECTS,
    FileRecord,
    Manifest,
    ObjectRecord,
    hash_file,
    write_manifest,
)
from generations.backup.row_objects import RowObject, row_objects
from generations.models import Backup, ObjectMode
from generations.storage.cleanup import removal_paused

Say = Callable[[str], None]

_REPORT_SECONDS: Final = 10.0
_ROWS: Final = "rows.tmp"


def create_backup(directory: Path, mode: ObjectMode, say: Say) -> Manifest:
    """Write it beside its place, and move it there once it is whole and on the disk. Raises BackupError."""
    directory = directory.absolute()
    _refuse_taken(directory)
    with _partial(directory) as partial, removal_paused():
        manifest = _fill(partial, mode, say)
        os.sync()
        partial.rename(directory)
    _sync_directory(directory.parent)
    size = manifest.database.size + manifest.objects.size + (manifest.object_bytes if manifest.is_copied else 0)
    if Backup._meta.db_table in connection.introspection.table_names():  # else it is made before the migrations
        Backup.objects.create(moment=manifest.moment, objects_mode=mode, object_count=manifest.object_count, size=size)
    return manifest


def _refuse_taken(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupError(f"{directory} is not empty. Name a directory that is not there yet.")
    if directory.is_mount():
        raise BackupError(
            f"{directory} is where a disk is mounted. Name a directory below it, such as one for each day."
        )


@contextmanager
def _partial(directory: Path) -> Iterator[Path]:
    """The place to write to; what a killed backup has left there is removed, and nothing is left by one that fails."""
    partial = directory.with_name(f".{directory.name}.partial")
    try:
        partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(partial, os.O_RDONLY)
    except OSError as error:
        raise BackupError(
            f"{partial} can't be made: {error.strerror}. Name a directory that may be written to."
        ) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise BackupError(f"Another backup is writing to {partial}.") from None
    try:
        _empty(partial)
        partial.chmod(0o700)  # password hashes are in it
        yield partial
    except OSError as error:
        raise BackupError(f"{error.filename or partial}: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(held)


def _empty(directory: Path) -> None:
    for each in directory.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def _fill(partial: Path, mode: ObjectMode, say: Say) -> Manifest:
    major = client_programs.server_major()
    program = client_programs.find_program("pg_dump", major)
    moment, schema, migrations = _dump(partial, program, say)
    counts = _write_objects(partial, mode, say)
    manifest = Manifest(
        format=FORMAT,
        version=VERSION,
        moment=moment,
        postgresql=major,
        pg_dump=program.major,
        db_schema=schema,
        migrations=migrations,
        database=_on_disk(partial / DATABASE),
        objects_mode=mode.value,
        objects=_on_disk(partial / OBJECTS),
        object_count=counts.number,
        object_bytes=counts.size,
        missing_count=counts.missing,
        bucket=bucket.name(),
    )
    write_manifest(partial, manifest)
    _on_disk(partial / MANIFEST)
    return manifest


def _dump(partial: Path, program: client_programs.Program, say: Say) -> tuple[datetime, str, list[str]]:
    """The database, and which objects it names: both as one snapshot has them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot(), clock_timestamp(), current_schema()")
        snapshot, moment, schema = cursor.fetchone()
        say(f"The database of {moment:%Y-%m-%d %H:%M:%S %Z} …")
        options = ("--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--schema={schema}")
        client_programs.run(program, *options, f"--file={partial / DATABASE}")
        migrations = sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())
        _write_rows(partial / _ROWS)
    return moment, schema, migrations


def _write_rows(path: Path) -> None:
    """To a file, so that the transaction ends before the objects are copied, which may take hours."""
    with path.open("w") as file:
        for found in row_objects():
            size = "" if found.size is None else found.size
            file.write(f"{found.sha256}\t{size}\t{int(found.kept_only)}\t{found.key}\n")


def _read_rows(path: Path) -> Iterator[RowObject]:
    with path.open() as lines:
        for line in lines:
            sha256, size, kept_only, key = line.rstrip("\n").split("\t", 3)
            yield RowObject(key, int(size) if size else None, sha256, kept_only == "1")


class _Counts:
    def __init__(self, total: int, say: Say) -> None:
        self.number = self.size = self.missing = 0
        self._total, self._say, self._told = total, say, time.monotonic()

    def add(self, record: ObjectRecord) -> None:
        self.number += 1
        self.size += record.size
        self.missing += record.is_missing
        if time.monotonic() - self._told > _REPORT_SECONDS:
            self._told = time.monotonic()
            _keep_connection()
            self._say(f"{self.number:,} of {self._total:,} objects, {self.size / 1e9:.2f} GB …")


def _keep_connection() -> None:
    """One that is silent for long is cut by many a firewall, and its lock on removals would end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _write_objects(partial: Path, mode: ObjectMode, say: Say) -> _Counts:
    rows = partial / _ROWS
    with rows.open() as lines:
        total = sum(1 for _ in lines)
    say(f"{total:,} objects are {mode.label} …")
    counts = _Counts(total, say)
    act = (lambda found: object_copies.save(found, partial)) if mode == ObjectMode.COPY else object_copies.look_at
    with (partial / OBJECTS).open("w") as file:
        for record in object_copies.map_in_threads(act, _read_rows(rows)):
            if record:
                counts.add(record)
                file.write(f"{record.model_dump_json(exclude_defaults=True)}\n")
    rows.unlink()
    return counts


def _on_disk(path: Path) -> FileRecord:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return hash_file(path)


def _sync_directory(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
