"""`manage.py restore`: a backup into an empty studio. Everything is checked before anything is changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from config.migrations import known_migrations
from config.version import VERSION
from generations import bucket
from generations.backup import client_programs, object_copies
from generations.backup.after_restore import (
    BARRIER,
    Restored,
    mark_restored,
    mark_unchanged,
    raise_barrier,
    refuse_company,
)
from generations.backup.exceptions import BackupError
from generations.backup.manifest import (
    DATABASE,
    MANIFEST,
    OBJECTS,
    Manifest,
    ObjectRecord,
    check_file,
    hash_file,
    path_of,
    read_manifest,
    read_objects,
)
from generations.models import SubmitPause
from generations.storage.audit import PREFIXES

Say = Callable[[str], None]

_SHOWN: Final = 5  # faults in a message
_MARKER: Final = "restoring/"  # an object in the bucket while its objects come back: what is there is of this restore
_NOT_EMPTY: Final = "Restore into a new, empty one: `createdb`, and DATABASE_URL set to it."


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """`stopped_at`: when the studio that is replaced was. `keep_objects`: the bucket is its own; add what it lacks.

    `by_hash`: objects that stayed in the bucket are read, instead of looking at their sizes. `allow_missing`: also
    where some of them are gone.
    """

    stopped_at: datetime | None = None
    keep_objects: bool = False
    by_hash: bool = True
    allow_missing: bool = False


def restore_backup(directory: Path, say: Say, options: RestoreOptions) -> Restored:
    """Raises BackupError."""
    manifest = read_manifest(directory)
    programs = _check_versions(manifest)
    _check_empty_database()
    refuse_company()
    if manifest.is_copied and not options.keep_objects:
        _check_empty_bucket(directory)
    say(f"Checking {manifest.object_count:,} objects and the database …")
    check_file(directory / OBJECTS, manifest.objects)
    check_file(directory / DATABASE, manifest.database)
    _check_objects(directory, manifest, options)
    if manifest.is_copied:
        say(f"Copying up to {manifest.object_bytes / 1e9:.2f} GB into the bucket {bucket.name()} …")
        _put_objects_back(directory, options)
    say(f"The database of {manifest.moment:%Y-%m-%d %H:%M:%S %Z} …")
    _restore_database(directory, manifest, programs)
    is_known = options.stopped_at is not None and options.stopped_at <= manifest.moment
    result = mark_unchanged() if is_known else mark_restored(options.stopped_at)
    if manifest.is_copied:
        _remove_marker(directory, say)
    return result


# --- checks


def _check_versions(manifest: Manifest) -> client_programs.Program:
    """This code must know what the dump has, and this server and its programs must be able to read it."""
    known = {".".join(key) for key in known_migrations(MigrationLoader(None))}
    if unknown := sorted(set(manifest.migrations) - known):
        raise BackupError(
            f"The backup is of version {manifest.version}, newer than this code ({VERSION}): it has the migration "
            f"{unknown[0]}{f' and {len(unknown) - 1} more' if unknown[1:] else ''}. Restore with that version."
        )
    major = client_programs.server_major()
    if major < manifest.postgresql:
        raise BackupError(
            f"The backup is of PostgreSQL {manifest.postgresql}, and this server is {major}. Restore into "
            f"PostgreSQL {manifest.postgresql} or newer."
        )
    return client_programs.find_program("pg_restore", max(manifest.pg_dump, major))


def _check_empty_database() -> None:
    tables = set(connection.introspection.table_names())
    if not tables:
        return
    if "accounts_user" not in tables or "generations_generation" not in tables:
        raise BackupError(f"The database has tables that are not the studio's, such as {min(tables)}. {_NOT_EMPTY}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM accounts_user), (SELECT count(*) FROM generations_generation)")
        people, rows = cursor.fetchone()
    if people or rows:
        raise BackupError(f"The studio has {people:,} users and {rows:,} generations.{_interrupted()} {_NOT_EMPTY}")


def _interrupted() -> str:
    """A restore that was killed leaves its barrier, so that nothing is sent."""
    try:
        with transaction.atomic():
            is_unprepared = SubmitPause.objects.filter(reason=BARRIER).exists()
    except DatabaseError:
        return ""
    return (
        " A restore was interrupted here; `manage.py migrate` and `after_restore` finish it." if is_unprepared else ""
    )


@object_copies.bucket_errors()
def _check_empty_bucket(directory: Path) -> None:
    if bucket.size_or_none(_marker(directory)) is not None:
        return  # a restore of this very backup was interrupted
    for prefix in PREFIXES:
        for found in islice(bucket.list_objects(prefix), 1):
            raise BackupError(
                f"The bucket {bucket.name()} is not empty: it has {found.key}. Copies go into an empty one: set "
                "AWS_STORAGE_BUCKET_NAME to it. If this is the studio's own, which has survived: --keep-objects."
            )


def _check_objects(directory: Path, manifest: Manifest, options: RestoreOptions) -> None:
    check: Callable[[ObjectRecord], str] = (
        partial(object_copies.check_copy, directory=directory)
        if manifest.is_copied
        else partial(object_copies.find_difference, by_hash=options.by_hash)
    )
    faults = list(islice(filter(None, object_copies.map_in_threads(check, _present(directory))), _SHOWN + 1))
    if faults and not (options.allow_missing and not manifest.is_copied):
        more = " and more" if faults[_SHOWN:] else ""
        advice = (
            "Take another backup."
            if manifest.is_copied
            else "Put them back from the bucket's older versions; or restore without them by --allow-missing, and see "
            "`manage.py audit_storage --repair` afterwards."
        )
        raise BackupError(f"{'; '.join(faults[:_SHOWN])}{more}. {advice}")


def _present(directory: Path) -> Iterator[ObjectRecord]:
    for record in read_objects(directory):
        path_of(directory, record.key)
        if not record.is_missing:
            yield record


# --- changes


def _put_objects_back(directory: Path, options: RestoreOptions) -> None:
    def put(record: ObjectRecord) -> None:
        if not options.keep_objects or object_copies.find_difference(record, by_hash=options.by_hash):
            object_copies.put_back(record, directory)

    with object_copies.bucket_errors():
        bucket.client().put_object(Bucket=bucket.name(), Key=_marker(directory), Body=b"")
    for _ in object_copies.map_in_threads(put, _present(directory)):
        pass


def _remove_marker(directory: Path, say: Say) -> None:
    """All is done by now."""
    try:
        with object_copies.bucket_errors():
            bucket.delete(_marker(directory))
    except BackupError as error:
        say(f"An empty object stays behind in the bucket, {_marker(directory)}: {error}")


def _marker(directory: Path) -> str:
    return f"{_MARKER}{hash_file(directory / MANIFEST).sha256}"


def _restore_database(directory: Path, manifest: Manifest, program: client_programs.Program) -> None:
    """All or nothing; then at once what keeps a worker from sending, and only then what newer code changes."""
    _drop_everything()
    connection.close()
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    client_programs.run(program, *options, f"--schema={manifest.db_schema}", str(directory / DATABASE))
    raise_barrier()
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)


@transaction.atomic
def _drop_everything() -> None:
    """The tables and functions of a studio in which nobody has been; there is nothing in them."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)} CASCADE")
        cursor.execute("DROP FUNCTION IF EXISTS refuse_change() CASCADE")
