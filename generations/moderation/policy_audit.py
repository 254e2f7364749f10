"""Check that nothing is seen that may not be seen, and that every decision was carried out. Changes nothing.

Each check finds rows by a rule of its own, so that it also finds what another module did wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from generations import bucket
from generations.models import (
    RUNNING,
    BannedFile,
    Case,
    Decision,
    DecisionKind,
    Event,
    Film,
    FilmPart,
    Generation,
    Hold,
    Report,
    Status,
)

GRACE_PERIOD: Final = timedelta(minutes=10)  # what takes a worker a moment
_REMOVALS: Final = [DecisionKind.TAKE_DOWN, DecisionKind.REJECT]


@dataclass(frozen=True, slots=True)
class Violation:
    """`rule` is one of CHECKS or FILM_CHECKS; `row` the key of a generation or a film."""

    rule: str
    row: object
    message: str


def violations() -> Iterator[Violation]:
    checks: dict[str, tuple[Callable[[], QuerySet[Any]], str]] = {**CHECKS, **FILM_CHECKS}
    for rule, (find, message) in checks.items():
        for row in find().iterator(500):
            yield Violation(rule, row.pk, message)
    yield from _misplaced_objects()


def _rows() -> QuerySet[Generation]:
    return Generation.objects.filter(deleted_at=None).order_by()


def _last_decision() -> Subquery:
    about_it = Decision.objects.filter(
        generation=OuterRef("pk"), kind__in=[*_REMOVALS, DecisionKind.RESTORE, DecisionKind.APPROVE]
    )
    return Subquery(about_it.order_by("-at", "-pk").values("kind")[:1])


def _open_case() -> Exists:
    return Exists(Case.objects.open().filter(generation=OuterRef("pk")))


def _visible_though_removed() -> QuerySet[Generation]:
    removed = (
        _rows().filter(status=Status.DONE, taken_down_at=None, awaits_review=False).annotate(last=_last_decision())
    )
    return removed.filter(last__in=_REMOVALS)


def _visible_though_banned() -> QuerySet[Generation]:
    ban = BannedFile.objects.filter(sha256=OuterRef("video__sha256"))
    return _rows().filter(Exists(ban), status=Status.DONE, taken_down_at=None)


def _removed_without_decision() -> QuerySet[Generation]:
    decided = Decision.objects.filter(generation=OuterRef("pk"), kind__in=_REMOVALS)
    banned = Event.objects.filter(generation=OuterRef("pk"), message__startswith="Taken down: this file was banned")
    return _rows().filter(~Exists(decided), ~Exists(banned), taken_down_at__isnull=False)


def _not_in_quarantine() -> QuerySet[Generation]:
    return _rows().filter(taken_down_at__lt=timezone.now() - GRACE_PERIOD, quarantined_at=None)


def _restored_in_quarantine() -> QuerySet[Generation]:
    before = timezone.now() - GRACE_PERIOD
    return _rows().filter(taken_down_at=None, quarantined_at__isnull=False, changed_at__lt=before)


def _held_without_hold() -> QuerySet[Generation]:
    return _rows().filter(~Exists(Hold.objects.filter(generation=OuterRef("pk"), verdict="")), status=Status.HELD)


def _made_though_refused() -> QuerySet[Generation]:
    refused = Hold.objects.filter(generation=OuterRef("pk"), verdict=Hold.Verdict.REFUSED)
    return _rows().filter(Exists(refused)).exclude(status__in=[Status.REJECTED, Status.CANCELED])


def _sent_though_held() -> QuerySet[Generation]:
    undecided = Hold.objects.filter(generation=OuterRef("pk"), verdict="")
    return _rows().filter(Exists(undecided)).exclude(status__in=[Status.HELD, Status.REJECTED, Status.CANCELED])


def _held_without_case() -> QuerySet[Generation]:
    by_rule = Hold.objects.open().filter(generation=OuterRef("pk"), kind=Hold.Kind.RULE)
    return _rows().filter(Exists(by_rule), ~_open_case())


def _review_without_case() -> QuerySet[Generation]:
    return _rows().filter(~_open_case(), status=Status.DONE, awaits_review=True, taken_down_at=None)


def _report_without_case() -> QuerySet[Generation]:
    report = Report.objects.filter(generation=OuterRef("pk"), closed_by=None)
    return _rows().filter(Exists(report), ~_open_case())


def _visible_though_suspended() -> QuerySet[Generation]:
    """What ended while its owner was suspended, and nobody has approved."""
    since = Decision.objects.filter(person=OuterRef("user"), kind=DecisionKind.SUSPEND).order_by("-at").values("at")[:1]
    rows = _rows().filter(status=Status.DONE, awaits_review=False, taken_down_at=None, is_private=False)
    shut_out = rows.filter(user__suspended_until__gt=timezone.now()).annotate(
        since=Subquery(since), last=_last_decision()
    )
    return shut_out.filter(Q(last=None), finished_at__gt=Subquery(since))


def _still_at_fal() -> QuerySet[Generation]:
    before = timezone.now() - timedelta(days=1)
    return _rows().filter(taken_down_at__lt=before, fal_copy_deleted_at=None, request_id__isnull=False)


def _films_of_removed(**when: datetime) -> Q:
    """With a part that was taken down. What is being joined fails for such a part by itself."""
    parts = FilmPart.objects.filter(film=OuterRef("pk"), generation__taken_down_at__isnull=False)
    return Q(Exists(parts.filter(**when)))


def _film_not_in_quarantine() -> QuerySet[Film]:
    removed = _films_of_removed(generation__taken_down_at__lt=timezone.now() - GRACE_PERIOD)
    return Film.objects.filter(removed, quarantined_at=None).exclude(status__in=RUNNING).order_by()


def _film_in_quarantine() -> QuerySet[Film]:
    before = timezone.now() - GRACE_PERIOD
    return Film.objects.filter(~_films_of_removed(), quarantined_at__isnull=False, changed_at__lt=before).order_by()


CHECKS: Final[dict[str, tuple[Callable[[], QuerySet[Generation]], str]]] = {
    "seen-though-removed": (_visible_though_removed, "a moderator removed it, and it can be seen"),
    "seen-though-banned": (_visible_though_banned, "its file is banned, and it can be seen"),
    "seen-though-suspended": (_visible_though_suspended, "its maker is suspended, and nobody approved it"),
    "removed-by-nobody": (_removed_without_decision, "it is taken down, and nobody decided that"),
    "not-in-quarantine": (_not_in_quarantine, "it is taken down, and its objects lie where they lay"),
    "not-back": (_restored_in_quarantine, "it is restored, and its objects are still in quarantine"),
    "held-by-nothing": (_held_without_hold, "it is held, and nothing holds it: it would wait for ever"),
    "held-before-nobody": (_held_without_case, "a rule holds it, and no moderator is asked"),
    "made-though-refused": (_made_though_refused, "a moderator refused it, and it was sent"),
    "sent-though-held": (_sent_though_held, "something still holds it, and it was sent"),
    "awaited-by-nobody": (_review_without_case, "it awaits review, and no moderator is asked"),
    "reported-to-nobody": (_report_without_case, "it was reported, and no moderator is asked"),
    "still-at-fal": (_still_at_fal, "it is taken down, and fal still has its copy"),
}
FILM_CHECKS: Final[dict[str, tuple[Callable[[], QuerySet[Film]], str]]] = {
    "film-not-in-quarantine": (_film_not_in_quarantine, "a part is taken down, and the film lies where it lay"),
    "film-not-back": (_film_in_quarantine, "no part is taken down, and the film is still in quarantine"),
}
MISPLACED: Final = "object-in-reach"
FILM_MISPLACED: Final = "film-in-reach"


def _misplaced_objects() -> Iterator[Violation]:
    """The database says quarantine: does the bucket?"""
    rows = _rows().filter(quarantined_at__isnull=False, taken_down_at__isnull=False)
    films = Film.objects.filter(_films_of_removed(), quarantined_at__isnull=False).order_by()
    for rule, found in ((MISPLACED, rows), (FILM_MISPLACED, films)):
        for row in found.iterator(200):
            in_reach = [key for key in sorted(row.own_keys()) if bucket.size_or_none(key) is not None]
            if in_reach:
                yield Violation(rule, row.pk, f"an old address still leads to {in_reach[0]}")
