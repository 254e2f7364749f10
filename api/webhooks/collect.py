"""Make deliveries of what has happened: at most one of each thing for an endpoint, however many sweeps run.

One sweep at a time looks at the rows since the last one, in one transaction. Rows are read by the time at which their
transaction began, and a sweep counts as seen only what is older than every transaction that is still under way: none
that is committed late is missed.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from api.horizon import horizon
from api.models import WebhookCursor, WebhookDelivery, WebhookEndpoint, WebhookEvent
from api.webhooks import fal_form, formats, occurrence, poster
from api.webhooks.occurrence import ENDED, Occurrence
from generations.backup.after_restore import BARRIER
from generations.models import BudgetWarning, Decision, DecisionKind, Event, Generation, Hold, SubmitPause
from sharing.models import Comment, Verdict

_CLOCK_SKEW: Final = timedelta(minutes=5)  # between a host that writes a row's time and the database
_BATCH_SIZE: Final = 500

Teams = list[uuid.UUID]
_News = tuple[WebhookEndpoint, Occurrence, datetime]  # for whom, what, and when it is due


def collect() -> int:
    """How many deliveries were made. Nothing is, in a database that was restored and is not prepared yet."""
    if SubmitPause.objects.filter(reason=BARRIER).exists():
        return 0
    return fal_form.collect() + _collect_events()


def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    now = timezone.now()
    what = occurrence.test(endpoint.team, now)
    (made,) = WebhookDelivery.objects.bulk_create([_delivery(endpoint, what, now)])
    return made


def _collect_events() -> int:
    endpoints = list(WebhookEndpoint.objects.own().active().select_related("team"))
    if not endpoints:
        return 0
    with transaction.atomic():
        oldest = min(endpoint.active_since for endpoint in endpoints) - _CLOCK_SKEW
        cursor = _claim_cursor(oldest)
        if cursor is None:
            return 0
        seen_until = horizon()
        made = sum(map(_save, _batches(_news(endpoints, max(cursor.seen_until, oldest)))))
        WebhookCursor.objects.update(seen_until=seen_until)
    return made


def _claim_cursor(oldest: datetime) -> WebhookCursor | None:
    """None while another sweep looks. The first one ever looks from `oldest` on."""
    WebhookCursor.objects.bulk_create([WebhookCursor(seen_until=oldest)], ignore_conflicts=True)
    return WebhookCursor.objects.select_for_update(skip_locked=True).first()


def _news(endpoints: list[WebhookEndpoint], since: datetime) -> Iterator[_News]:
    by_team: dict[uuid.UUID, list[WebhookEndpoint]] = {}
    for endpoint in endpoints:
        by_team.setdefault(endpoint.team_id, []).append(endpoint)
    now = timezone.now()
    for number, what in enumerate(_occurrences(by_team, since)):
        for endpoint in by_team[what.team.pk]:
            if what.event in endpoint.events and what.at >= endpoint.active_since:
                yield endpoint, what, now + timedelta(microseconds=number)


def _occurrences(by_team: dict[uuid.UUID, list[WebhookEndpoint]], since: datetime) -> Iterator[Occurrence]:
    """In the order in which they happened, within each source."""
    for events, find in _SOURCES:
        teams = [team for team, own in by_team.items() if any(events & set(endpoint.events) for endpoint in own)]
        if teams:
            yield from find(teams, since)


def _delivery(endpoint: WebhookEndpoint, what: Occurrence, at: datetime) -> WebhookDelivery:
    picture = poster.url(endpoint, what.generation) if what.generation else ""
    return WebhookDelivery(
        id=_id(endpoint, what),
        endpoint=endpoint,
        source=what.source,
        event=what.event,
        generation=what.generation,
        body=formats.render(endpoint, what, picture),
        made_at=at,
        due_at=at,
    )


def _id(endpoint: WebhookEndpoint, what: Occurrence) -> uuid.UUID:
    """It follows from what is told: whoever tells the same again does so by the same id."""
    return uuid.uuid5(endpoint.pk, what.source)


def _batches(news: Iterator[_News]) -> Iterator[list[_News]]:
    while batch := list(islice(news, _BATCH_SIZE)):
        yield batch


def _save(news: list[_News]) -> int:
    """What is there already stays as it is."""
    ids = [_id(endpoint, what) for endpoint, what, _at in news]
    known = set(WebhookDelivery.objects.filter(pk__in=ids).values_list("pk", flat=True))
    fresh = [_delivery(*one) for pk, one in zip(ids, news, strict=True) if pk not in known]
    WebhookDelivery.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


# --- what is looked at


def _ended(teams: Teams, since: datetime) -> Iterator[Occurrence]:
    """The event by which a state was entered: later ones of the same state tell of the trash, of links and the like."""
    earlier = Event.objects.filter(generation=OuterRef("generation")).filter(
        Q(at__lt=OuterRef("at")) | Q(at=OuterRef("at"), pk__lt=OuterRef("pk"))
    )
    found = Event.objects.filter(
        at__gte=since,
        status__in=list(ENDED),
        generation__team__in=teams,
        generation__changed_at__gte=since - _CLOCK_SKEW,
    ).annotate(before=Subquery(earlier.order_by("-at", "-pk").values("status")[:1]))
    entered = found.filter(Q(before=None) | ~Q(before=F("status")))
    for event in _in_order(entered, "at", "generation__"):
        yield occurrence.ended(event)


def _approvals(teams: Teams, since: datetime) -> Iterator[Occurrence]:
    holds = Hold.objects.open().filter(
        kind=Hold.Kind.APPROVAL, opened_at__gte=since - _CLOCK_SKEW, generation__team__in=teams
    )
    orders: dict[uuid.UUID, list[Hold]] = {}
    for hold in _in_order(holds, "opened_at", "generation__"):
        orders.setdefault(hold.generation.batch or hold.generation_id, []).append(hold)
    for order in orders.values():
        rows: list[Generation] = [hold.generation for hold in order]
        yield occurrence.approval_requested(rows, order[0].opened_at)


def _budgets(teams: Teams, since: datetime) -> Iterator[Occurrence]:
    """The highest threshold alone, where several are passed at once."""
    found = BudgetWarning.objects.filter(team__in=teams, at__gte=since - _CLOCK_SKEW).select_related("team", "user")
    highest = {(one.team_id, one.user_id, one.month): one for one in found.order_by("percent")}
    for warning in highest.values():
        yield occurrence.budget_warning(warning)


def _comments(teams: Teams, since: datetime) -> Iterator[Occurrence]:
    found = Comment.objects.filter(
        generation__team__in=teams,
        created_at__gte=since - _CLOCK_SKEW,
        carried_from=None,
        deleted_at=None,
        hidden_at=None,
    )
    for comment in _in_order(found.select_related("user", "guest"), "created_at", "generation__"):
        yield occurrence.comment_created(comment)


def _verdicts(teams: Teams, since: datetime) -> Iterator[Occurrence]:
    found = Verdict.objects.filter(generation__team__in=teams, at__gte=since - _CLOCK_SKEW)
    for verdict in _in_order(found.select_related("user", "guest"), "at", "generation__"):
        yield occurrence.verdict_given(verdict)


def _decisions(teams: Teams, since: datetime) -> Iterator[Occurrence]:
    found = Decision.objects.filter(
        at__gte=since - _CLOCK_SKEW,
        kind__in=[DecisionKind.TAKE_DOWN, DecisionKind.RESTORE],
        generation__team__in=teams,
    )
    for decision in _in_order(found, "at", "generation__"):
        yield occurrence.decided(decision)


def _in_order(rows: Any, moment: str, prefix: str) -> Any:
    related = [f"{prefix}{name}" for name in ("team", "user", "assigned_to")]
    return rows.select_related(*related).order_by(moment, "pk").iterator(chunk_size=_BATCH_SIZE)


_SOURCES: Final[tuple[tuple[frozenset[WebhookEvent], Callable[[Teams, datetime], Iterator[Occurrence]]], ...]] = (
    (frozenset(ENDED.values()), _ended),
    (frozenset({WebhookEvent.APPROVAL}), _approvals),
    (frozenset({WebhookEvent.BUDGET}), _budgets),
    (frozenset({WebhookEvent.COMMENT}), _comments),
    (frozenset({WebhookEvent.VERDICT}), _verdicts),
    (frozenset({WebhookEvent.TAKE_DOWN, WebhookEvent.RESTORED}), _decisions),
)
