"""The full-text search vector of a prompt, with its owner and team.

Owner and team are lexemes of the same vector, so that one index answers the whole search: how long it takes does not
depend on what everybody else has made.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorCombinable, SearchVectorField
from django.db.models import BooleanField, F, Func, QuerySet, TextField, UUIDField, Value


class Lexeme(Func):
    """`user:7` of a row. (PostgreSQL's concat() is not immutable, and so no part of an index.)"""

    output_field = TextField()

    def __init__(self, column: str) -> None:
        name = column.removesuffix("_id")
        super().__init__(F(column), template=f"('{name}:' || (%(expressions)s)::text)")


class Owners(SearchVectorCombinable, Func):
    """Lexemes as a vector, each as it stands."""

    template = "array_to_tsvector(ARRAY[%(expressions)s])"
    output_field = SearchVectorField()
    config = None


# English word stems, and every word as it stands, since prompts come in all languages; the index has the same
PROMPT_WORDS = (
    SearchVector("prompt", config="english")
    + SearchVector("prompt", config="simple")
    + Owners(Lexeme("user_id"), Lexeme("team_id"))
)


class OwnedBy(SearchQuery):
    """The search for what is of a `user` or a `team`, by its key: a lexeme that no parser takes apart."""

    template = "(%(expressions)s)::tsquery"

    def __init__(self, name: str, key: Any) -> None:
        super().__init__(f"'{name}:{key}'")


class IsAnyOf(Func):
    """Whether a key is one of these: a single parameter, however many they are."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()

    def __init__(self, column: str, keys: Iterable[uuid.UUID]) -> None:
        super().__init__(F(column), Value(list(keys), ArrayField(UUIDField())))


class IsOneOf(Func):
    """Whether a row's key is among those of a query, which PostgreSQL plans by itself and runs once.

    As a part of the whole it takes other indexes for cheaper, and reads through all that a person ever wrote.
    """

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()

    def __init__(self, keys: QuerySet[Any, Any]) -> None:
        super().__init__(F("pk"), ArraySubquery(keys))
