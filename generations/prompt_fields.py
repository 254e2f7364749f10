"""Fields of prompts: their text as it was typed, and the values of the variables in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import QueryDict

from generations.fal.arguments import is_visible
from generations.prompt_variables import Variable, split_values

MAX_VARIABLES: Final = 10
VALUES_PREFIX: Final = "var-"  # of the names of their fields, before that of the variable


class PlainTextField(forms.CharField):
    """A text as typed, with the browser's line ends made plain, since each counts as a character."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class _ValuesInput(forms.Textarea):
    """Several boxes of one name are several lines."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> str | None:
        if isinstance(data, QueryDict):
            return "\n".join(map(str, data.getlist(name))) if name in data else None
        value: str | None = data.get(name)
        return value


class ValuesField(PlainTextField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, widget=_ValuesInput, **kwargs)


@dataclass(frozen=True, slots=True)
class VariableField:
    """A variable of the prompts, and the form's field for its values."""

    variable: Variable
    field: forms.BoundField

    @property
    def values(self) -> list[str]:
        """What is asked for, right or wrong. Of choices that were never shown: all."""
        typed = self.field.value()
        if typed is None and not self.is_shown:
            return list(self.variable.choices)
        return [value for value in split_values(str(typed or "")) if is_visible(value)]

    @property
    def is_shown(self) -> bool:
        """Whether whoever pressed the button has seen these choices; without any there is nothing to see."""
        data = self.field.form.data
        shown = data.getlist("choices") if isinstance(data, QueryDict) else data.get("choices", ())
        return not self.variable.choices or str(self.variable) in shown


def variable_values(data: QueryDict) -> dict[str, str]:
    """What the fields of variables hold, by their names; blank where none of the choices is chosen."""
    names = [name for name in data if name.startswith(VALUES_PREFIX)]
    names += [f"{VALUES_PREFIX}{shown.partition(':')[0]}" for shown in data.getlist("choices")]
    found = list(dict.fromkeys(names))[:MAX_VARIABLES]
    return {name: "\n".join(map(str, data.getlist(name))).replace("\r\n", "\n") for name in found}
