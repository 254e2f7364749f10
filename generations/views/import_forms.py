"""What the pages of imports ask for: a sheet, what its columns mean, and what its blank cells stand for."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team, User
from accounts.roles import Action
from generations.fal.arguments import MAX_PROMPT_CHARACTERS, AspectRatio, Duration
from generations.forms import QUALITY_CHOICES
from generations.imports import columns
from generations.imports.check import DEFAULT_FIELDS, defaults_of
from generations.imports.columns import Field
from generations.imports.pairs import find_pairs
from generations.imports.table import MAX_ROWS, Row, Table, TableError, read_file, read_text
from generations.models import Collection, OrderImport
from generations.models.order_import import IMPORT_NAME_LENGTH
from generations.prompt_fields import PlainTextField

_INPUT: Final = {"class": "input", "dir": "auto", "autocomplete": "off"}
_PRIVATE: Final = {"team": False, "me": True}
_PAIR_COLUMNS: Final = (Field.PROMPT, Field.START, Field.TAIL)


class SheetForm(forms.Form):
    """A file, or what was copied from a sheet. `table` is what a valid one holds."""

    sheet = forms.FileField(
        label=gettext_lazy("CSV file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/tab-separated-values"}),
    )
    pasted = forms.CharField(
        label=gettext_lazy("Or paste cells copied from a sheet"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={**_INPUT, "rows": 5, "spellcheck": "false"}),
    )
    table: Table

    @property
    def name(self) -> str:
        file = self.cleaned_data.get("sheet")
        return file.name[:IMPORT_NAME_LENGTH] if file else _("Pasted sheet")

    def clean(self) -> dict[str, Any]:
        file, pasted = self.cleaned_data.get("sheet"), self.cleaned_data.get("pasted", "")
        if file is None and not pasted.strip():
            self.add_error("sheet", _("Choose a file, or paste cells below."))
            return self.cleaned_data
        try:
            self.table = read_file(file.read()) if file is not None else read_text(pasted)
        except TableError as error:
            self.add_error("sheet" if file is not None else "pasted", str(error))
        return self.cleaned_data


class PairsForm(forms.Form):
    """One prompt for rows that are made of pictures, by the names of their files. `rows` is what a valid one makes."""

    prompt = PlainTextField(
        label=gettext_lazy("One prompt for all"),
        required=False,
        max_length=MAX_PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={**_INPUT, "rows": 2}),
        help_text=gettext_lazy("Blank: the words of each file’s name. You can change each one afterwards."),
    )
    rows: list[Row]

    def __init__(self, names: Iterable[str], *args: Any) -> None:
        super().__init__(*args)
        self.names = names

    def clean(self) -> dict[str, Any]:
        prompt = self.cleaned_data.get("prompt", "")
        self.rows = [[prompt or pair.title, pair.start, pair.tail] for pair in find_pairs(self.names)]
        if len(self.rows) > MAX_ROWS:
            words = _("The pictures make %(rows)s rows; use at most %(most)s. Make two imports of them.")
            self.add_error(None, words % {"rows": f"{len(self.rows):,}", "most": f"{MAX_ROWS:,}"})
        return self.cleaned_data

    def columns(self) -> dict[str, Any]:
        """Of the import, where the form is valid."""
        header = [str(field.label) for field in _PAIR_COLUMNS]
        mapping = [field.value for field in _PAIR_COLUMNS]
        return {"rows": [header, *self.rows], "mapping": mapping, "has_header": True, "delimiter": ","}


class ColumnsForm(forms.Form):
    """What each column is, what blank cells stand for, and where the videos belong."""

    has_header = forms.BooleanField(label=gettext_lazy("The first row has the names of the columns"), required=False)
    prompt = PlainTextField(
        label=gettext_lazy("Prompt"),
        required=False,
        max_length=MAX_PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={**_INPUT, "rows": 2}),
    )
    negative_prompt = PlainTextField(
        label=gettext_lazy("Negative prompt"),
        required=False,
        max_length=MAX_PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={**_INPUT, "rows": 2}),
    )
    duration = forms.ChoiceField(
        label=gettext_lazy("Duration"), choices=[(one.value, gettext_lazy("%s seconds") % one) for one in Duration]
    )
    aspect_ratio = forms.ChoiceField(
        label=gettext_lazy("Aspect ratio"), choices=[(one.value, one.value) for one in AspectRatio]
    )
    quality = forms.ChoiceField(label=gettext_lazy("Quality"), choices=QUALITY_CHOICES)
    cfg_scale = forms.FloatField(label=gettext_lazy("CFG scale"), min_value=0, max_value=1)
    team = forms.ModelChoiceField(
        Team.objects.none(), label=gettext_lazy("Team"), to_field_name="slug", empty_label=None
    )
    project = forms.ModelChoiceField(
        Collection.objects.none(), label=gettext_lazy("Project"), required=False, empty_label=gettext_lazy("No project")
    )
    seen_by = forms.ChoiceField(
        label=gettext_lazy("Visibility"),
        required=False,
        choices=[
            ("", gettext_lazy("Team default")),
            ("team", gettext_lazy("Everyone in the team")),
            ("me", gettext_lazy("Only me")),
        ],
    )

    def __init__(self, user: User, found: OrderImport, data: Any = None) -> None:
        super().__init__(data, initial=_initial(user, found))
        self.found = found
        fields: dict[str, Any] = self.fields
        fields["team"].queryset = Team.objects.where_may(user, Action.GENERATE)
        fields["project"].queryset = Collection.objects.usable_by(user).select_related("team")
        fields["project"].label_from_instance = lambda project: f"{project.team}: {project}"
        choices = [("", _("Ignore"))] + [(field.value, field.label) for field in Field]
        for index, guessed in enumerate(found.mapping):
            label = columns.letters(index)
            fields[f"column-{index}"] = forms.ChoiceField(choices=choices, required=False, initial=guessed, label=label)
        for each in self.fields.values():
            if isinstance(each.widget, forms.Select | forms.NumberInput):
                each.widget.attrs["class"] = "input"

    @property
    def column_fields(self) -> list[tuple[forms.BoundField, str, list[str]]]:
        """For each column its field, its name and its first cells."""
        rows = [cells for _number, cells in self.found.numbered_rows[:3]]
        return [
            (self[f"column-{index}"], name, [cells[index] for cells in rows])
            for index, name in enumerate(self.found.header)
        ]

    @property
    def default_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in DEFAULT_FIELDS]

    @property
    def mapping(self) -> list[str]:
        return [self.cleaned_data[f"column-{index}"] for index in range(len(self.found.mapping))]

    def clean(self) -> dict[str, Any]:
        project, team = self.cleaned_data.get("project"), self.cleaned_data.get("team")
        if project and team and project.team_id != team.pk:
            self.add_error("project", _("This project is of another team. Choose one of the team that pays."))
        if not self.errors:
            for message in columns.doubled(self.mapping):
                self.add_error(None, message)
        return self.cleaned_data

    def columns(self) -> dict[str, Any]:
        """Of the import, where the form is valid."""
        values = self.cleaned_data
        return {
            "has_header": values["has_header"],
            "mapping": self.mapping,
            "defaults": {name: str(values[name]) for name in DEFAULT_FIELDS},
            "team": values["team"],
            "project": values["project"],
            "is_private": _PRIVATE.get(values["seen_by"]),
        }


def _initial(user: User, found: OrderImport) -> dict[str, Any]:
    seen_by = {value: name for name, value in _PRIVATE.items()}.get(found.is_private, "")  # type: ignore[arg-type]
    values = {"has_header": found.has_header, "team": found.team.slug, "project": found.project_id, "seen_by": seen_by}
    return {**defaults_of(user, found), **values}


def mapping_of(table: Table) -> dict[str, Any]:
    """What a new sheet's columns most likely are."""
    has_header = columns.has_header(table.rows[0])
    guessed = columns.guess_mapping(table.rows[0]) if has_header else columns.guess_by_position(table.width)
    return {**sheet_columns(table), "has_header": has_header, "mapping": guessed}


def carried_mapping(found: OrderImport, table: Table) -> dict[str, Any]:
    """The mapping of a corrected sheet: what was said of the one before."""
    header: Sequence[str] = table.rows[0] if found.has_header else [""] * table.width
    mapping = columns.carry_over(found.mapping, found.header, header)
    return {**sheet_columns(table), "mapping": mapping}


def sheet_columns(table: Table) -> dict[str, Any]:
    return {"rows": table.rows, "delimiter": table.delimiter, "is_guessed": table.is_guessed}
