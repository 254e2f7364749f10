"""Requests above a team's amount: who may approve them, in the team's page or by the link in a mail."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from accounts.roles import Action
from generations import holds as generations_holds
from generations.models import Generation, Hold

TOKEN_MAX_AGE: Final = 7 * 24 * 3600  # s
_SALT: Final = "approval"


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One press of the button that waits for a yes."""

    holds: list[Hold]

    @property
    def first(self) -> Generation:
        return self.holds[0].generation

    @property
    def key(self) -> uuid.UUID:
        return self.first.batch or self.first.pk

    @property
    def rows(self) -> list[Generation]:
        return [hold.generation for hold in self.holds]

    @property
    def cents(self) -> int:
        return sum(row.cost_cents for row in self.rows)

    @property
    def prompts(self) -> list[tuple[int, Generation]]:
        """What is asked for, and how often: variations are the same prompt several times."""
        alike: dict[str, list[Generation]] = {}
        for row in self.rows:
            alike.setdefault(row.prompt, []).append(row)
        return [(len(rows), rows[0]) for rows in alike.values()]

    @property
    def since(self) -> datetime:
        return self.holds[0].opened_at


def pending_approvals(team: Team) -> list[ApprovalRequest]:
    """What waits for a yes in the team, the longest waiting first."""
    holds = Hold.objects.open().filter(kind=Hold.Kind.APPROVAL, generation__team=team)
    return _group_by_order(holds.select_related("generation__user", "generation__team").order_by("opened_at", "pk"))


def find_approval(key: uuid.UUID) -> ApprovalRequest | None:
    """What still waits of one press, by its key."""
    holds = Hold.objects.open().filter(kind=Hold.Kind.APPROVAL).select_related("generation__user", "generation__team")
    found = holds.filter(generation__batch=key) or holds.filter(generation=key)
    return next(iter(_group_by_order(found.order_by("generation__batch_index", "pk"))), None)


def decide(approval: ApprovalRequest, by: User, note: str, *, is_yes: bool) -> bool:
    """Whether this call decided it, or a part of it that was still open.

    Raises PermissionDenied when `by` may not approve in that team, or is the one who asked.
    """
    if not may_decide(approval, by):
        raise PermissionDenied
    if is_yes:
        return sum(generations_holds.release(hold, by, note) for hold in approval.holds) > 0
    message = note or _("%s said no to this request. Ask them why, or make a smaller one.") % by
    return sum(generations_holds.refuse(hold, by, message, "declined") for hold in approval.holds) > 0


def may_decide(approval: ApprovalRequest, by: User) -> bool:
    """Now, with or without being signed in; never about one's own request."""
    return by != approval.first.user and approvers(approval.first.team).filter(user=by).exists()


def approvers(team: Team) -> QuerySet[Membership]:
    """Who may approve in the team now."""
    return Membership.objects.who_may(Action.APPROVE).filter(team=team)


def read_link(token: str) -> tuple[User, ApprovalRequest] | None:
    """The link's user and what it asks for; None when it is forged or too old, and when nothing waits any more.

    Raises PermissionDenied when the person may not decide any more.
    """
    try:
        pk, key = signing.loads(token, salt=_SALT, max_age=TOKEN_MAX_AGE)
        person, approval = User.objects.get(pk=pk), find_approval(uuid.UUID(key))
    except (signing.BadSignature, User.DoesNotExist, ValueError):
        return None
    if approval and not may_decide(approval, person):
        raise PermissionDenied
    return (person, approval) if approval else None


def _group_by_order(holds: Any) -> list[ApprovalRequest]:
    groups: dict[uuid.UUID, list[Hold]] = {}
    for hold in holds:
        groups.setdefault(hold.generation.batch or hold.generation_id, []).append(hold)
    return [ApprovalRequest(group) for group in groups.values()]


def link_for(person: User, approval: ApprovalRequest) -> str:
    token = signing.dumps([person.pk, str(approval.key)], salt=_SALT)
    return f"{settings.SITE_URL}{reverse('approval-by-mail', args=[token])}"
