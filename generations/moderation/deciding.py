"""What moderators decide, and what follows from it. Decisions are rows that are only added; a case is decided once."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from smtplib import SMTPException
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.mailing import letter
from accounts.models import User
from generations.models import (
    OPEN,
    Appeal,
    BannedFile,
    Case,
    Cause,
    Decision,
    Flag,
    Generation,
    Hold,
    PromptRule,
    Report,
    Status,
    Verb,
)
from generations.moderation import looks
from generations.moderation.cases import open_case
from generations.moderation.quarantining import settle
from generations.pipeline import holding

logger = logging.getLogger(__name__)

PERMISSION: Final = "generations.moderate"
_REMOVING: Final = [Verb.TAKE_DOWN, Verb.REJECT]


class NotDecidedError(Exception):
    """It can't be decided so; its words say why."""


class AlreadyDecidedError(NotDecidedError):
    """Somebody was first."""


def verbs_for(row: Generation) -> list[Verb]:
    """What can be decided about a video as it is now."""
    if row.taken_down_at:
        return [Verb.RESTORE, Verb.REJECT]
    if row.status == Status.DONE:
        return [Verb.APPROVE, Verb.REJECT if row.awaits_review else Verb.TAKE_DOWN]
    return [Verb.APPROVE, Verb.REJECT] if row.is_open else [Verb.APPROVE]


def decide(case: Case, verb: Verb, by: User, why: str = "", *, with_pictures: bool = False) -> Decision:
    """Close the case and carry it out. `with_pictures` bans the pictures that went in as well.

    Raises PermissionDenied, AlreadyDecidedError and NotDecidedError, all with nothing done.
    """
    _demand(by)
    with transaction.atomic():
        row = _locked(case, by)
        if verb not in verbs_for(row):
            raise NotDecidedError(_("This can’t be done with the video as it is now. Look at it again."))
        if not why and verb != Verb.APPROVE:
            raise NotDecidedError(_("Say why: the person reads it."))
        decision = _write(verb, by, why, person=row.user, generation=row, case=case, rule=_rule_of(row))
        _CARRIED_OUT[verb](row, by, why)
        if verb == Verb.TAKE_DOWN or (verb == Verb.REJECT and row.status == Status.DONE):
            _ban(row, by, why, with_pictures=with_pictures)
        Case.objects.filter(pk=case.pk).update(closed_at=timezone.now())
        Report.objects.filter(generation=row, closed_by=None).update(closed_by=decision)
    settle(row.pk)
    _tell(decision)
    return decision


@transaction.atomic
def warn(person: User, by: User, why: str, generation: Generation | None = None) -> Decision:
    _demand_over(by, person)
    decision = _write(Verb.WARN, by, why, person=person, generation=generation)
    transaction.on_commit(partial(_tell, decision))
    return decision


@transaction.atomic
def suspend(person: User, by: User, why: str, until: datetime) -> Decision:
    """Until then the person is shut out. What runs is finished, and shown to nobody before a moderator approves it."""
    _demand_over(by, person)
    User.objects.filter(pk=person.pk).update(suspended_until=until, suspended_for=why)
    Generation.objects.filter(user=person, status__in=OPEN).update(awaits_review=True)
    decision = _write(Verb.SUSPEND, by, why, person=person, until=until)
    transaction.on_commit(partial(_tell, decision))
    return decision


@transaction.atomic
def lift(person: User, by: User, why: str = "") -> Decision:
    _demand_over(by, person)
    User.objects.filter(pk=person.pk).update(suspended_until=None, suspended_for="")
    decision = _write(Verb.LIFT, by, why, person=person)
    transaction.on_commit(partial(_tell, decision))
    return decision


def removal_of(row: Generation) -> Decision | None:
    """Why it was removed; None when no person has."""
    return row.decisions.filter(verb__in=_REMOVING).select_related("by").first()


def appeal_of(row: Generation) -> Appeal | None:
    """The owner's answer to the removal that holds; one from before it was restored does not count."""
    restored = row.decisions.filter(verb=Verb.RESTORE).values_list("pk", flat=True).first() or 0
    return Appeal.objects.filter(decision__generation=row, decision__pk__gt=restored).order_by("-pk").first()


