"""What each statement of a migration does to the version that still serves, and how long it keeps others waiting.

Whether it is safe is django-migration-linter's to say, which reads the SQL; the locks are by PostgreSQL's own manual
(Explicit Locking; ALTER TABLE).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django_migration_linter.sql_analyser.base import Check, CheckMode, CheckType
from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser

_TABLE: Final = r'(?:ONLY )?(?:"?\w+"?\.)?"?(\w+)"?'


class Wait(StrEnum):
    """Who waits."""

    NOBODY = "nobody"
    WRITERS = "writes to it"
    ALL = "whoever reads or writes it"


@dataclass(frozen=True, slots=True)
class Lock:
    """`rows_per_second` is how fast the table is gone through meanwhile; None where it is not."""

    table: str
    wait: Wait
    rows_per_second: int | None = None


def _adds_checked_constraint(statements: list[str], **_: object) -> bool:
    """What the old version writes may break it. A new table is written by the new version alone."""
    made = _new_tables(statements)
    return any(
        (match := re.match(rf"ALTER TABLE {_TABLE} ADD CONSTRAINT .* CHECK ", sql)) and match[1] not in made
        for sql in statements
    )


class Analyser(PostgresqlAnalyser):
    """The library's checks, and one that it lacks."""

    migration_checks: list[Check] = [  # noqa: RUF012  as the library has it
        *PostgresqlAnalyser.migration_checks,
        Check(
            code="ADD_CHECK",
            fn=_adds_checked_constraint,
            message="ADDING a constraint",
            mode=CheckMode.TRANSACTION,
            type=CheckType.ERROR,
        ),
    ]


def problems(statements: Sequence[str]) -> dict[str, str]:
    """What is not safe while the old version serves, in words, by the linter's codes."""
    given = [" ".join(statement.split()) for statement in statements if not statement.startswith("--")]
    analyser = Analyser(None)
    analyser.analyse(given)
    return {issue.code: _WORDS.get(issue.code, issue.message) for issue in (*analyser.errors, *analyser.warnings)}


_WORDS: Final = {
    "RENAME_TABLE": "renames a table that the old version asks by its name",
    "DROP_TABLE": "drops a table that the old version asks",
    "RENAME_COLUMN": "renames a column that the old version names",
    "DROP_COLUMN": "drops a column that the old version names",
    "ALTER_COLUMN": "changes the type of a column",
    "NOT_NULL": "demands a value that the old version does not give",
    "ADD_UNIQUE": "demands uniqueness that the old version does not keep",
    "ADD_CHECK": "adds a constraint that the old version does not know",
    "CREATE_INDEX": "makes an index while writes wait",
    "CREATE_INDEX_EXCLUSIVE": "makes an index while all of the table waits",
    "DROP_INDEX": "drops an index while all of the table waits",
    "REINDEX": "makes an index anew while writes wait",
}
_SCAN, _INDEX, _REWRITE = 1_000_000, 200_000, 50_000  # rows a second on a small machine
_RULES: Final[tuple[tuple[str, Wait, int | None], ...]] = (
    (rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY .* ON {_TABLE}", Wait.NOBODY, None),
    (rf"CREATE (?:UNIQUE )?INDEX .* ON {_TABLE}", Wait.WRITERS, _INDEX),
    (rf"ALTER TABLE {_TABLE} .*NOT VALID", Wait.ALL, None),
    (rf"ALTER TABLE {_TABLE} VALIDATE CONSTRAINT", Wait.NOBODY, None),
    (rf"ALTER TABLE {_TABLE} ADD CONSTRAINT .* (?:UNIQUE|PRIMARY KEY)", Wait.ALL, _INDEX),
    (rf"ALTER TABLE {_TABLE} (?:ADD CONSTRAINT|.*SET NOT NULL)", Wait.ALL, _SCAN),
    (rf"ALTER TABLE {_TABLE} .*ALTER COLUMN \S+ TYPE", Wait.ALL, _REWRITE),
    (rf"ALTER TABLE {_TABLE}", Wait.ALL, None),
    (rf"CREATE TRIGGER .* ON {_TABLE}", Wait.WRITERS, None),
    (rf"(?:UPDATE|DELETE FROM) {_TABLE}", Wait.WRITERS, _REWRITE),
)


def locks(statements: Sequence[str]) -> list[Lock]:
    """Of tables that were there before; those that keep nobody waiting are left out."""
    made = _new_tables(statements)
    found = (_lock_of(" ".join(statement.split())) for statement in statements)
    return [lock for lock in found if lock and lock.table not in made and lock.wait is not Wait.NOBODY]


def _lock_of(statement: str) -> Lock | None:
    for pattern, wait, speed in _RULES:
        if match := re.match(pattern, statement, re.IGNORECASE):
            return Lock(match[1], wait, speed)
    return None


def _new_tables(statements: Sequence[str]) -> set[str]:
    return {match[1] for sql in statements if (match := re.match(rf"CREATE TABLE {_TABLE}", sql.strip()))}
