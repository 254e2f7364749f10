"""Read a sheet from a file or from the clipboard, whatever program wrote it. Knows no models and no web framework."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.translation import gettext as _

from generations.csv_export import unescape_formula

MAX_BYTES: Final = 5 * 1024**2
MAX_CELL: Final = 131_072  # characters, as csv has it
MAX_ROWS: Final = 1000  # that say something, besides the header
MAX_COLUMNS: Final = 50
_MAX_BLANK: Final = 5000  # rows in all, blank ones among them
_MAX_READ: Final = 100_000  # rows that are counted
_DELIMITERS: Final = ("\t", ",", ";", "|")
_NOTHING: Final = "".join(_DELIMITERS) + '" \r\n'
_SAMPLE: Final = 50  # rows by which the delimiter is found
_NAMED: Final = 5  # wrong rows at most
_ALIKE: Final = 0.8  # of them have the same number of cells
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WORKBOOK: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_NO_TEXT: Final = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"{\\rtf")
_FEW_ZEROS: Final = 4  # of UTF-16 of Latin letters, every other byte is zero

Row = list[str]


class TableError(ValueError):
    """It is no sheet, or too large; str() says why and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """Each row has as many cells as the widest. `is_guessed`: the text is in no Unicode, so accents may be wrong."""

    rows: list[Row]
    delimiter: str
    is_guessed: bool = False

    @property
    def width(self) -> int:
        return len(self.rows[0])


def read_file(data: bytes) -> Table:
    """The sheet in a .csv or .tsv file. Raises TableError."""
    if len(data) > MAX_BYTES:
        raise TableError(_("The file is larger than 5 MB. Split it, or take out columns that aren’t needed."))
    if data.startswith(_WORKBOOK):
        raise TableError(_("This is a workbook. In your spreadsheet program, save or download it as CSV first."))
    if data.startswith(_NO_TEXT):
        raise TableError(_("This file is no CSV. In your spreadsheet program, save or download the sheet as CSV."))
    text, is_guessed = _decode(data)
    table = read_text(text)
    return Table(table.rows, table.delimiter, is_guessed)


def read_text(text: str) -> Table:
    """The sheet in `text`, such as what a spreadsheet program puts on the clipboard. Raises TableError."""
    if len(text) > MAX_BYTES:
        raise TableError(_("This is more than 5 MB. Split it, or take out columns that aren’t needed."))
    text, delimiter = _named_delimiter(text.removeprefix("\ufeff"))
    if not text.strip(_NOTHING):
        raise TableError(_("It is empty. Choose a file with a row for each video."))
    delimiter = delimiter or _find_delimiter(text)
    rows = _trim(_read(text, delimiter))
    _refuse_null(rows)
    return Table(rows, delimiter if len(rows[0]) > 1 else ",")


def refuse_large(rows: Sequence[Row]) -> None:
    """Raise TableError for cells that no file may have."""
    number = next((number for number, row in enumerate(rows, start=1) if any(len(cell) > MAX_CELL for cell in row)), 0)
    if number:
        raise TableError(_("Row %d has a cell that is too long.") % number)
    if sum(len(cell) for row in rows for cell in row) > MAX_BYTES:
        raise TableError(_("The sheet would be larger than 5 MB."))


def _decode(data: bytes) -> tuple[str, bool]:
    """The text, and whether its encoding is a guess."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "") or _utf16_without_bom(data) or "utf-8"
    try:
        return data.decode(encoding), False
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise TableError(_("The text of the file is damaged. Save it again as CSV UTF-8.")) from None
    return data.decode("cp1252", errors="replace"), True


def _utf16_without_bom(data: bytes) -> str:
    head = data[:1000]
    odd, even = head[1::2].count(0), head[::2].count(0)
    if max(odd, even) * _FEW_ZEROS < len(head):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _named_delimiter(text: str) -> tuple[str, str]:
    """Excel writes and hides a first line such as `sep=;`."""
    first, _newline, rest = text.partition("\n")
    name = first.strip().removeprefix("sep=")
    return (rest, name) if first.startswith("sep=") and name in _DELIMITERS else (text, "")


def _find_delimiter(text: str) -> str:
    """The one that divides the most rows alike. Where none does there is one column, and commas are of its words."""
    found = {delimiter: _likeness(text, delimiter) for delimiter in _DELIMITERS}
    best = max(found, key=lambda delimiter: found[delimiter])
    return best if found[best] >= _ALIKE else "\t"


def _likeness(text: str, delimiter: str) -> float:
    """How many of the first rows have the cells that the first one names, if these are more than one; 0 to 1."""
    rows: list[Row] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            rows += [row] if any(row) else []
            if len(rows) == _SAMPLE:
                break
    except csv.Error:
        pass  # said when it is read; what came before tells the delimiter
    width = _width(rows[0]) if rows else 0
    return sum(_width(row) <= width <= len(row) for row in rows) / len(rows) if width > 1 else 0


def _read(text: str, delimiter: str) -> list[Row]:
    """What is copied from a sheet may have quotes that mean nothing."""
    try:
        return list(_records(text, delimiter, has_quotes=True))
    except TableError:
        if delimiter != "\t":
            raise
    return list(_records(text, delimiter, has_quotes=False))


def _records(text: str, delimiter: str, *, has_quotes: bool) -> Iterator[Row]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if number > _MAX_READ:
                raise TableError(_too_many(_("There are more than %(rows)s rows; use at most %(most)s."), _MAX_READ))
            yield list(map(unescape_formula, row))
    except csv.Error as error:
        if "field limit" in str(error):
            message = _("Row %d has a cell that is too long. Is a quotation mark missing before it?")
        else:
            message = _("Row %d can’t be read: a quotation mark is missing, or one too many. Save the sheet again.")
        raise TableError(message % (number + 1)) from error


def _trim(rows: list[Row]) -> list[Row]:
    """Without the blank rows at the end and the blank columns at the right, that programs leave; all equally wide."""
    widths = list(map(_width, rows))
    while widths and not widths[-1]:
        widths.pop()
    if not widths:
        raise TableError(_("It is empty. Choose a file with a row for each video."))
    filled, width = sum(map(bool, widths)), max(widths)
    if filled > MAX_ROWS + 1:
        raise TableError(_too_many(_("There are %(rows)s rows; use at most %(most)s. Split the file."), filled))
    if len(widths) > _MAX_BLANK:
        raise TableError(_("There are too many blank rows among the others. Delete them."))
    if width > MAX_COLUMNS:
        message = _("There are %(columns)d columns; use at most %(most)d. Take out those that aren’t needed.")
        raise TableError(message % {"columns": width, "most": MAX_COLUMNS})
    return [(row + [""] * width)[:width] for row in rows[: len(widths)]]


def _width(row: Sequence[str]) -> int:
    return max((at for at, cell in enumerate(row, start=1) if cell.strip()), default=0)


def _refuse_null(rows: list[Row]) -> None:
    wrong = [str(number) for number, row in enumerate(rows, start=1) if any("\0" in cell for cell in row)]
    if wrong:
        message = _("Row %s has characters that can’t be kept (null). Take them out, or save the sheet again.")
        raise TableError(message % ", ".join(wrong[:_NAMED]))


def _too_many(message: str, rows: int) -> str:
    return message % {"rows": f"{rows:,}", "most": f"{MAX_ROWS:,}"}
