"""What became of a sheet's rows: counted for its page, and as the same sheet with more columns.

A video that was retried, and maybe again, is one row still: its newest attempt says what became of it.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from generations.csv_export import lines
from generations.models import TERMINAL, Generation, OrderImport, Relation, Status

COLUMNS: Final = ("status", "video", "cost_usd", "reason")
GONE: Final = "not available"  # deleted, taken down, or of a team that the user has left
# UNION leaves out what is there already, so that it ends whatever was made from what
_ATTEMPTS: Final = """
WITH RECURSIVE attempt (id, place) AS (
    SELECT id, batch_index FROM generations_generation WHERE id = ANY(%s)
    UNION
    SELECT again.id, attempt.place
    FROM attempt JOIN generations_generation AS again ON again.parent_id = attempt.id AND again.relation = %s
)
SELECT id, place FROM attempt
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the sheet and the attempts at its video that the user may see, the newest last."""

    number: int
    cells: list[str]
    attempts: Sequence[Generation]

    @property
    def generation(self) -> Generation | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def cents(self) -> int:
        """Of all attempts: one may have cost something and given no video."""
        return sum(row.cost_cents for row in self.attempts)

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
    """Of an import that is ordered: three queries."""
    attempts = _attempts(found, user)
    rows = enumerate(found.numbered_rows)
    return [Result(number, cells, attempts[index]) for index, (number, cells) in rows]


def _attempts(found: OrderImport, user: User) -> defaultdict[int, list[Generation]]:
    """By the row's place. A first attempt may be in the trash, and its retry not."""
    ordered = list(found.generations().values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, [ordered, Relation.RETRY])
        places: dict[uuid.UUID, int] = dict(cursor.fetchall())
    visible = Generation.objects.visible_to(user).filter(pk__in=places).order_by("created_at", "pk")
    attempts: defaultdict[int, list[Generation]] = defaultdict(list)
    for row in visible.defer("prompt", "negative_prompt", "logs"):
        attempts[places[row.pk]].append(row)
    return attempts


def progress_of(results: Sequence[Result]) -> Progress:
    rows = [result.generation for result in results]
    counts = Counter(row.status if row else GONE for row in rows)
    return Progress(counts, sum(result.cents for result in results))


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
    return [row.status, video, f"{result.cents / 100:.2f}", result.reason]
