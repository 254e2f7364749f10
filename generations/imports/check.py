"""Check a sheet as a whole: every row by the composer's form, in a number of queries that no row adds to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.names import fold
from generations.fal.arguments import Arguments, Duration, Endpoint, Quality, Source
from generations.forms import GenerationForm, initial_values
from generations.imports import columns
from generations.imports.columns import Field
from generations.imports.pictures import PictureNames, is_url
from generations.models import EndpointSwitch, OrderImport, PromptRule, Slot, Upload
from generations.models.collections import NAME_LENGTH, clean_name
from generations.models.order_import import PICTURE_NAME_LENGTH
from generations.models.price import endpoint_name
from generations.moderation.rule_matching import match_rules, message_for, rules_for
from generations.moderation.screening import banned_message
from generations.orders.place import Order

MAX_TAGS: Final = 100  # of different names in a sheet
_FORM_FIELDS: Final = frozenset({"kind", "start_file", "tail_file", *Field} - {Field.START, Field.TAIL, Field.TAGS})
_FIELD_OF_FORM: Final = {"start_file": Field.START, "tail_file": Field.TAIL}
_SLOTS: Final = {Field.START: Slot.START, Field.TAIL: Slot.TAIL}
DEFAULT_FIELDS: Final = (
    *(Field.PROMPT, Field.NEGATIVE_PROMPT, Field.DURATION, Field.ASPECT_RATIO, Field.QUALITY, Field.CFG_SCALE),
)

Offered = Mapping[Endpoint, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class CellProblem:
    """`column` is the place of the cell in its row, None where the sheet has no column for the field."""

    field: Field
    column: int | None
    value: str
    message: str

    @property
    def letter(self) -> str:
        return "" if self.column is None else columns.letters(self.column)


@dataclass(slots=True)
class CheckedRow:
    """`number` as the sheet counts. `waits`: one of its pictures is still being fetched."""

    number: int
    cells: list[str]
    prompt: str = ""
    problems: list[CellProblem] = field(default_factory=list)
    endpoint: Endpoint | None = None
    arguments: Arguments | None = None
    pictures: dict[Slot, Upload] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    cents: int = 0
    waits: bool = False

    @property
    def kind(self) -> str:
        return endpoint_name(self.endpoint) if self.endpoint else ""


@dataclass(frozen=True, slots=True)
class CheckedImport:
    """`problems` are those of the sheet as a whole."""

    found: OrderImport
    rows: list[CheckedRow]
    problems: list[str]

    @property
    def wrong(self) -> list[CheckedRow]:
        return [row for row in self.rows if row.problems]

    @property
    def right(self) -> list[CheckedRow]:
        return [row for row in self.rows if not row.problems]

    @property
    def waiting(self) -> int:
        """Rows with pictures that are still being fetched."""
        return sum(row.waits for row in self.rows)

    @property
    def cents(self) -> int:
        """The price of all, as long as none is wrong."""
        return sum(row.cents for row in self.rows)

    @property
    def is_ready(self) -> bool:
        return bool(self.rows) and not self.problems and not self.wrong and not self.waiting

    def orders(self) -> list[Order]:
        """One each row, where all is ready."""
        assert self.is_ready
        return [_order(self.found, row) for row in self.rows]


def _order(found: OrderImport, row: CheckedRow) -> Order:
    assert row.endpoint
    assert row.arguments
    return Order(
        user=found.user,
        team=found.team,
        idempotency_key=found.idempotency_key,
        endpoint=row.endpoint,
        arguments=row.arguments,
        pictures=row.pictures,
        is_private=found.is_private,
        project=found.project,
    )


class RowForm(GenerationForm):
    """The composer's form for one row. It knows the prices and the pictures already, and asks the database nothing."""

    def __init__(self, found: OrderImport, data: dict[str, Any], kept: dict[Slot, Upload], offered: Offered) -> None:
        self._offered = offered
        super().__init__(found.user, data, teams=[found.team])
        self.kept = kept

    def _limit_fields(self) -> None:
        for name in self.fields.keys() - _FORM_FIELDS:
            del self.fields[name]

    def _has_price(self, endpoint: Endpoint, duration: Duration) -> bool:
        return endpoint not in self._offered or duration in self._offered[endpoint]  # what is not offered is told apart


def check(found: OrderImport) -> CheckedImport:
    """Five queries at most, and one more for each endpoint that the team may not use."""
    problems = list(_mapping_problems(found))
    if problems:
        return CheckedImport(found, [CheckedRow(number, row) for number, row in found.numbered_rows], problems)
    checker = _Checker(found)
    rows = [checker.check(number, row) for number, row in found.numbered_rows]
    if not rows:
        problems.append(_("There is no row below the header."))
    if len({tag.casefold() for row in rows for tag in row.tags}) > MAX_TAGS:
        problems.append(_("There are more than %d different tags. Use fewer.") % MAX_TAGS)
    return CheckedImport(found, rows, problems)


def defaults_of(user: User, found: OrderImport) -> dict[str, str]:
    """What a blank cell stands for: the import's own, else the project's, else the user's."""
    project = found.project.defaults if found.project else {}
    known = {"prompt": ""} | initial_values(user, [found.team]) | project | found.defaults
    return {name: str(known[name]) for name in DEFAULT_FIELDS}


def _mapping_problems(found: OrderImport) -> Iterator[str]:
    yield from columns.doubled(found.mapping)
    if Field.PROMPT not in found.mapping and not found.defaults.get(Field.PROMPT):
        yield _("No column is the prompt. Say which one is, or write a prompt for all rows.")