@transaction.atomic
def appeal(row: Generation, by: User, text: str) -> Appeal:
    """The owner's one answer to a removal. Raises NotDecidedError when there is none to answer, or it was answered."""
    row = Generation.objects.select_for_update(of=("self",)).get(pk=row.pk)
    removal = removal_of(row)
    if removal is None or row.taken_down_at is None or by.pk not in {row.user_id, row.keeper_id}:
        raise NotDecidedError(_("There is nothing to answer here."))
    if appeal_of(row):
        raise NotDecidedError(_("You have answered already. A moderator looks at it again."))
    open_case(row, Cause.APPEAL, not_for=removal.by)
    return Appeal.objects.create(decision=removal, by=by, text=text)


def _demand(by: User) -> None:
    if by.is_suspended or not (by.is_active and by.is_staff and by.has_perm(PERMISSION)):
        raise PermissionDenied


def _demand_over(by: User, person: User) -> None:
    _demand(by)
    if by == person or (person.is_superuser and not by.is_superuser):
        raise PermissionDenied


def _locked(case: Case, by: User) -> Generation:
    """The case's row, as it stays until the transaction ends."""
    now = Case.objects.select_for_update().get(pk=case.pk)
    if not now.is_open:
        last = now.decisions.select_related("by").first()
        words = _("%(who)s has decided it meanwhile: %(what)s.")
        raise AlreadyDecidedError(words % {"who": last.by if last else "?", "what": last or "?"})
    row = Generation.objects.select_for_update(of=("self",)).get(pk=now.generation_id)
    if by.pk in {row.user_id, row.keeper_id}:
        raise NotDecidedError(_("This is your own work: another moderator decides."))
    return row


def _write(verb: Verb, by: User, why: str, **columns: Any) -> Decision:
    return Decision.objects.create(verb=verb, by=by, why=why, **columns)


def _rule_of(row: Generation) -> PromptRule | None:
    """The rule that brought it here; None for what a person reported."""
    hold = Hold.objects.filter(generation=row, rule__isnull=False).select_related("rule").first()
    flag = Flag.objects.filter(generation=row, rule__isnull=False).select_related("rule").first()
    return hold.rule if hold else flag.rule if flag else None


def _approve(row: Generation, by: User, why: str) -> None:
    for hold in Hold.objects.open().filter(generation=row, kind=Hold.Kind.RULE):
        holding.release(hold, by, why)
    _update(row, awaits_review=False)


def _reject(row: Generation, by: User, why: str) -> None:
    """What waits is refused, what runs is canceled and stays unseen, what is there is taken down or stays so."""
    if hold := Hold.objects.open().filter(generation=row).first():
        holding.refuse(hold, by, why, "rejected")
    elif row.is_open:
        _update(row, awaits_review=True)
        row.cancel(by)
    elif row.status == Status.DONE and not row.taken_down_at:
        _take_down(row, by, why)


def _take_down(row: Generation, by: User, why: str) -> None:
    _update(row, taken_down_at=timezone.now(), awaits_review=False)
    row.events.create(status=row.status, by=by, message=_("Taken down: %s") % why)


def _restore(row: Generation, by: User, why: str) -> None:
    _update(row, taken_down_at=None, awaits_review=False)
    of_video = Q(sha256=row.video.sha256) if hasattr(row, "video") else Q()
    BannedFile.objects.filter(Q(generation=row) | of_video).delete()
    row.events.create(status=row.status, by=by, message=_("Restored: %s") % why)


_CARRIED_OUT: Final[dict[Verb, Callable[[Generation, User, str], None]]] = {
    Verb.APPROVE: _approve,
    Verb.REJECT: _reject,
    Verb.TAKE_DOWN: _take_down,
    Verb.RESTORE: _restore,
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
        look = looks.of_stored(picture.key)
        files.append(BannedFile(sha256=picture.sha256, looks=look, reason=reason, generation=row, made_by=by))
    BannedFile.objects.bulk_create(files, ignore_conflicts=True)


def _tell(decision: Decision) -> None:
    """The person whom it is about, and whoever reported it. A mail that can't be sent is logged: the pages say it."""
    if decision.verb != Verb.APPROVE:
        _send(decision.person, "generations/mail/decision", {"decision": decision, "generation": decision.generation})
    for report in decision.reports.filter(told_at=None).select_related("reporter"):
        _send(report.reporter, "generations/mail/report", {"decision": decision, "report": report})
    Report.objects.filter(Q(closed_by=decision), told_at=None).update(told_at=timezone.now())


def _send(person: User, name: str, context: dict[str, Any]) -> None:
    try:
        letter(person.email, name, {"person": person, **context}).send()
    except (OSError, SMTPException) as error:
        logger.warning("No mail to %s: %s", person.email, error)
