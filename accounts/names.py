"""Names are one line of visible text: of users, teams, presets, tags and collections."""

import unicodedata
from typing import TYPE_CHECKING, Any, Final

from django.db import models

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField

_JOINERS: Final = "\u200c\u200d"  # of Persian, and of emoji
_FLAG_TAGS: Final = range(0xE0020, 0xE0080)


def fold(text: str) -> str:
    """Without line breaks and control characters, and without what turns the text around it or can't be seen."""
    return " ".join("".join(map(_fold_character, text)).split())


def _fold_character(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp" | "Zs":
            return " "
        case "Cf":
            return character if character in _JOINERS or ord(character) in _FLAG_TAGS else ""
        case "Cs":
            return ""
        case _:
            return character


class NameField(_CharField):
    """Folds whatever is written or looked for, by whichever way it comes."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return fold(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return fold(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value
