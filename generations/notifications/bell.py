"""The bell: how many are unread, by kind; the lines that say what they are; and marking them read."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from accounts.models import MembershipChange, User
from accounts.notification_kinds import Kind
from config.prepared_query import SAMPLE_KEY, PreparedQuery
from generations.models import DecisionKind, Generation, Notification, moderators

MOST_COUNTED: Final = 50  # the newest unread ones: what a person has not read for long is one number for all
_RELATED: Final = (
    *("generation__user", "team", "decision__by", "report", "invitation__team", "invitation__made_by", "change__by"),
    "case_note__by",
)
_MOST_HIDDEN: Final = 50  # that a list looks past, since the person may not see them any more
_ANYBODY: Final = -1  # instead of a person's key


@dataclass(frozen=True, slots=True)
class Unread:
    """How many of the newest unread ones are of each kind."""

    by_kind: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())

    @property
    def badge(self) -> str:
        return "9+" if self.total > 9 else str(self.total or "")

    @property
    def parts(self) -> list[str]:
        """Such as "2 invitations", for each kind that has any."""
        return [str(_COUNTS[Kind(kind)] % n) for kind, n in self.by_kind.items()]


@dataclass(frozen=True, slots=True)
class Line:
    """A notification in words. `address` is empty where there is nothing to be opened."""

    notification: Notification
    text: str
    detail: str
    address: str


_COUNTS: Final[dict[Kind, Any]] = {
    Kind.ORDER: ngettext_lazy("%d finished order", "%d finished orders"),
    Kind.APPROVAL: ngettext_lazy("%d approval", "%d approvals"),
    Kind.INVITATION: ngettext_lazy("%d invitation", "%d invitations"),
    Kind.MEMBERSHIP: ngettext_lazy("%d change in your teams", "%d changes in your teams"),
    Kind.TAKE_DOWN: ngettext_lazy("%d removal", "%d removals"),
    Kind.REPORT: ngettext_lazy("%d report", "%d reports"),
    Kind.REVIEW: ngettext_lazy("%d reviewed video", "%d reviewed videos"),
}


def unread(user: User) -> Unread:
    """One query that looks at MOST_COUNTED rows at most; where there are any, another asks which may still be seen."""
    kinds = frozenset(_KINDS.rows(user.pk))
    if not kinds:
        return Unread({})
    sql, parameters = _unread_sql(kinds)
    now = timezone.now()
    values = [user.pk if value == _ANYBODY else now if isinstance(value, datetime) else value for value in parameters]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return Unread(Counter(kind for (kind,) in cursor.fetchall()))


def _newest_unread(key: int) -> QuerySet[Notification]:
    unread_ones = Notification.objects.in_bell_of(User(pk=key)).filter(read_at=None)
    return unread_ones.order_by("-created_at")[:MOST_COUNTED]


_KINDS: Final = PreparedQuery(lambda key: _newest_unread(key).values_list("kind", flat=True), SAMPLE_KEY)


@cache
def _unread_sql(kinds: frozenset[str]) -> tuple[str, tuple[Any, ...]]:
    """Django's own, made once: it takes longer to make than to run."""
    anybody = User(pk=_ANYBODY)
    shown = Notification.objects.filter(pk__in=_newest_unread(_ANYBODY).values("pk")).visible_to(anybody, kinds)
    sql, parameters = shown.values_list("kind").query.sql_with_params()
    return sql, tuple(value.value if isinstance(value, Enum) else value for value in parameters)


def mark_read(user: User, until: datetime, pk: Any = None) -> None:
    """One of them, or all that were there at a moment: what came later nobody has seen yet."""
    found = Notification.objects.in_bell_of(user).filter(read_at=None, created_at__lte=until)
    now = timezone.now()
    (found.filter(pk=pk) if pk else found).update(read_at=now, changed_at=now)


def lines(user: User, limit: int) -> list[Line]:
    """The newest that the person may still see."""
    recent = dict(
        Notification.objects.in_bell_of(user).order_by("-created_at").values_list("pk", "kind")[: limit + _MOST_HIDDEN]
    )
    found = Notification.objects.filter(pk__in=recent).visible_to(user, set(recent.values()))
    newest = list(found.select_related(*_RELATED).order_by("-created_at", "pk")[:limit])
    seen = _visible_prompts(user, newest)
    moderates = any(one.kind == Kind.REPORT for one in newest) and is_moderator(user)
    return [_line(one, _Reader(user, seen, moderates)) for one in newest]


@dataclass(frozen=True, slots=True)
class _Reader:
    """For whom it is put into words: the prompts that they may read now, and whether they moderate."""

    user: User
    prompts: dict[Any, str]
    moderates: bool

    def prompt(self, one: Notification) -> str:
        return self.prompts.get(one.generation_id, "")


def is_moderator(user: User) -> bool:
    return moderators().filter(pk=user.pk).exists()


def case_list_url(generation: Generation) -> str:
    """Where moderators find its case, whichever is open by then."""
    return f"{reverse('admin:generations_case_changelist')}?q={generation.pk}"


