"""Start and end pictures that belong together by their files' names. Knows no models."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

_WORDS: Final = {"start": "start", "first": "start", "begin": "start", "end": "tail", "last": "tail", "tail": "tail"}
_SIGNS: Final = {"a": "start", "1": "start", "01": "start", "b": "tail", "2": "tail", "02": "tail"}
# the sign between name and ending, or a capital letter (foxStart); a whole name may be an ending (fox/start.png)
_ENDING: Final = re.compile(r"(?:(?P<base>.*?)[ _.\-]+|(?P<camel>.*[a-z0-9])(?=[A-Z])|)(?P<ending>[A-Za-z]+|\d{1,4})")


@dataclass(frozen=True, slots=True)
class Pair:
    """File names; blank where there is none. `title` is what they have in common, as words."""

    title: str
    start: str
    tail: str


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    base: str
    role: str = ""  # start, tail, other (of a series such as fox-3), or blank
    is_word: bool = False


def find_pairs(names: Iterable[str]) -> list[Pair]:
    """Every file once, by name: two that belong together, or one that stands alone."""
    files = sorted(map(_parse, names), key=lambda file: (file.base.casefold(), file.name.casefold()))
    return [pair for _, group in groupby(files, lambda file: file.base.casefold()) for pair in _pair_up(list(group))]


def _parse(name: str) -> _File:
    path = PurePosixPath(name)
    found = _ENDING.fullmatch(path.stem)
    ending = found["ending"].lower() if found else ""
    base = found["base"] or found["camel"] or "" if found else ""
    if ending in _WORDS:
        return _File(name, f"{path.parent}/{base}", _WORDS[ending], is_word=True)
    if base and (ending in _SIGNS or ending.isdecimal()):
        return _File(name, f"{path.parent}/{base}", _SIGNS.get(ending, "other"))
    return _File(name, f"{path.parent}/{path.stem}")


def _pair_up(files: list[_File]) -> list[Pair]:
    starts, tails = ([file for file in files if file.role == role] for role in ("start", "tail"))
    if len(files) == len(starts) + len(tails) and len(starts) == len(tails) == 1:
        return [Pair(_title(starts[0].base), starts[0].name, tails[0].name)]
    return [_alone(file) for file in files]


def _alone(file: _File) -> Pair:
    """One that is called an end is none to start with."""
    is_tail = file.is_word and file.role == "tail"
    title = _title(file.base if file.is_word else f"/{PurePosixPath(file.name).stem}")
    return Pair(title, "", file.name) if is_tail else Pair(title, file.name, "")


def _title(base: str) -> str:
    """The words of a name; where it has none (fox/start.png) those of its folder."""
    folder, _, name = base.rpartition("/")
    return " ".join(re.split(r"[ _.\-]+", name or PurePosixPath(folder).name)).strip()
