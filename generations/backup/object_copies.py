"""Objects between the bucket and a directory: many at once, each hashed as it passes, in constant memory."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from generations import bucket
from generations.backup.exceptions import BackupError
from generations.backup.manifest import CHUNK, ObjectRecord, hash_file, path_of
from generations.backup.row_objects import RowObject
from generations.mirror import MirrorError, storage_errors
from generations.models import QUARANTINE

THREADS: Final = 8
_BATCH_SIZE: Final = 64
_TRIES: Final = 3

T = TypeVar("T")
R = TypeVar("R")


def map_in_threads(act: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """In the order of the items, a batch of which is in memory at a time. Raises what `act` raises."""
    waiting = iter(items)
    with ThreadPoolExecutor(THREADS) as pool:
        while batch := list(islice(waiting, _BATCH_SIZE)):
            yield from pool.map(act, batch)


def save(found: RowObject, directory: Path) -> ObjectRecord | None:
    """A copy in the directory; None for evidence that is not there any more. Raises BackupError."""
    path = path_of(directory, found.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    return _record(found, lambda key: _read_into(key, path))


def look_at(found: RowObject) -> ObjectRecord | None:
    """The same without a copy; read is only what no row has a hash of. Raises BackupError."""
    return _record(found, lambda key: _look(key, found))


def find_difference(record: ObjectRecord, *, by_hash: bool) -> str:
    """What is wrong with the object in the bucket; empty when it is the one that was listed."""
    with bucket_errors():
        size = bucket.size_or_none(record.key)
        is_same = size == record.size and (not by_hash or _read(record.key).sha256 == record.sha256)
    if size is None:
        return f"{record.key} is not in the bucket"
    if not is_same:
        return f"{record.key} is another object than at the backup"
    return ""


def check_copy(record: ObjectRecord, directory: Path) -> str:
    """What is wrong with the copy in the directory; empty when nothing is."""
    path = path_of(directory, record.key)
    if not path.is_file():
        return f"{path} is missing"
    found = hash_file(path)
    return "" if (found.size, found.sha256) == (record.size, record.sha256) else f"{path} is damaged"


def put_back(record: ObjectRecord, directory: Path) -> None:
    """From the directory into the bucket; harmless when repeated. Raises BackupError."""
    options = {"ContentType": record.content_type, "CacheControl": record.cache_control}
    given: dict[str, Any] = {name: value for name, value in options.items() if value}
    with bucket_errors(), path_of(directory, record.key).open("rb") as body:
        bucket.client().put_object(Bucket=bucket.name(), Key=record.key, Body=body, **given)


def _record(found: RowObject, read: Callable[[str], ObjectRecord]) -> ObjectRecord | None:
    """A take-down since the moment of the database may have moved it, or the end of one."""
    for key in (found.key, _other_place(found.key)):
        if (record := _try(read, key)) is not None:
            return record.model_copy(update={"key": found.key})
    return None if found.kept_only else ObjectRecord(key=found.key)


def _other_place(key: str) -> str:
    return key.removeprefix(QUARANTINE) if key.startswith(QUARANTINE) else f"{QUARANTINE}{key}"


def _try(read: Callable[[str], ObjectRecord], key: str) -> ObjectRecord | None:
    """None when there is no such object. A connection that breaks is tried again."""
    for rest in reversed(range(_TRIES)):
        try:
            return read(key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            problem: Exception = error
        except BotoCoreError as error:
            problem = error
        if not rest:
            raise BackupError(f"{key} can't be read from the bucket: {problem}") from problem
    raise AssertionError("the last try returns or raises")


def _look(key: str, found: RowObject) -> ObjectRecord:
    head = bucket.client().head_object(Bucket=bucket.name(), Key=key)
    if not found.sha256 or head["ContentLength"] != found.size:
        return _read(key)
    return ObjectRecord(
        key=key,
        size=head["ContentLength"],
        sha256=found.sha256,
        content_type=head.get("ContentType", ""),
        cache_control=head.get("CacheControl", ""),
    )


def _read_into(key: str, path: Path) -> ObjectRecord:
    with path.open("wb") as file:
        try:
            record = _read(key, file)
        except (BotoCoreError, ClientError):
            path.unlink()
            raise
        file.flush()
        os.fsync(file.fileno())
    return record


def _read(key: str, file: IO[bytes] | None = None) -> ObjectRecord:
    found = bucket.client().get_object(Bucket=bucket.name(), Key=key)
    digest, size = hashlib.sha256(), 0
    for chunk in found["Body"].iter_chunks(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if file:
            file.write(chunk)
    return ObjectRecord(
        key=key,
        size=size,
        sha256=digest.hexdigest(),
        content_type=found.get("ContentType", ""),
        cache_control=found.get("CacheControl", ""),
    )


@contextmanager
def bucket_errors() -> Iterator[None]:
    """What the bucket answers, as a BackupError."""
    try:
        with storage_errors():
            yield
    except MirrorError as error:
        raise BackupError(str(error)) from error
