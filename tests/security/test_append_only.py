"""What happened, what was decided, and what staff did in somebody's name: the database takes no change of it."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import ImpersonatedRequest, Impersonation, Team, User
from generations.models import Decision, DecisionKind, Event, PromptRule, Status
from tests.cast import make_generation

APPEND_ONLY = (Event, Decision, Impersonation, ImpersonatedRequest)
MAY_CHANGE = {Event: {"by"}, Decision: {"rule"}, Impersonation: {"ended_at"}, ImpersonatedRequest: set()}


@pytest.fixture
def rows(film: Team, bob: User, mona: User) -> dict[type[models.Model], Any]:
    generation = make_generation(bob, film, Status.DONE)
    impersonation = Impersonation.objects.create(staff=mona, person=bob, reason="A ticket", until=timezone.now())
    return {
        Event: generation.events.get(),
        Decision: Decision.objects.create(
            kind=DecisionKind.TAKE_DOWN,
            by=mona,
            person=bob,
            why="x",
            generation=generation,
            rule=PromptRule.objects.create(text="fox", action="flag", made_by=mona),
        ),
        Impersonation: impersonation,
        ImpersonatedRequest: ImpersonatedRequest.objects.create(
            impersonation=impersonation, method="GET", path="/", status_code=200
        ),
    }


def other(value: Any) -> Any:
    match value:
        case int():
            return value + 1
        case str():
            return value + "x"
        case uuid.UUID():
            return uuid.uuid4()
    return value + timedelta(seconds=1)


COLUMNS = [(model, field.name) for model in APPEND_ONLY for field in model._meta.concrete_fields]


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_column_is_never_rewritten(rows: dict[Any, Any], mallory: User, model: Any, column: str) -> None:
    row = rows[model]
    field = model._meta.get_field(column)
    value = getattr(row, field.attname)
    if column in MAY_CHANGE[model]:
        model.objects.filter(pk=row.pk).update(**{field.attname: None})
        return
    if value is None:  # a case, or the end of a suspension
        value = 0 if field.is_relation else timezone.now()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.filter(pk=row.pk).update(**{field.attname: other(value)})


@pytest.mark.parametrize("model", APPEND_ONLY)
def test_row_is_never_deleted(rows: dict[Any, Any], model: Any) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.filter(pk=rows[model].pk)._raw_delete("default")


def test_end_of_an_impersonation_is_written_down(rows: dict[Any, Any]) -> None:
    Impersonation.objects.update(ended_at=timezone.now())

    assert Impersonation.objects.get().ended_at


def test_rule_of_a_decision_can_be_deleted(rows: dict[Any, Any]) -> None:
    PromptRule.objects.all().delete()

    assert Decision.objects.get().rule is None
