"""Send the mails that notifications still have to send: at most one of each, never two.

A row is claimed before its mail is sent. A worker killed in between loses the mail, which only says what the bell says.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator

from accounts.emails import send_email
from accounts.notification_kinds import Channel, Kind
from generations.models import Generation, Notification, Status
from generations.models.generation_queryset import GenerationQuerySet
from generations.notifications.bell import case_list_url, is_moderator, order_text
from generations.orders.approvals import find_approval, link_for

RETRY_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))  # between one try and the next
_SUBJECT_PROMPT_LENGTH: Final = 60  # characters of a prompt in a subject
_MAX_ROWS: Final = 50  # in one mail
_RELATED: Final = (
    *("user", "generation__team", "generation__user", "team", "report", "change__by", "case_note__by"),
    *("decision__person", "decision__generation"),
)

Email = tuple[str, dict[str, Any]]  # the name of its templates and what they need


def send_emails() -> int:
    """Send what is due; how many. The server that refuses one is asked again by the next sweep."""
    emails = 0
    while (one := _claim()) is not None:
        email = _compose(one)
        if email is None:
            continue
        if not send_email(one.user.email, email[0], {"person": one.user, "notification": one, **email[1]}):
            _reschedule(one)
            break
        emails += 1
    return emails


@transaction.atomic
def _claim() -> Notification | None:
    """The one that is due the longest; from now on its mail counts as sent."""
    due = Notification.objects.filter(email_due_at__lte=timezone.now()).order_by("email_due_at")
    first = due.select_for_update(skip_locked=True, of=("self",)).select_related(*_RELATED).first()
    if first:
        Notification.objects.filter(pk=first.pk).update(email_due_at=None)
    return first


def _reschedule(one: Notification) -> None:
    """Try again after the next pause; after the last there is no other try."""
    if one.email_attempts < len(RETRY_DELAYS):
        again = timezone.now() + RETRY_DELAYS[one.email_attempts]
        Notification.objects.filter(pk=one.pk).update(email_due_at=again, email_attempts=F("email_attempts") + 1)


def _compose(one: Notification) -> Email | None:
    """None when it is no news for this person any more: they may not see it, or have switched it off."""
    person, kind = one.user, Kind(one.kind)
    if not person.is_active or not person.wants(kind, Channel.EMAIL):
        return None
    if not Notification.objects.visible_to(person, [kind]).filter(pk=one.pk).exists():
        return None
    return _COMPOSERS[kind](one)


def order_rows(one: Notification) -> GenerationQuerySet:
    """What ended with this order, as far as the person may see it."""
    seen = Generation.objects.visible_to(one.user).filter(notified_at=one.created_at)
    mine = Q(batch=one.batch, user=one.user) if one.batch else Q(pk=one.generation_id)
    return seen.filter(mine).order_by("batch_index", "pk")


def _order(one: Notification) -> Email | None:
    rows = list(order_rows(one).select_related("team"))
    if not rows:
        return None
    made, failed = ([row for row in rows if (row.status == Status.DONE) == is_done] for is_done in (True, False))
    shown = [*made, *failed][:_MAX_ROWS]
    return "generations/mail/order", {
        "headline": order_text(len(made), len(failed)),
        "words": _short_prompt(rows[0].prompt) if len(rows) == 1 else "",
        "made": [row for row in shown if row in made],
        "failed": [row for row in shown if row in failed],
        "more": len(rows) - len(shown),
    }


def _approval(one: Notification) -> Email | None:
    assert one.generation
    approval = find_approval(one.batch or one.generation.pk)
    if approval is None:
        return None
    return "teams/mail/approval", {"approval": approval, "team": one.team, "link": link_for(one.user, approval)}


def _membership(one: Notification) -> Email | None:
    return "teams/mail/membership", {"change": one.change}


def _decision(one: Notification) -> Email | None:
    if one.team:
        return "generations/mail/team_decision", {"decision": one.decision, "team": one.team, "count": one.count}
    return "generations/mail/decision", {"decision": one.decision, "generation": one.generation}


def _report(one: Notification) -> Email | None:
    if one.case_note:
        address = reverse("admin:generations_case_change", args=[one.case_note.case_id])
        return "generations/mail/case", {"note": one.case_note, "address": address}
    assert one.generation
    address = case_list_url(one.generation) if is_moderator(one.user) else one.generation.get_absolute_url()
    return "generations/mail/new_report", {"report": one.report, "generation": one.generation, "address": address}


_COMPOSERS: Final[dict[Kind, Callable[[Notification], Email | None]]] = {
    Kind.ORDER: _order,
    Kind.APPROVAL: _approval,
    Kind.MEMBERSHIP: _membership,
    Kind.TAKE_DOWN: _decision,
    Kind.REPORT: _report,
}


def _short_prompt(prompt: str) -> str:
    """A header takes no line ends, and a mail program may obey what turns text around."""
    plain = "".join(character if character.isprintable() else " " for character in prompt)
    return Truncator(" ".join(plain.split())).chars(_SUBJECT_PROMPT_LENGTH)
