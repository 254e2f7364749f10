"""The nightly check: of each kind of violation one is planted, and each is found, as that and nothing else."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Team, User
from generations import bucket
from generations.models import (
    RUNNING,
    BannedFile,
    Case,
    Cause,
    Decision,
    DecisionKind,
    Film,
    FilmStatus,
    Generation,
    Hold,
    Report,
    Status,
    Video,
)
from generations.moderation.cases import open_case
from generations.moderation.decisions import decide
from generations.moderation.policy_audit import CHECKS, FILM_CHECKS, FILM_MISPLACED, MISPLACED, violations
from generations.moderation.quarantine import move_films
from tests.cast import make_generation, make_video
from tests.generations.films.cast import joined


def done(bob: User, film: Team, **columns: Any) -> Generation:
    row = make_generation(bob, film, Status.DONE, **columns)
    make_video(row)
    return row


def decided(row: Generation, kind: DecisionKind, by: User) -> None:
    Decision.objects.create(kind=kind, by=by, why="x", person=row.user, generation=row)


def set_(row: Generation, **columns: Any) -> Generation:
    Generation.objects.filter(pk=row.pk).update(**columns)
    return row


def plant(name: str, bob: User, film: Team, mo: User) -> Generation:  # noqa: C901  one kind after the other
    """A row with this violation."""
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=2)
    match name:
        case "seen-though-removed":
            row = done(bob, film)
            decided(row, DecisionKind.TAKE_DOWN, mo)
        case "seen-though-banned":
            row = done(bob, film)
            BannedFile.objects.create(sha256=row.video.sha256, reason="x")
        case "seen-though-suspended":
            User.objects.filter(pk=bob.pk).update(suspended_until=now + timedelta(days=1))
            Decision.objects.create(kind=DecisionKind.SUSPEND, by=mo, why="x", person=bob)
            row = set_(done(bob, film), finished_at=now + timedelta(seconds=5))
        case "removed-by-nobody":
            row = set_(done(bob, film), taken_down_at=now, quarantined_at=now, fal_copy_deleted_at=now)
            _hide(row)
        case "not-in-quarantine":
            row = set_(done(bob, film), taken_down_at=now - timedelta(hours=1), fal_copy_deleted_at=now)
            decided(row, DecisionKind.TAKE_DOWN, mo)
        case "not-back":
            row = set_(done(bob, film), quarantined_at=long_ago, changed_at=long_ago)
        case "held-by-nothing":
            row = make_generation(bob, film, Status.HELD)
        case "held-before-nobody":
            row = make_generation(bob, film, Status.HELD)
            Hold.objects.create(generation=row, kind=Hold.Kind.RULE, reason="x")
        case "made-though-refused":
            row = done(bob, film)
            Hold.objects.create(generation=row, kind=Hold.Kind.RULE, reason="x", verdict="refused", decided_at=now)
        case "sent-though-held":
            row = done(bob, film)
            Hold.objects.create(generation=row, kind=Hold.Kind.APPROVAL, reason="x")
        case "awaited-by-nobody":
            row = done(bob, film, awaits_review=True)
        case "reported-to-nobody":
            row = done(bob, film)
            Report.objects.create(generation=row, reporter=mo, reason="other")
        case "still-at-fal":
            row = set_(done(bob, film), taken_down_at=long_ago, quarantined_at=long_ago)
            decided(row, DecisionKind.TAKE_DOWN, mo)
            _hide(row)
        case _:
            row = set_(done(bob, film), taken_down_at=now, quarantined_at=now, fal_copy_deleted_at=now)
            decided(row, DecisionKind.TAKE_DOWN, mo)
    return row


def _hide(row: Generation) -> None:
    for key in row.own_keys():
        bucket.delete(key)


@pytest.mark.parametrize("name", [*CHECKS, MISPLACED])
def test_each_kind_of_violation_is_found(bob: User, film: Team, mo: User, name: str) -> None:
    row = plant(name, bob, film, mo)
    found = [(each.rule, each.row) for each in violations()]
    assert found == [(name, row.pk)]


def _planted_film(name: str, bob: User, team: Team, mo: User) -> Film:
    """What its parts say is carried out at them, and not at the film."""
    long_ago = timezone.now() - timedelta(days=2)
    made = joined(bob, team)
    columns: dict[str, Any] = {"film-not-in-quarantine": {}}.get(
        name, {"quarantined_at": long_ago, "changed_at": long_ago}
    )
    Film.objects.filter(pk=made.pk).update(**columns)
    if name != "film-not-back":
        part = made.parts.get(position=2).generation
        set_(part, taken_down_at=long_ago, quarantined_at=long_ago, fal_copy_deleted_at=long_ago)
        decided(part, DecisionKind.TAKE_DOWN, mo)
        _hide(part)
    return made


@pytest.mark.parametrize("name", [*FILM_CHECKS, FILM_MISPLACED])
def test_film_that_does_not_go_with_its_parts_is_found(bob: User, film: Team, mo: User, name: str) -> None:
    made = _planted_film(name, bob, film, mo)
    if name == FILM_MISPLACED:  # the poster alone can still be read
        bucket.delete(made.own_keys()[0])
    assert [(each.rule, each.row) for each in violations()] == [(name, made.pk)]
    if name != FILM_MISPLACED:
        move_films()
        assert list(violations()) == []


@pytest.mark.parametrize("status", sorted(RUNNING))
def test_film_that_is_being_joined_is_not_reported(bob: User, film: Team, mo: User, status: FilmStatus) -> None:
    _planted_film("film-not-in-quarantine", bob, film, mo)
    Film.objects.update(status=status)
    assert list(violations()) == []


def test_command_lists_all_of_them_and_fails(bob: User, film: Team, mo: User) -> None:
    planted = {plant(name, bob, film, mo).pk for name in [*CHECKS, MISPLACED] if name != "seen-though-suspended"}
    out = StringIO()
    with pytest.raises(CommandError, match="Look at each in the admin"):
        call_command("audit_moderation", stdout=out)
    assert len(planted) == 13
    assert all(str(pk) in out.getvalue() for pk in planted)


def test_whatever_was_decided_properly_is_no_violation(bob: User, film: Team, mo: User) -> None:
    for verbs in (
        [DecisionKind.APPROVE],
        [DecisionKind.TAKE_DOWN],
        [DecisionKind.TAKE_DOWN, DecisionKind.RESTORE],
        [DecisionKind.TAKE_DOWN, DecisionKind.REJECT],
    ):
        row = done(bob, film, prompt=str(verbs))
        Video.objects.filter(pk=row.pk).update(sha256=row.pk.hex * 2)
        row.refresh_from_db()
        for verb in verbs:
            decide(open_case(row, Cause.REPORT), verb, mo, "x")
    out = StringIO()
    call_command("audit_moderation", stdout=out)
    assert "All is as decided." in out.getvalue()
    assert Case.objects.open().count() == 0
