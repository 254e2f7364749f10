"""Which picture a cell means: one that was uploaded, by its file's name, or one at an address, once it is fetched."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from django.utils.translation import gettext as _

from generations.models import ImportPicture, Upload
from generations.models.order_import import PICTURE_NAME_LENGTH

_SCHEMES: Final = ("http://", "https://")
_NAMED: Final = 5  # pictures of the same name in a sentence at most


@dataclass(frozen=True, slots=True)
class Found:
    """`problem` says why there is none; without either the address is still being fetched."""

    upload: Upload | None = None
    problem: str = ""


@dataclass(slots=True)
class PictureNames:
    """The pictures of an import by what a cell may call them: path, file name, or file name without its ending.

    A whole path means that picture, though another one's file name is the same; best as it is written.
    """

    pictures: Iterable[ImportPicture]
    _exact: dict[str, list[ImportPicture]] = field(default_factory=dict)
    _by_path: dict[str, list[ImportPicture]] = field(default_factory=dict)
    _by_name: dict[str, list[ImportPicture]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for picture in self.pictures:
            self._exact[picture.name] = [picture]
            if picture.is_url:
                continue
            path = fold_name(picture.name)
            self._by_path.setdefault(path, []).append(picture)
            for name in _names_of(path):
                self._by_name.setdefault(name, []).append(picture)

    def find(self, cell: str) -> Found:
        if is_url(cell):
            return self._find_url(cell)
        found = self._find_named(cell)
        if len(found) > 1:
            names = ", ".join(sorted(picture.name for picture in found)[:_NAMED])
            return Found(problem=_("More than one picture is called that: %s. Write the whole name.") % names)
        if not found:
            return Found(problem=_("No picture of that name was uploaded. Upload it below, or correct the name."))
        return _usable(found[0]) or Found(problem=_("This picture is gone. Upload it once more."))

    def _find_named(self, cell: str) -> list[ImportPicture]:
        wanted = fold_name(cell)
        by_path = self._exact.get(cell) or self._by_path.get(wanted)
        return by_path or self._by_name.get(wanted) or self._by_name.get(PurePosixPath(wanted).name, [])

    def _find_url(self, cell: str) -> Found:
        if len(cell) > PICTURE_NAME_LENGTH:
            return Found(problem=_("The address is too long. Upload the picture instead."))
        found = self._exact.get(cell)
        return (_usable(found[0]) or Found(problem=found[0].error)) if found else Found()


def is_url(cell: str) -> bool:
    return cell.lower().startswith(_SCHEMES)


def fold_name(name: str) -> str:
    """Letters' case, the way of writing accents and that of separating folders make no difference."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./")).casefold()


def clean_file_name(name: str) -> str:
    """A picture's path as it is kept; empty where it names no file. It is never taken for an address."""
    path = name.replace("\\", "/").replace("\0", "").strip()
    file = PurePosixPath(path).name
    if file in {"", ".."}:
        return ""
    return file if is_url(path) else path


def _names_of(path: str) -> set[str]:
    name = PurePosixPath(path)
    return {str(name), name.name, name.stem, str(name.with_suffix(""))} if name.name else {path}


def _usable(picture: ImportPicture) -> Found | None:
    return Found(picture.upload) if picture.upload else None
