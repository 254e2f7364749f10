"""Requests above a team's amount: who may say yes is asked by mail, and decides there or on the team's page."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.mailing import letter
from accounts.models import Membership, Team, User
from accounts.roles import Action
from generations.models import Generation, Hold
from generations.pipeline import holding

logger = logging.getLogger(__name__)

LINK_LASTS: Final = 7 * 24 * 3600  # s
_SALT: Final = "approval"
_ASKED_AT_ONCE: Final = 200  # holds


@dataclass(frozen=True, slots=True)
class Ask:
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
    def wishes(self) -> list[tuple[int, Generation]]:
        """What is asked for, and how often: variations are the same prompt several times."""
        alike: dict[str, list[Generation]] = {}
        for row in self.rows:
            alike.setdefault(row.prompt, []).append(row)
        return [(len(rows), rows[0]) for rows in alike.values()]

    @property
    def since(self) -> datetime:
        return self.holds[0].opened_at


def asks(team: Team) -> list[Ask]:
    """What waits for a yes in the team, the longest waiting first."""
    holds = Hold.objects.open().filter(kind=Hold.Kind.APPROVAL, generation__team=team)
    return _grouped(holds.select_related("generation__user", "generation__team").order_by("opened_at", "pk"))


def ask_of(key: uuid.UUID) -> Ask | None:
    """What still waits of one press, by its key."""
    holds = Hold.objects.open().filter(kind=Hold.Kind.APPROVAL).select_related("generation__user", "generation__team")
    found = holds.filter(generation__batch=key) or holds.filter(generation=key)
    return next(iter(_grouped(found.order_by("generation__batch_index", "pk"))), None)


def decide(ask: Ask, by: User, note: str, *, is_yes: bool) -> bool:
    """Whether this call decided it, or a part of it that was still open.

    Raises PermissionDenied for whoever may not say yes in that team, and for who asked.
    """
    if not may_decide(ask, by):
        raise PermissionDenied
    if is_yes:
        return sum(holding.release(hold, by, note) for hold in ask.holds) > 0
    words = note or _("%s said no to this request. Ask them why, or make a smaller one.") % by
    return sum(holding.refuse(hold, by, words, "declined") for hold in ask.holds) > 0


def may_decide(ask: Ask, by: User) -> bool:
    """Now, with or without being signed in; never about one's own request."""
    return by != ask.first.user and _deciders(ask.first.team).filter(user=by).exists()


def _deciders(team: Team) -> QuerySet[Membership]:
    return Membership.objects.who_may(Action.APPROVE).filter(team=team)


def read_link(token: str) -> tuple[User, Ask] | None:
    """Whose link it is, and what it asks; None when it is forged or too old, and when nothing waits any more.

    Raises PermissionDenied when the person may not decide any more.
    """
    try:
        pk, key = signing.loads(token, salt=_SALT, max_age=LINK_LASTS)
        person, ask = User.objects.get(pk=pk), ask_of(uuid.UUID(key))
    except (signing.BadSignature, User.DoesNotExist, ValueError):
        return None
    if ask and not may_decide(ask, person):
        raise PermissionDenied
    return (person, ask) if ask else None


def ask_for_yes() -> int:
    """A mail to each who may say yes, once about each press; how many. Any number of workers may do it at once."""
    return sum(_tell(ask) for ask in _grouped(_claim()))


@transaction.atomic
def _claim() -> list[Hold]:
    """From now on they count as told: a worker killed in between costs the mail, and the team's page says the same."""
    holds = (
        Hold.objects.open()
        .filter(kind=Hold.Kind.APPROVAL, told_at=None)
        .select_for_update(skip_locked=True, of=("self",))
    )
    found = list(holds.select_related("generation__user", "generation__team").order_by("pk")[:_ASKED_AT_ONCE])
    Hold.objects.filter(pk__in=[hold.pk for hold in found]).update(told_at=timezone.now())
    return found


def _grouped(holds: Any) -> list[Ask]:
    groups: dict[uuid.UUID, list[Hold]] = {}
    for hold in holds:
        groups.setdefault(hold.generation.batch or hold.generation_id, []).append(hold)
    return [Ask(group) for group in groups.values()]


def _tell(ask: Ask) -> int:
    team, sent = ask.first.team, 0
    for decider in _deciders(team).exclude(user=ask.first.user_id).select_related("user"):
        person = decider.user
        try:
            context = {"ask": ask, "team": team, "link": link_for(person, ask)}
            letter(person.email, "teams/mail/approval", context).send()
        except Exception as error:  # a mail server, or an address, can fail in many ways
            logger.warning("No mail to %s: %s: %s", person.email, type(error).__name__, error)
        else:
            sent += 1
    return sent


def link_for(person: User, ask: Ask) -> str:
    token = signing.dumps([person.pk, str(ask.key)], salt=_SALT)
    return f"{settings.SITE_URL}{reverse('approval-by-mail', args=[token])}"
