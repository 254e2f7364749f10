"""Moderators' decisions and what follows from them. Decisions are rows that are only added; a case is decided once."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.emails import send_email
from accounts.models import User
from generations import holds
from generations.models import (
    OPEN,
    PERSON_KINDS,
    Appeal,
    BannedFile,
    Case,
    Cause,
    Decision,
    DecisionKind,
    Flag,
    Generation,
    Hold,
    PromptRule,
    Report,
    Status,
)
from generations.moderation import image_hash
from generations.moderation.cases import open_case
from generations.moderation.quarantine import move_objects

PERMISSION: Final = "generations.moderate"
_REMOVALS: Final = [DecisionKind.TAKE_DOWN, DecisionKind.REJECT]


class DecisionError(Exception):
    """It can't be decided like this; str() says why."""


class AlreadyDecidedError(DecisionError):
    """Somebody was first."""


def kinds_for(row: Generation) -> list[DecisionKind]:
    """What can be decided about a video as it is now."""
    if row.taken_down_at:
        return [DecisionKind.RESTORE, DecisionKind.REJECT]
    if row.status == Status.DONE:
        return [DecisionKind.APPROVE, DecisionKind.REJECT if row.awaits_review else DecisionKind.TAKE_DOWN]
    return [DecisionKind.APPROVE, DecisionKind.REJECT] if row.is_open else [DecisionKind.APPROVE]


def decide(case: Case, kind: DecisionKind, by: User, why: str = "", *, with_pictures: bool = False) -> Decision:
    """Close the case and carry it out. `with_pictures` bans the pictures that went in as well.

    Raises PermissionDenied, AlreadyDecidedError and DecisionError, all with nothing done.
    """
    require_moderator(by)
    with transaction.atomic():
        row = _lock_row(case, by)
        if kind not in kinds_for(row):
            raise DecisionError(_("This can’t be done with the video as it is now. Look at it again."))
        if not why and kind != DecisionKind.APPROVE:
            raise DecisionError(_("Say why: the person reads it."))
        decision = _create_decision(kind, by, why, person=row.user, generation=row, case=case, rule=_rule_of(row))
        _HANDLERS[kind](row, by, why)
        if kind == DecisionKind.TAKE_DOWN or (kind == DecisionKind.REJECT and row.status == Status.DONE):
            _ban(row, by, why, with_pictures=with_pictures)
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now())
        Report.objects.filter(generation=row, closed_by=None).update(closed_by=decision)
        transaction.on_commit(partial(move_objects, row.pk))
        transaction.on_commit(partial(_notify, decision))
    return decision


@transaction.atomic
def warn(person: User, by: User, why: str, generation: Generation | None = None) -> Decision:
    _require_authority_over(by, person)
    decision = _create_decision(DecisionKind.WARN, by, why, person=person, generation=generation)
    transaction.on_commit(partial(_notify, decision))
    return decision


@transaction.atomic
def suspend(person: User, by: User, why: str, until: datetime) -> Decision:
    """Until then the person is shut out. What runs is finished, and shown to nobody before a moderator approves it."""
    _require_authority_over(by, person)
    User.objects.filter(pk=person.pk).update(suspended_until=until, suspension_reason=why)
    Generation.objects.filter(user=person, status__in=OPEN).update(awaits_review=True)
    decision = _create_decision(DecisionKind.SUSPEND, by, why, person=person, until=until)
    transaction.on_commit(partial(_notify, decision))
    return decision


@transaction.atomic
def lift_suspension(person: User, by: User, why: str = "") -> Decision:
    _require_authority_over(by, person)
    User.objects.filter(pk=person.pk).update(suspended_until=None, suspension_reason="")
    decision = _create_decision(DecisionKind.LIFT, by, why, person=person)
    transaction.on_commit(partial(_notify, decision))
    return decision


def removal_of(row: Generation) -> Decision | None:
    """Why it was removed; None when no person has."""
    return row.decisions.filter(kind__in=_REMOVALS).select_related("by").first()


def appeal_of(row: Generation) -> Appeal | None:
    """The owner's answer to the removal that holds; one from before it was restored does not count."""
    restored = row.decisions.filter(kind=DecisionKind.RESTORE, pk__gt=OuterRef("decision"))
    return Appeal.objects.filter(~Exists(restored), decision__generation=row).order_by("-pk").first()


@transaction.atomic
def appeal(row: Generation, by: User, text: str) -> Appeal:
    """The owner's one answer to a removal. Raises DecisionError when there is none to answer, or it was answered."""
    row = Generation.objects.select_for_update(of=("self",)).get(pk=row.pk)
    removal = removal_of(row)
    if removal is None or row.taken_down_at is None or by.pk not in {row.user_id, row.assigned_to_id}:
        raise DecisionError(_("There is nothing to answer here."))
    if appeal_of(row):
        raise DecisionError(_("You have answered already. A moderator looks at it again."))
    open_case(row, Cause.APPEAL, excluded_moderator=removal.by)
    return Appeal.objects.create(decision=removal, by=by, text=text)


