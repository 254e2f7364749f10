"""Compare the bucket with the rows, both ways, in constant memory: two sorted streams side by side. Changes nothing.

Neither stream is a snapshot, and not every S3 server sorts as S3 does (some list a folder's content before its
neighbours). So each difference is checked once more, by itself, before it is reported.
"""

import heapq
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import chain
from typing import Any, Final

from django.db.models import IntegerField, QuerySet, Value
from django.db.models.functions import Collate
from django.utils import timezone

from generations import bucket
from generations.bucket import StoredObject
from generations.models import Film, FilmStatus, InputPicture, LibraryPicture, StorageDeletion, Upload, Video
from generations.storage.cleanup import is_referenced, other_columns

PREFIXES: Final = ("avatars/", "logos/", "quarantine/", "teams/", "uploads/")  # sorted
ORPHAN_GRACE_PERIOD: Final = timedelta(hours=1)  # an object comes before its row
_CHUNK: Final = 2000
_NO_SIZE: Final = Value(None, output_field=IntegerField())


class Fault(StrEnum):
    ORPHAN = "orphan"
    MISSING = "missing"
    WRONG_SIZE = "wrong size"


class Role(StrEnum):
    VIDEO = "video"
    POSTER = "poster"
    PREVIEW = "preview"
    FILM = "film"
    FILM_POSTER = "film poster"
    PICTURE = "input picture"
    LIBRARY_PICTURE = "library picture"
    LIBRARY_THUMBNAIL = "library thumbnail"
    UPLOAD = "upload"
    AVATAR = "avatar"
    LOGO = "logo"


@dataclass(frozen=True, slots=True)
class KnownObject:
    """What a row says is in the bucket. `row_id` is that of the generation, film, library picture, upload, user or
    team; no row knows the size of a poster, a preview, a thumbnail, an avatar or a logo.
    """

    key: str
    role: Role
    row_id: uuid.UUID | int
    size: int | None  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    fault: Fault
    key: str
    known: KnownObject | None  # None for an orphan
    size: int | None  # bytes in the bucket, None when there is no object


class StorageAudit:
    """One comparison; the counts are final when `findings` has ended. Raises botocore's errors."""

    def __init__(self) -> None:
        self.objects = 0
        self.known = 0
        self.young = 0  # objects without a row, which may still come
        self._settled_before = timezone.now() - ORPHAN_GRACE_PERIOD

    def findings(self) -> Iterator[Finding]:
        stored = chain.from_iterable(bucket.list_objects(prefix) for prefix in PREFIXES)
        for found, known in merge_by_key(stored, known_objects()):
            self.objects += found is not None
            self.known += known is not None
            if finding := self._compare(found, known):
                yield finding

    def _compare(self, found: StoredObject | None, known: KnownObject | None) -> Finding | None:
        if known is None:
            return self._check_orphan(found) if found else None
        if found and known.size in {None, found.size}:
            return None
        return _check_known(known)

    def _check_orphan(self, found: StoredObject) -> Finding | None:
        if is_referenced(found.key) or StorageDeletion.objects.filter(key=found.key).exists():
            return None
        if found.modified_at > self._settled_before:
            self.young += 1
            return None
        return Finding(Fault.ORPHAN, found.key, None, found.size)


def _check_known(known: KnownObject) -> Finding | None:
    if not is_referenced(known.key):
        return None
    size = bucket.size_or_none(known.key)
    if size is None:
        return Finding(Fault.MISSING, known.key, known, None)
    return None if known.size in {None, size} else Finding(Fault.WRONG_SIZE, known.key, known, size)


def merge_by_key(
    stored: Iterable[StoredObject], known: Iterable[KnownObject]
) -> Iterator[tuple[StoredObject | None, KnownObject | None]]:
    """Pairs of the same key, and None where the other stream has no such key, or had it earlier or later."""
    left, right = iter(stored), iter(known)
    a, b = next(left, None), next(right, None)
    while a or b:
        takes_left = a is not None and (b is None or a.key <= b.key)
        takes_right = b is not None and (a is None or b.key <= a.key)
        yield (a if takes_left else None), (b if takes_right else None)
        a = next(left, None) if takes_left else a
        b = next(right, None) if takes_right else b


def known_objects() -> Iterator[KnownObject]:
    """What rows say is there that are neither deleted nor taken down, by key."""
    seen = {"generation__deleted_at": None, "generation__taken_down_at": None, "generation__quarantined_at": None}
    videos, pictures = Video.objects.filter(**seen), InputPicture.objects.filter(**seen)
    films = Film.objects.filter(status=FilmStatus.DONE, quarantined_at=None)
    return heapq.merge(
        _sorted_objects(Role.VIDEO, videos, "key", "pk", "size"),
        _sorted_objects(Role.POSTER, videos, "poster_key", "pk", _NO_SIZE),
        _sorted_objects(Role.PREVIEW, videos.exclude(preview_key=""), "preview_key", "pk", _NO_SIZE),
        _sorted_objects(Role.PICTURE, pictures, "key", "generation_id", "size"),
        _sorted_objects(Role.FILM, films, "key", "pk", "size"),
        _sorted_objects(Role.FILM_POSTER, films, "poster_key", "pk", _NO_SIZE),
        _sorted_objects(Role.LIBRARY_PICTURE, LibraryPicture.objects.all(), "key", "pk", "size"),
        _sorted_objects(Role.LIBRARY_THUMBNAIL, LibraryPicture.objects.all(), "thumbnail_key", "pk", _NO_SIZE),
        _sorted_objects(Role.UPLOAD, Upload.objects.all(), "key", "pk", "size"),
        *(
            _sorted_objects(
                Role(column.removesuffix("_key")), model._base_manager.exclude(**{column: ""}), column, "pk", _NO_SIZE
            )
            for model, column in other_columns()
        ),
        key=lambda known: known.key,
    )


def _sorted_objects(role: Role, rows: QuerySet[Any], key: str, row_id: str, size: str | Value) -> Iterator[KnownObject]:
    """Collation "C" is the order of UTF-8 bytes: S3's own, and Python's."""
    columns = rows.order_by(Collate(key, "C")).values_list(key, row_id, size)
    for its_key, its_id, its_size in columns.iterator(chunk_size=_CHUNK):
        yield KnownObject(its_key, role, its_id, its_size)
