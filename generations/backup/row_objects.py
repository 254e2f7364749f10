"""Every object that the rows name, where their database looks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from generations.models import QUARANTINE, Film, FilmStatus, Generation, InputPicture, LibraryPicture, Upload, Video
from generations.storage.cleanup import other_columns

_CHUNK: Final = 2000


@dataclass(frozen=True, slots=True)
class RowObject:
    """`sha256` is empty where no row has it; what is `kept_only` as evidence may be gone without anybody's fault."""

    key: str
    size: int | None = None
    sha256: str = ""
    kept_only: bool = False


def row_objects() -> Iterator[RowObject]:
    """In constant memory, as the current transaction sees the rows. Only columns that version 0.2.0 has, and
    tables that are there: a backup is made before the migrations.
    """
    seen = {"generation__deleted_at": None, "generation__taken_down_at": None, "generation__quarantined_at": None}
    videos = Video.objects.filter(**seen)
    yield from _with_hashes(videos)
    yield from map(RowObject, _keys(videos, "poster_key"))
    yield from map(RowObject, _keys(videos, "preview_key"))
    yield from _with_hashes(InputPicture.objects.filter(**seen))
    yield from _with_hashes(Upload.objects.all())
    tables = set(connection.introspection.table_names())
    for model, column in other_columns():
        if model._meta.db_table in tables:
            yield from map(RowObject, _keys(model._base_manager.all(), column))
    if Film._meta.db_table in tables:
        yield from _films()
    if LibraryPicture._meta.db_table in tables:
        yield from _with_hashes(LibraryPicture.objects.all())
        yield from map(RowObject, _keys(LibraryPicture.objects.all(), "thumbnail_key"))
    yield from _evidence()


def _films() -> Iterator[RowObject]:
    done = Film.objects.filter(status=FilmStatus.DONE).order_by()
    yield from _with_hashes(done.filter(quarantined_at=None))
    yield from map(RowObject, _keys(done.filter(quarantined_at=None), "poster_key"))
    for row in done.exclude(quarantined_at=None).iterator(chunk_size=_CHUNK):
        for key in row.own_keys():
            yield RowObject(f"{QUARANTINE}{key}", kept_only=True)


def _with_hashes(rows: QuerySet[Any]) -> Iterator[RowObject]:
    for key, size, sha256 in rows.order_by().values_list("key", "size", "sha256").iterator(chunk_size=_CHUNK):
        yield RowObject(key, size, sha256)


def _keys(rows: QuerySet[Any], column: str) -> Iterator[str]:
    """Without those that have none."""
    columns = rows.exclude(**{column: ""}).order_by().values_list(column, flat=True)
    yield from columns.iterator(chunk_size=_CHUNK)


def _evidence() -> Iterator[RowObject]:
    """Of what was taken down, wherever it lies at the moment."""
    gone = Q(taken_down_at__isnull=False) | Q(quarantined_at__isnull=False)
    rows = Generation.objects.filter(gone, deleted_at=None).only("team_id", "quarantined_at")
    for row in rows.order_by().iterator(chunk_size=_CHUNK):
        for key in sorted(row.own_keys()):
            yield RowObject(f"{QUARANTINE}{key}" if row.quarantined_at else key, kept_only=True)
