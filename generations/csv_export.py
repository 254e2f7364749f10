"""Write CSV whose cells a spreadsheet never takes for formulas."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

# With these a spreadsheet begins to compute, also in their full-width forms, and behind blanks and line breaks, which
# some programs drop (OWASP: CSV Injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """What csv writes to: it hands back each line."""

    def write(self, line: str) -> str:
        return line


def lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",") -> Iterator[str]:
    """One line each, the columns' names first."""
    # all in quotation marks: what divides by another sign would else begin a cell, maybe a formula, inside of one
    writer = csv.writer(_Echo(), delimiter=delimiter, quoting=csv.QUOTE_ALL)
    yield "\ufeff"  # by which Excel knows UTF-8
    yield writer.writerow(map(_escape_formula, columns))
    for row in rows:
        yield writer.writerow([_escape_formula(cell) for cell in row])


def unescape_formula(cell: str) -> str:
    """The text that was written so here, maybe by way of a spreadsheet."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def _escape_formula(cell: object) -> str:
    """A cell that a spreadsheet takes for text and not for a formula."""
    text = str(cell)
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)
