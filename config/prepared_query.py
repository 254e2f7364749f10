"""Querysets whose SQL Django writes once a process, and PostgreSQL plans once a connection.

To write the SQL of a page's usual queries takes several times as long as to answer them.
"""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

import psycopg
from django.db import OperationalError, connection
from django.db.backends.utils import debug_transaction
from django.db.models import QuerySet

T = TypeVar("T")

# samples of parameters, as no row has them
SAMPLE_KEY: Final = 2**62 + 1
SAMPLE_MOMENT: Final = datetime(1, 1, 2, 3, 4, 5, tzinfo=UTC)


class PreparedQuery(Generic[T]):
    """`build` makes the queryset of samples, each unlike any other parameter in it; `rows` takes the real values."""

    def __init__(self, build: Callable[..., "QuerySet[Any, T]"], *samples: object) -> None:
        self._build, self._samples = build, samples

    def rows(self, *values: object) -> list[T]:
        """What the queryset gives with these values in the places of the samples, in their order."""
        queryset, compiler, sql, parameters = self._compiled
        found = _fetch(sql, [values[value.index] if isinstance(value, _Place) else value for value in parameters])
        own = copy.copy(compiler)
        own.execute_sql = lambda *_arguments, **_options: [found]
        query = copy.copy(queryset.query)
        query.get_compiler = lambda *_arguments, **_options: own
        return list(queryset._iterable_class(QuerySet(queryset.model, query)))

    @cached_property
    def _compiled(self) -> tuple[Any, Any, str, list[Any]]:
        """The queryset, its compiler, the SQL, and its parameters: each as it is, or a sample's place."""
        queryset: Any = self._build(*self._samples)
        compiler = queryset.query.get_compiler("default")
        sql, parameters = compiler.as_sql()
        return queryset, compiler, sql, [self._place_of(value) for value in parameters]

    def _place_of(self, value: Any) -> Any:
        plain = value.value if isinstance(value, Enum) else value  # psycopg takes long to find out what an enum is
        return _Place(self._samples.index(plain)) if plain in self._samples else plain


class _Place:
    """Where a value goes."""

    def __init__(self, index: int) -> None:
        self.index = index


def _fetch(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    """The rows. A connection that has ended since the last request shows here, without a question of its own before."""
    database: Any = connection
    database.health_check_done = True
    try:
        return _execute(database, sql, parameters)
    except OperationalError:
        if database.in_atomic_block:
            raise
        database.close()
        return _execute(database, sql, parameters)


def _execute(database: Any, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    """By a cursor that has PostgreSQL prepare the statement, as Django's own never does. It is logged as theirs are."""
    database.ensure_connection()
    database.connection.prepare_threshold = 0
    with debug_transaction(database, sql), database.make_cursor(psycopg.Cursor(database.connection)) as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
