"""A prepared query gives what its queryset gives, whatever it is asked for and however often."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from config.prepared_query import SAMPLE_KEY, SAMPLE_MOMENT, PreparedQuery
from generations.models import Generation, Status
from generations.models.search import IsAnyOf
from tests.cast import make_generation

SAMPLE = uuid.UUID(int=1)


def by_key(key: int) -> QuerySet[Any]:
    return Membership.objects.filter(user=key).select_related("team", "user").order_by("pk")


def by_role(key: int) -> QuerySet[Any]:
    """An enum among the parameters, and a column of a subquery."""
    owners = Membership.objects.filter(team=OuterRef("team"), role=Role.OWNER)
    return Membership.objects.filter(user=key).annotate(has_owner=Exists(owners)).order_by("pk")


def as_values(key: int) -> QuerySet[Any]:
    return Membership.objects.filter(user=key).order_by("pk").values_list("role", "team__name")


def as_union(key: int) -> QuerySet[Any]:
    own = Membership.objects.filter(user=key).select_related("team")
    one, two = (own.annotate(kind=Value(kind, CharField())).order_by("pk")[:1] for kind in ("first", "second"))
    return one.union(two, all=True)


def seen(rows: list[Any]) -> list[Any]:
    return [(row, vars(row) | {"_state": None}) if isinstance(row, Membership) else row for row in rows]


@pytest.mark.parametrize("build", [by_key, by_role, as_values, as_union])
def test_gives_what_the_queryset_gives(
    build: Callable[[int], QuerySet[Any]], alice: User, bob: User, mallory: User
) -> None:
    prepared = PreparedQuery(build, SAMPLE_KEY)

    for person in (alice, bob, mallory, alice):
        assert str(seen(prepared.rows(person.pk))) == str(seen(list(build(person.pk))))
    assert prepared.rows(0) == []


def test_takes_lists_moments_and_nothing(film: Team, alice: User) -> None:
    row = make_generation(alice, film, Status.DONE, batch=uuid.uuid4())
    by_team = PreparedQuery(lambda teams: Generation.objects.filter(IsAnyOf("team", teams)), [SAMPLE])
    by_batch = PreparedQuery(lambda batch: Generation.objects.filter(batch=batch), SAMPLE)
    since = PreparedQuery(lambda moment: Generation.objects.filter(created_at__gte=moment), SAMPLE_MOMENT)

    assert by_team.rows([film.pk, SAMPLE]) == by_team.rows([film.pk]) == [row]
    assert by_team.rows([]) == []
    assert by_batch.rows(row.batch) == [row]
    assert by_batch.rows(None) == []
    assert since.rows(row.created_at) == [row]
    assert since.rows(timezone.now() + timedelta(days=1)) == []


def test_is_counted_and_logged_like_any_other(alice: User) -> None:
    prepared = PreparedQuery(by_key, SAMPLE_KEY)
    with CaptureQueriesContext(connection) as queries:
        prepared.rows(alice.pk)

    assert [Membership._meta.db_table in query["sql"] for query in queries] == [True]


def test_is_refused_in_a_broken_transaction(alice: User) -> None:
    prepared = PreparedQuery(by_key, SAMPLE_KEY)
    transaction.set_rollback(True)  # as an error in it does

    with pytest.raises(TransactionManagementError):
        prepared.rows(alice.pk)
    transaction.set_rollback(False)


@pytest.mark.django_db(transaction=True)
def test_takes_a_new_connection_when_the_old_one_has_ended() -> None:
    person = User.objects.create_user("ann@example.com")
    prepared = PreparedQuery(by_key, SAMPLE_KEY)
    before = prepared.rows(person.pk)
    with connection.cursor() as cursor, pytest.raises(OperationalError):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert prepared.rows(person.pk) == before
    assert len(before) == 1
