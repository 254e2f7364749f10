"""Make a notification of each thing that has happened, for each person whom it concerns: once, however many sweeps run.

One sweep at a time does this, in one transaction for each thing: its rows and the mark that they were made are
committed together.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from accounts.models import Invitation, Membership, MembershipChange, User
from accounts.notification_kinds import Channel, Kind
from accounts.roles import Action
from generations.models import (
    OPEN,
    CaseNote,
    Decision,
    DecisionKind,
    Generation,
    Hold,
    Notification,
    Report,
    Status,
    moderators,
)
from generations.models.generation_queryset import GenerationQuerySet
from generations.orders.approvals import approvers

NOTIFY_WITHIN: Final = timedelta(days=1)  # what happened longer ago is no news
RETENTION: Final = timedelta(days=90)
_BATCH_SIZE: Final = 200  # of one kind in one sweep; the next finds the rest
_LOCK: Final = 0x1A12  # of PostgreSQL's advisory locks
_ENDED: Final = (Status.DONE, Status.FAILED, Status.REJECTED)
_MOVING: Final = OPEN - {Status.HELD}


def create_notifications() -> None:
    """All that is new; at once done by others, nothing."""
    for create in (_orders, _approvals, _membership_changes, _decisions, _reports, _handed_cases, _invitations):
        _alone(create)


def delete_old() -> int:
    """What is older than RETENTION, read or not."""
    old = Notification.objects.filter(created_at__lt=timezone.now() - RETENTION).order_by("created_at")
    return Notification.objects.filter(pk__in=old.values("pk")[:10_000]).delete()[0]


@transaction.atomic
def _alone(create: Callable[[], None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        (is_alone,) = cursor.fetchone()
    if is_alone:
        create()


def _add(people: Iterable[User], kind: Kind, **columns: Any) -> None:
    """A row for each, by what they have switched on. Those without any channel keep it from being made again."""
    now = columns.pop("now", None) or timezone.now()
    may_mail = columns.pop("may_mail", True)
    Notification.objects.bulk_create(
        [
            Notification(
                user=one,
                kind=kind,
                created_at=now,
                changed_at=now,
                in_bell=one.wants(kind, Channel.BELL),
                email_due_at=now if may_mail and one.is_active and _is_mailed(one, kind) else None,
                **columns,
            )
            for one in people
        ],
        ignore_conflicts=True,
    )


def _is_mailed(person: User, kind: Kind) -> bool:
    """Of an invitation there is a mail already: whoever invites sends it."""
    return kind != Kind.INVITATION and person.wants(kind, Channel.EMAIL)


# --- orders


def _orders() -> None:
    for _ in range(_BATCH_SIZE):
        first = _ended_rows().first()
        if first is None:
            return
        _order_of(first)


def _ended_rows() -> GenerationQuerySet:
    """Of orders in which nothing moves any more but what waits for somebody. Who has left the team learns no more."""
    siblings = Generation.objects.filter(
        user=OuterRef("user"), batch=OuterRef("batch"), status__in=sorted(_MOVING), needs_attention_since=None
    )
    return (
        Generation.objects.filter(
            ~Q(Exists(siblings.order_by())),
            status__in=_ENDED,
            notified_at=None,
            deleted_at=None,
            trashed_at=None,
            finished_at__gte=timezone.now() - NOTIFY_WITHIN,
            user__is_active=True,
            team__members=F("user"),
        )
        .order_by("finished_at")
        .select_related("user")
        .select_for_update(skip_locked=True, of=("self",))
    )


def _order_of(first: Generation) -> None:
    """One notification of all that ended of the order since the last."""
    now = timezone.now()
    rows = [first]
    if first.batch:
        rows = list(_ended_rows().filter(batch=first.batch, user=first.user_id).order_by("batch_index", "pk"))
    done = [row for row in rows if row.status == Status.DONE]
    Generation.objects.filter(pk__in=[row.pk for row in rows]).update(notified_at=now)
    shown, failed = (done or rows)[0], len(rows) - len(done)
    columns = {"generation": shown, "batch": first.batch, "team_id": first.team_id}
    is_new = all(row.uncertain_until is None for row in rows)  # else its mail may be out since before a restore
    _add([first.user], Kind.ORDER, **columns, count=len(done), failed=failed, now=now, may_mail=is_new)


# --- requests above a team's amount


def _approvals() -> None:
    waiting = Hold.objects.open().filter(kind=Hold.Kind.APPROVAL, notified_at=None)
    found = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("generation__team")
    firsts: dict[Any, Generation] = {}
    holds = list(found.order_by("pk")[:_BATCH_SIZE])
    for row in (hold.generation for hold in holds):
        firsts.setdefault(row.batch or row.pk, row)
    Hold.objects.filter(pk__in=[hold.pk for hold in holds]).update(notified_at=timezone.now())
    for row in firsts.values():
        people = [one.user for one in approvers(row.team).exclude(user=row.user_id).select_related("user")]
        count = sum((hold.generation.batch or hold.generation_id) == (row.batch or row.pk) for hold in holds)
        _add(people, Kind.APPROVAL, generation=row, batch=row.batch, team=row.team, count=count)


# --- memberships and invitations


def _membership_changes() -> None:
    free = MembershipChange.objects.filter(notified_at=None).select_for_update(skip_locked=True, of=("self",))
    for change in free.select_related("user").order_by("at")[:_BATCH_SIZE]:
        if change.at > timezone.now() - NOTIFY_WITHIN:
            _add([change.user], Kind.MEMBERSHIP, change=change, team_id=change.team_id)
        MembershipChange.objects.filter(pk=change.pk).update(notified_at=timezone.now())


def _invitations() -> None:
    """To users who have shown the invited address to be theirs, whenever they did."""
    owner = EmailAddress.objects.filter(email=OuterRef("email"), verified=True).values("user")[:1]
    made = Notification.objects.filter(invitation=OuterRef("pk"), user=OuterRef("owner"))
    found = Invitation.objects.open().exclude(email="").annotate(owner=Subquery(owner)).exclude(owner=None)
    new = found.filter(~Exists(made)).order_by("pk").values_list("pk", "team_id", "owner")[:_BATCH_SIZE]
    people = User.objects.in_bulk([key for _, _, key in new])
    for pk, team, key in new:
        _add([people[key]], Kind.INVITATION, invitation_id=pk, team_id=team)


# --- moderation


def _decisions() -> None:
    """Of videos: to the owner for each, to those who manage the team for all of one sweep together."""
    made = Notification.objects.filter(decision=OuterRef("pk"))
    recent = Decision.objects.filter(~Exists(made), at__gte=timezone.now() - NOTIFY_WITHIN, kind__in=_TOLD)
    related = ("person", "generation__assigned_to", "generation__team")
    found = list(recent.select_related(*related).order_by("at", "pk")[:_BATCH_SIZE])
    decided = [(one, one.generation) for one in found if one.generation]
    for one, row in decided:
        _add({one.person, row.assigned_to or one.person}, Kind.TAKE_DOWN, decision=one, generation=row)
    for together in _seen_by_team(decided).values():
        (first, row), team = together[0], together[0][1].team
        own = {key for one, row in together for key in (one.person_id, row.assigned_to_id)} | {first.by_id}
        managers = Membership.objects.users_who_may(Action.MANAGE, team)
        people = [one for one in managers if one.pk not in own]
        _add(people, Kind.TAKE_DOWN, decision=first, generation=row, team=team, count=len(together))


_TOLD: Final = (DecisionKind.TAKE_DOWN, DecisionKind.REJECT, DecisionKind.RESTORE)


_Decided = list[tuple[Decision, Generation]]


def _seen_by_team(decided: _Decided) -> dict[tuple[Any, str], _Decided]:
    """What others in the team have seen before, by team and kind."""
    groups: dict[tuple[Any, str], _Decided] = {}
    for one, row in decided:
        if one.kind != DecisionKind.REJECT and not row.is_private:
            groups.setdefault((row.team_id, one.kind), []).append((one, row))
    return groups


def _reports() -> None:
    made = Notification.objects.filter(report=OuterRef("pk"))
    recent = Report.objects.filter(~Exists(made), at__gte=timezone.now() - NOTIFY_WITHIN, closed_by=None)
    for report in recent.select_related("generation__team").order_by("at", "pk")[:_BATCH_SIZE]:
        row = report.generation
        theirs = {report.reporter_id, row.user_id, row.assigned_to_id}
        people = {*moderators(), *Membership.objects.users_who_may(Action.MANAGE, row.team)}
        told = [one for one in people if one.pk not in theirs]
        _add(told, Kind.REPORT, report=report, generation=row, team=row.team)


def _handed_cases() -> None:
    made = Notification.objects.filter(case_note=OuterRef("pk"))
    recent = CaseNote.objects.filter(~Exists(made), at__gte=timezone.now() - NOTIFY_WITHIN, assigned_to__isnull=False)
    for note in recent.select_related("assigned_to", "case").order_by("at", "pk")[:_BATCH_SIZE]:
        if note.assigned_to:
            _add([note.assigned_to], Kind.REPORT, case_note=note, generation_id=note.case.generation_id)