def _visible_prompts(user: User, rows: list[Notification]) -> dict[Any, str]:
    """What one may see is not asked of each alone. An approver reads what is not private."""
    kinds = {Kind.ORDER, Kind.REPORT, Kind.REVIEW}
    keys = [one.generation_id for one in rows if one.kind in kinds and one.generation_id]
    seen = Generation.objects.visible_to(user).filter(pk__in=keys).order_by() if keys else Generation.objects.none()
    prompts = dict(seen.values_list("pk", "prompt"))
    own = [one.generation for one in rows if one.kind == Kind.TAKE_DOWN and not one.team_id]
    prompts |= {row.pk: row.prompt for row in own if row and user.pk in {row.user_id, row.assigned_to_id}}
    waiting = [one.generation for one in rows if one.kind == Kind.APPROVAL]
    return prompts | {row.pk: row.shown_prompt for row in waiting if row}


def _line(one: Notification, reader: _Reader) -> Line:
    text, detail, address = _WORDS[Kind(one.kind)](one, reader)
    return Line(one, text, detail, address)


Words = tuple[str, str, str]


def order_text(made: int, failed: int) -> str:
    """What became of an order, such as "3 videos are ready, 1 failed"."""
    if made + failed == 1:
        return _("Your video is ready") if made else _("Your video failed")
    parts = []
    if made:
        parts.append(ngettext("%d video is ready", "%d videos are ready", made) % made)
    if failed:
        parts.append(_("%d failed") % failed if made else _("%d videos failed") % failed)
    return ", ".join(parts)


def _order(one: Notification, reader: _Reader) -> Words:
    address = reverse("generation", args=[one.generation_id]) if reader.prompt(one) else reverse("gallery")
    return order_text(one.count, one.failed), reader.prompt(one), address


def _approval(one: Notification, reader: _Reader) -> Words:
    assert one.generation
    assert one.team
    what = ngettext("%(who)s asks for a video in %(team)s", "%(who)s asks for %(n)d videos in %(team)s", one.count)
    text = what % {"who": one.generation.user, "team": one.team, "n": one.count}
    return text, reader.prompt(one), reverse("team-approvals", args=[one.team.slug])


def _invitation(one: Notification, reader: _Reader) -> Words:
    assert one.invitation
    words = {"who": one.invitation.made_by, "team": one.invitation.team, "role": one.invitation.get_role_display()}
    return _("%(who)s invites you to %(team)s as %(role)s") % words, "", reverse("teams")


def _membership(one: Notification, reader: _Reader) -> Words:
    assert one.change
    words = {"team": one.change.team_name, "role": one.change.get_role_display(), "who": one.change.by or ""}
    match one.change.kind:
        case MembershipChange.Kind.ROLE:
            assert one.team
            return _("You are now %(role)s in %(team)s") % words, _by(one), reverse("team", args=[one.team.slug])
        case MembershipChange.Kind.TEAM_DELETED:
            return _("The team %(team)s was deleted") % words, _by(one), reverse("teams")
    return _("You were removed from %(team)s") % words, _by(one), reverse("teams")


def _by(one: Notification) -> str:
    by = one.change.by if one.change else None
    return _("By %s") % by if by else _("By your organisation’s administrators")


def _take_down(one: Notification, reader: _Reader) -> Words:
    assert one.decision
    assert one.generation
    is_back = one.decision.kind == DecisionKind.RESTORE
    if not one.team:
        text = _("A video of yours was restored") if is_back else _("A video of yours was removed")
        return text, one.decision.why or reader.prompt(one), one.generation.get_absolute_url()
    if is_back:
        text = ngettext("A video in %(team)s was restored", "%(n)d videos in %(team)s were restored", one.count)
    else:
        text = ngettext("A video in %(team)s was taken down", "%(n)d videos in %(team)s were taken down", one.count)
    return text % {"team": one.team, "n": one.count}, "", f"{reverse('gallery')}?team={one.team.slug}"


def _report(one: Notification, reader: _Reader) -> Words:
    if one.case_note:
        address = reverse("admin:generations_case_change", args=[one.case_note.case_id])
        return _("%s hands a case over to you") % one.case_note.by, one.case_note.text, address
    assert one.report
    assert one.generation
    assert one.team
    words = {"team": one.team, "what": str(one.report.get_reason_display()).lower()}
    address = one.generation.get_absolute_url()
    if reader.moderates:
        address = case_list_url(one.generation)
    return _("A video in %(team)s was reported: %(what)s") % words, reader.prompt(one), address


def _review(one: Notification, reader: _Reader) -> Words:
    text = ngettext("%d new comment or verdict", "%d new comments and verdicts", one.count) % one.count
    return text, reader.prompt(one), reverse("review", args=[one.generation_id])


_WORDS: Final[dict[Kind, Callable[[Notification, _Reader], Words]]] = {
    Kind.ORDER: _order,
    Kind.APPROVAL: _approval,
    Kind.INVITATION: _invitation,
    Kind.MEMBERSHIP: _membership,
    Kind.TAKE_DOWN: _take_down,
    Kind.REPORT: _report,
    Kind.REVIEW: _review,
}
