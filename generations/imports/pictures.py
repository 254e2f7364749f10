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


@dataclass(frozen=True, slots=True)
class Found:
    """`problem` says why there is none; without either the address is still being fetched."""

    upload: Upload | None = None
    problem: str = ""


@dataclass(slots=True)
class PictureNames:
    """The pictures of an import by what a cell may call them: path, file name, or file name without its ending."""

    pictures: Iterable[ImportPicture]
    _by_name: dict[str, list[ImportPicture]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for picture in self.pictures:
            for name in {picture.name} if picture.is_url else _names_of(picture.name):
                self._by_name.setdefault(name, []).append(picture)

    def find(self, cell: str) -> Found:
        if is_url(cell):
            return self._find_url(cell)
        wanted = fold_name(cell)
        found = self._by_name.get(wanted) or self._by_name.get(PurePosixPath(wanted).name, [])
        if len(found) > 1:
            names = ", ".join(sorted(picture.name for picture in found))
            return Found(problem=_("More than one picture is called that: %s. Write the whole name.") % names)
        if not found:
            return Found(problem=_("No picture of that name was uploaded. Upload it below, or correct the name."))
        return _usable(found[0]) or Found(problem=_("This picture is gone. Upload it once more."))

    def _find_url(self, cell: str) -> Found:
        if len(cell) > PICTURE_NAME_LENGTH:
            return Found(problem=_("The address is too long. Upload the picture instead."))
        found = self._by_name.get(cell)
        return (_usable(found[0]) or Found(problem=found[0].error)) if found else Found()


def is_url(cell: str) -> bool:
    return cell.lower().startswith(_SCHEMES)


def fold_name(name: str) -> str:
    """Letters' case, the way of writing accents and that of separating folders make no difference."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./")).casefold()


def _names_of(name: str) -> set[str]:
    path = PurePosixPath(fold_name(name))
    return {str(path), path.name, path.stem, str(path.with_suffix(""))}


def _usable(picture: ImportPicture) -> Found | None:
    return Found(picture.upload) if picture.upload else None