@dataclass
class _Checker:
    """`check` of the rows of one import, with what is read once for all of them."""

    found: OrderImport
    columns: dict[Field, int] = field(init=False)
    defaults: dict[str, str] = field(init=False)
    refusals: dict[Endpoint, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = columns.columns_of(self.found.mapping)
        self.defaults = defaults_of(self.found.user, self.found)

    @cached_property
    def offered(self) -> Offered:
        return EndpointSwitch.objects.offered([self.found.team])

    @cached_property
    def names(self) -> PictureNames:
        return PictureNames(self.found.known_pictures)

    @cached_property
    def banned(self) -> set[str]:
        """Hashes of its pictures that were banned since they were kept, or whose video was taken down."""
        uploads = [picture.upload for picture in self.found.known_pictures if picture.upload]
        hidden = Upload.objects.hidden(uploads)
        return {upload.sha256 for upload in uploads if upload.pk in hidden}

    @cached_property
    def rules(self) -> list[PromptRule]:
        return rules_for(self.found.team)

    def check(self, number: int, cells: list[str]) -> CheckedRow:
        values = {name: columns.clean_cell(name, cells[at]) for name, at in self.columns.items()}
        row = CheckedRow(number, cells, values.get(Field.PROMPT) or self.defaults[Field.PROMPT])
        for name, at in self.columns.items():
            if why := columns.refusal(cells[at]):
                self._add(row, name, why)
        self._find_pictures(row, values)
        self._check_form(row, values)
        self._check_tags(row, values)
        if row.arguments:
            self._screen(row, row.arguments)
        row.problems.sort(key=lambda problem: (problem.column is None, problem.column or 0))
        return row

    def _add(self, row: CheckedRow, name: Field, message: str) -> None:
        """Of what is wrong with a cell the first is said."""
        if all(problem.field != name for problem in row.problems):
            at = self.columns.get(name)
            row.problems.append(CellProblem(name, at, "" if at is None else row.cells[at], message))

    def _find_pictures(self, row: CheckedRow, values: Mapping[Field, str]) -> None:
        for name, slot in _SLOTS.items():
            if not (cell := values.get(name, "")):
                continue
            found = self.names.find(cell)
            if found.upload:
                row.pictures[slot] = found.upload
                if found.upload.sha256 in self.banned:
                    self._add(row, name, banned_message())
            elif found.problem:
                self._add(row, name, found.problem)
            else:
                row.waits = True

    def _check_form(self, row: CheckedRow, values: Mapping[Field, str]) -> None:
        """With something in the place of pictures that are missing still, which has been said, or being fetched."""
        named = {slot: row.pictures.get(slot) or Upload() for name, slot in _SLOTS.items() if values.get(name)}
        kind = Source.IMAGE if named else Source.TEXT
        given: dict[str, Any] = {name: values.get(Field(name)) or self.defaults[name] for name in DEFAULT_FIELDS}
        given |= {"kind": kind, "quality": self._quality(row, kind, values.get(Field.QUALITY, ""))}
        form = RowForm(self.found, given, named, self.offered)
        form.is_valid()
        for name, errors in form.errors.items():
            self._add(row, _FIELD_OF_FORM.get(name) or Field(name), str(errors[0]))
        row.endpoint = form.endpoint
        if row.endpoint and (why := self._refusal(row.endpoint)):
            self._add(row, Field.QUALITY, why)
        if form.requests and row.endpoint:
            row.arguments = form.requests[0]
            row.cents = self.offered.get(row.endpoint, {}).get(row.arguments.duration, 0)

    def _quality(self, row: CheckedRow, kind: Source, written: str) -> str:
        """What the cell says. A default counts where the row's kind has it."""
        if not written:
            default = self.defaults[Field.QUALITY]
            return default if Endpoint.choose(kind, default) else ""
        if written not in list(Quality):
            self._add(row, Field.QUALITY, _("Write %s.") % _(" or ").join(Quality))
        elif not Endpoint.choose(kind, written):
            self._add(row, Field.QUALITY, _("A draft is made from a picture. Add a start picture, or write pro."))
        return written if Endpoint.choose(kind, written) else ""

    def _refusal(self, endpoint: Endpoint) -> str:
        """Why the team may not use it; asked once."""
        if endpoint in self.offered:
            return ""
        if endpoint not in self.refusals:
            why = EndpointSwitch.objects.refusal(self.found.team, endpoint)
            self.refusals[endpoint] = why or _("There is no price for this yet. Ask an admin to enter what it costs.")
        return self.refusals[endpoint]

    def _check_tags(self, row: CheckedRow, values: Mapping[Field, str]) -> None:
        written = map(fold, columns.split_tags(values.get(Field.TAGS, "")))
        names = (clean_name(tag, len(tag)) for tag in written)  # as on the pages of tags
        row.tags = list({name.casefold(): name for name in names if name}.values())
        long = next((tag for tag in row.tags if len(tag) > NAME_LENGTH), None)
        if long:
            self._add(row, Field.TAGS, _("A tag has at most %d characters.") % NAME_LENGTH)

    def _screen(self, row: CheckedRow, arguments: Arguments) -> None:
        blocks = match_rules(self.rules, arguments.prompt, arguments.negative_prompt).of(PromptRule.Action.BLOCK)
        if blocks:
            self._add(row, Field.PROMPT, message_for(blocks[0]))


def urls_of(found: OrderImport) -> set[str]:
    """The addresses of pictures that the sheet names."""
    known = columns.columns_of(found.mapping)
    cells = (row[known[name]].strip() for _, row in found.numbered_rows for name in _SLOTS if name in known)
    return {cell for cell in cells if is_url(cell) and len(cell) <= PICTURE_NAME_LENGTH}
