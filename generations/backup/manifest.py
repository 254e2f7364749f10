"""What a backup's directory has: `manifest.json` says which database and how many objects, `objects.jsonl` lists them.

The list has an object a line, so that it is written and read in constant memory, however many there are.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generations.backup.exceptions import BackupError

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database.dump"
OBJECTS: Final = "objects.jsonl"
OBJECTS_DIRECTORY: Final = "objects"
CHUNK: Final = 1024**2  # bytes


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FileRecord(_Record):
    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class ObjectRecord(_Record):
    """`key` is where the database of that moment looks for it; without a hash it was missing then."""

    key: str = Field(min_length=1, max_length=1000)
    size: int = Field(default=0, ge=0)
    sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    content_type: str = ""
    cache_control: str = ""

    @property
    def is_missing(self) -> bool:
        return not self.sha256


class Manifest(_Record):
    """`moment` is the database's. `migrations` are those applied to it, as `app.name`."""

    format: int
    version: str
    moment: datetime
    postgresql: int  # the server's major version
    pg_dump: int
    db_schema: str
    migrations: list[str]
    database: FileRecord
    objects_mode: str = Field(pattern="^(copy|list)$")
    objects: FileRecord
    object_count: int
    object_bytes: int
    missing_count: int
    bucket: str

    @property
    def is_copied(self) -> bool:
        return self.objects_mode == "copy"


def read_manifest(directory: Path) -> Manifest:
    path = directory / MANIFEST
    if not directory.is_dir():
        raise BackupError(f"{directory} is not a directory. Name one that `manage.py backup` has made.")
    if not path.is_file():
        raise BackupError(f"{directory} has no {MANIFEST}: it is not a backup, or only a part of one. Take another.")
    try:
        found: Any = json.loads(path.read_bytes())
        made_by = found.get("format") if isinstance(found, dict) else None
        if isinstance(made_by, int) and made_by > FORMAT:
            raise BackupError(f"{path} has the format of a newer version, {found.get('version')}. Restore with that.")
        return Manifest.model_validate(found)
    except (ValueError, ValidationError) as error:
        raise BackupError(f"{path} can't be read: {_first_line(error)} Take another backup.") from error


def write_manifest(directory: Path, manifest: Manifest) -> None:
    (directory / MANIFEST).write_text(f"{manifest.model_dump_json(indent=2)}\n")


def read_objects(directory: Path) -> Iterator[ObjectRecord]:
    path = directory / OBJECTS
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield ObjectRecord.model_validate_json(line)
            except ValidationError as error:
                raise BackupError(f"{path}, line {number}: {_first_line(error)} Take another backup.") from error


def hash_file(path: Path) -> FileRecord:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileRecord(size=size, sha256=digest.hexdigest())


def check_file(path: Path, wanted: FileRecord) -> None:
    """Raises BackupError when the file is not the one that was written."""
    if not path.is_file():
        raise BackupError(f"{path} is missing. Take another backup.")
    if path.stat().st_size != wanted.size or hash_file(path) != wanted:
        raise BackupError(
            f"{path} is damaged: it is not what was written ({wanted.size:,} bytes). Take another backup."
        )


def path_of(directory: Path, key: str) -> Path:
    """Where a copied object lies. A key leads nowhere else, whoever wrote it."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} for part in parts) or "\0" in key or "\\" in key:
        raise BackupError(f"{key!r} is no key that the studio gives.")
    return directory.joinpath(OBJECTS_DIRECTORY, *parts)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
    return f"{error}."