def require_moderator(by: User) -> None:
    """Raises PermissionDenied for whoever may not decide, now."""
    if by.is_suspended or not (by.is_active and by.is_staff and by.has_perm(PERMISSION)):
        raise PermissionDenied


def _require_authority_over(by: User, person: User) -> None:
    require_moderator(by)
    if by == person or (person.is_superuser and not by.is_superuser):
        raise PermissionDenied


def _lock_row(case: Case, by: User) -> Generation:
    """The case's row, as it stays until the transaction ends."""
    now = Case.objects.select_for_update().get(pk=case.pk)
    if not now.is_open:
        last = now.decisions.select_related("by").first()
        message = _("%(who)s has decided it meanwhile: %(what)s.")
        raise AlreadyDecidedError(message % {"who": last.by if last else "?", "what": last or "?"})
    row = Generation.objects.select_for_update(of=("self",)).get(pk=now.generation_id)
    if by.pk in {row.user_id, row.assigned_to_id}:
        raise DecisionError(_("This is your own work: another moderator decides."))
    return row


def _create_decision(kind: DecisionKind, by: User, why: str, **columns: Any) -> Decision:
    return Decision.objects.create(kind=kind, by=by, why=why, **columns)


def _rule_of(row: Generation) -> PromptRule | None:
    """The rule that brought it here; None for what a person reported."""
    hold = Hold.objects.filter(generation=row, rule__isnull=False).select_related("rule").first()
    flag = Flag.objects.filter(generation=row, rule__isnull=False).select_related("rule").first()
    return hold.rule if hold else flag.rule if flag else None


def _approve(row: Generation, by: User, why: str) -> None:
    for hold in Hold.objects.open().filter(generation=row, kind=Hold.Kind.RULE):
        holds.release(hold, by, why)
    _update(row, awaits_review=False)


def _reject(row: Generation, by: User, why: str) -> None:
    """What waits is refused, what runs is canceled and stays unseen, what is there is taken down or stays so."""
    if hold := Hold.objects.open().filter(generation=row).first():
        holds.refuse(hold, by, why, "rejected")
    elif row.is_open:
        _update(row, awaits_review=True)
        row.cancel(by)
    elif row.status == Status.DONE and not row.taken_down_at:
        row.take_down(by, why)


def _take_down(row: Generation, by: User, why: str) -> None:
    row.take_down(by, why)


def _restore(row: Generation, by: User, why: str) -> None:
    row.restore(by, why)
    of_video = Q(sha256=row.video.sha256) if hasattr(row, "video") else Q()
    BannedFile.objects.filter(Q(generation=row) | of_video).delete()


_HANDLERS: Final[dict[DecisionKind, Callable[[Generation, User, str], None]]] = {
    DecisionKind.APPROVE: _approve,
    DecisionKind.REJECT: _reject,
    DecisionKind.TAKE_DOWN: _take_down,
    DecisionKind.RESTORE: _restore,
}


def _update(row: Generation, **columns: Any) -> None:
    Generation.objects.filter(pk=row.pk).update(changed_at=timezone.now(), **columns)
    row.refresh_from_db()


def _ban(row: Generation, by: User, why: str, *, with_pictures: bool) -> None:
    """The hash stays, so that the same file can't come back."""
    reason, files = why[:300], []
    if hasattr(row, "video"):
        files.append(BannedFile(sha256=row.video.sha256, reason=reason, generation=row, made_by=by))
    for picture in row.pictures.all() if with_pictures else []:
        look = image_hash.hash_stored(picture.key)
        files.append(BannedFile(sha256=picture.sha256, perceptual_hash=look, reason=reason, generation=row, made_by=by))
    BannedFile.objects.bulk_create(files, ignore_conflicts=True)


def _notify(decision: Decision) -> None:
    """Mail a warned or suspended user, and those who reported a video. A failed mail is logged: the pages say the same.

    The owner of a video, and who manages its team, hear of it as of other news (`notifications`).
    """
    if decision.kind in PERSON_KINDS:
        send_email(
            decision.person.email,
            "generations/mail/decision",
            {"person": decision.person, "decision": decision, "generation": decision.generation},
        )
    for report in decision.reports.filter(notified_at=None, reporter__isnull=False).select_related("reporter"):
        assert report.reporter
        send_email(
            report.reporter.email,
            "generations/mail/report",
            {"person": report.reporter, "decision": decision, "report": report},
        )
    Report.objects.filter(Q(closed_by=decision), notified_at=None).update(notified_at=timezone.now())
