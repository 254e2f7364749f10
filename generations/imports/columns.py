"""What the columns of a sheet mean, and how people write it in a cell. Knows no models."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generations.fal.arguments import AspectRatio, Quality


class Field(StrEnum):
    """What a column may be, by the composer's names for its fields."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    DURATION = "duration"
    ASPECT_RATIO = "aspect_ratio"
    START = "start"
    TAIL = "tail"
    QUALITY = "quality"
    CFG_SCALE = "cfg_scale"
    TAGS = "tags"

    @property
    def label(self) -> Any:
        return LABELS[self]


LABELS: Final[dict[Field, Any]] = {
    Field.PROMPT: _("Prompt"),
    Field.NEGATIVE_PROMPT: _("Negative prompt"),
    Field.DURATION: _("Duration"),
    Field.ASPECT_RATIO: _("Aspect ratio"),
    Field.START: _("Start picture"),
    Field.TAIL: _("End picture"),
    Field.QUALITY: _("Quality"),
    Field.CFG_SCALE: _("CFG scale"),
    Field.TAGS: _("Tags"),
}
# words that a header may be, letters and digits alone; the field's own name and label besides
_WORDS: Final[dict[Field, tuple[str, ...]]] = {
    Field.PROMPT: ("text", "description", "shot", "scene"),
    Field.NEGATIVE_PROMPT: ("negative", "neg", "negprompt", "avoid"),
    Field.DURATION: ("seconds", "length", "sec", "secs", "durations", "durationseconds"),
    Field.ASPECT_RATIO: ("ratio", "aspect", "format", "shape"),
    Field.START: ("image", "picture", "startimage", "imageurl", "startframe", "firstframe", "first"),
    Field.TAIL: ("end", "endimage", "tailimage", "tailimageurl", "endframe", "lastframe", "last", "tailpicture"),
    Field.QUALITY: ("model", "tier"),
    Field.CFG_SCALE: ("cfg", "guidance", "guidancescale"),
    Field.TAGS: ("tag", "labels", "keywords"),
}
_FIELD_OF_WORD: Final = {word: field for field, words in _WORDS.items() for word in words} | {
    re.sub(r"[\W_]", "", str(name)).lower(): field
    for field, name in [*((one, one.value) for one in Field), (Field.START, "startpicture"), (Field.TAIL, "endpicture")]
}
# what a spreadsheet makes of 16:9, which it takes for a time of day
_TIME: Final = re.compile(r"0?(\d{1,2}):0?(\d{1,2})(?::00)?(?:\s*[ap]\.?m\.?)?", re.IGNORECASE)
_RATIO: Final = re.compile(r"(\d{1,2})\s*(?:[:x×/]|by|to)\s*(\d{1,2})", re.IGNORECASE)
_RATIO_WORDS: Final = {
    "landscape": AspectRatio.LANDSCAPE,
    "wide": AspectRatio.LANDSCAPE,
    "portrait": AspectRatio.PORTRAIT,
    "vertical": AspectRatio.PORTRAIT,
    "square": AspectRatio.SQUARE,
}
_SECONDS: Final = re.compile(r"(\d{1,3})(?:[.,]0+)?\s*(?:s|sec|secs|second|seconds)?\.?", re.IGNORECASE)
_ERRORS: Final = frozenset({"#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#ERROR!", "#SPILL!"})


def guess_mapping(header: Sequence[str]) -> list[str]:
    """The field of each column by its name, the first of two alike; blank: none."""
    mapping: list[str] = []
    for name in header:
        field = _field_of(name)
        mapping.append(field if field and field not in mapping else "")
    return mapping


def has_header(first: Sequence[str]) -> bool:
    """Whether the first row names columns, as far as words tell."""
    return any(map(_field_of, first))


def guess_by_position(width: int) -> list[str]:
    """Of a sheet without names: its first column is the prompt."""
    return [Field.PROMPT.value, *[""] * (width - 1)]


def carry_over(mapping: Sequence[str], before: Sequence[str], header: Sequence[str]) -> list[str]:
    """The mapping of a sheet that replaces another: by the names of the columns, else by their order."""
    named: defaultdict[str, list[str]] = defaultdict(list)  # several columns may have one name: they are in order
    for name, field in zip(before, mapping, strict=True):
        if name.strip():
            named[name.strip().casefold()].append(field)
    fields = {name: iter(each) for name, each in named.items()}
    found = [next(fields.get(name.strip().casefold(), iter(())), "") for name in header]
    return found if any(found) else [*mapping, *[""] * len(header)][: len(header)]


def letters(index: int) -> str:
    """A column's name as spreadsheets have it: 0 is A, 26 is AA."""
    name = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def refusal(cell: str) -> str:
    """What a cell is that has no value; empty where it has."""
    if cell.strip().upper() in _ERRORS:
        return str(_("The sheet couldn’t compute this cell. Write what it should say."))
    if cell.startswith("="):
        return str(_("This is a formula and not its result. Write what it should say."))
    return ""


def clean_cell(field: Field, cell: str) -> str:
    """What people write in a cell, as the form has it; what isn't known stays, for the form to refuse."""
    text = cell.strip()
    match field:
        case Field.PROMPT | Field.NEGATIVE_PROMPT:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        case Field.DURATION:
            found = _SECONDS.fullmatch(text)
            return str(int(found[1])) if found else text
        case Field.ASPECT_RATIO:
            return _clean_ratio(text)
        case Field.CFG_SCALE:
            return text.replace(",", ".")
        case Field.QUALITY:
            word = text.casefold()
            return Quality.DRAFT.value if word in {"standard", "draft"} else word
        case _:
            return text


def split_tags(cell: str) -> list[str]:
    """Divided by commas, semicolons or line breaks, a leading # left out; each once."""
    names = (part.strip().lstrip("#").strip() for part in re.split(r"[,;\n]", cell))
    return list({name.casefold(): name for name in names if name}.values())


def columns_of(mapping: Sequence[str]) -> dict[Field, int]:
    """The column of each field that has one."""
    return {Field(name): index for index, name in enumerate(mapping) if name}


def doubled(mapping: Sequence[str]) -> Iterator[str]:
    """A sentence for each field that more than one column claims to be."""
    for field in Field:
        claimed = [letters(index) for index, name in enumerate(mapping) if name == field]
        if len(claimed) > 1:
            message = gettext("%(field)s: more than one column is said to be that (%(columns)s).")
            yield message % {"field": field.label, "columns": ", ".join(claimed)}


def _field_of(name: str) -> str:
    found = _FIELD_OF_WORD.get(re.sub(r"[\W_]", "", name).lower())
    return found.value if found else ""


def _clean_ratio(text: str) -> str:
    if word := _RATIO_WORDS.get(text.casefold()):
        return word.value
    found = _RATIO.fullmatch(text) or _TIME.fullmatch(text)
    return f"{int(found[1])}:{int(found[2])}" if found else text
