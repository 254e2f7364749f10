"""What became of a sheet's rows: counted for its page, and as the same sheet with more columns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from generations.csv_export import lines
from generations.models import TERMINAL, Generation, OrderImport, Status

COLUMNS: Final = ("status", "video", "cost_usd", "reason")
GONE: Final = "not available"  # deleted, taken down, or of a team that the user has left


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the sheet and its video, where the user may see it."""

    number: int
    cells: list[str]
    generation: Generation | None

    @property
    def reason(self) -> str:
        row = self.generation
        return row.message if row and row.status != Status.DONE else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows of a sheet have ended, and how."""

    counts: Counter[str]
    cents: int

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def ended(self) -> int:
        return sum(count for status, count in self.counts.items() if status in TERMINAL or status == GONE)

    @property
    def made(self) -> int:
        return self.counts[Status.DONE]

    @property
    def failed(self) -> int:
        return self.ended - self.made - self.counts[GONE]

    @property
    def gone(self) -> int:
        return self.counts[GONE]

    @property
    def held(self) -> int:
        return self.counts[Status.HELD]

    @property
    def is_running(self) -> bool:
        return self.ended < self.total


def results_of(found: OrderImport, user: User) -> list[Result]:
    """Of an import that is ordered: one query."""
    visible = found.generations().visible_to(user)
    by_index = {row.batch_index or 0: row for row in visible.defer("prompt", "negative_prompt", "logs")}
    rows = enumerate(found.numbered_rows)
    return [Result(number, cells, by_index.get(index)) for index, (number, cells) in rows]


def progress_of(results: Sequence[Result]) -> Progress:
    rows = [result.generation for result in results]
    counts = Counter(row.status if row else GONE for row in rows)
    return Progress(counts, sum(row.cost_cents for row in rows if row))


def csv_lines(found: OrderImport, results: Sequence[Result]) -> Iterator[str]:
    """The sheet as it was ordered, with its delimiter, and the results at the right of each row."""
    by_number = {result.number: result for result in results}
    rows = [[*cells, *_cells(by_number.get(number))] for number, cells in enumerate(found.rows, start=1)]
    if found.has_header and rows:
        rows[0][-len(COLUMNS) :] = COLUMNS
    return lines(rows[0], rows[1:], found.delimiter)


def _cells(result: Result | None) -> list[Any]:
    if result is None:
        return [""] * len(COLUMNS)
    if (row := result.generation) is None:
        return [_(GONE), "", "", ""]
    video = f"{settings.SITE_URL}{row.get_absolute_url()}"
    return [row.status, video, f"{row.cost_cents / 100:.2f}", result.reason]
