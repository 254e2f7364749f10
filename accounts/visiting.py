"""Staff act as a person, in front of their eyes: with a reason, for a short time, everything noted, the person told.

It is for looking: nothing is changed, neither in the person's name nor meanwhile as staff, and nothing is taken along.
What belongs to the account itself (password, addresses, second factor, deleting it) stays closed to them.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPException
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.mailing import letter
from accounts.models import StaffVisit, User

logger = logging.getLogger(__name__)

PERMISSION: Final = "accounts.add_staffvisit"
LONGEST: Final = timedelta(minutes=30)
VISIT: Final = "visit"  # of the session: the visit's key

_STAYS_STAFF: Final = ("/admin/", "/visit/", "/accounts/logout/")
_CLOSED: Final = ("/accounts/",)
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# by name, all that may be posted: each of them ends it
_ENDS: Final = frozenset({"visit-stop", "account_logout", "admin:logout"})
# GETs that take copies along, or that stand for the person whom a link was sent to
_NOT_FOR_STAFF: Final = frozenset({"generation-download", "team-usage-csv", "approval-by-mail", "team-join"})
_UNNOTED: Final = ("/events/", "/static/")  # what a page asks for by itself, each second


class NoVisitError(Exception):
    """This person can't be visited; its words say why."""


def begin(staff: User, person: User, reason: str) -> StaffVisit:
    """Raises PermissionDenied for who may not, NoVisitError for whom nobody visits."""
    if not _may_act_as_others(staff):
        raise PermissionDenied
    if staff == person:
        raise NoVisitError(_("This is you."))
    if not person.is_active:
        raise NoVisitError(_("This account is closed."))
    if not _is_below(person, staff):
        raise NoVisitError(_("Only a superuser acts as somebody of the staff."))
    visit = StaffVisit.objects.create(staff=staff, person=person, reason=reason, until=timezone.now() + LONGEST)
    _tell(visit)
    return visit


def note(staff: User, person: User, reason: str, path: str) -> None:
    """That staff look at private work of a person in the course of their duty, without acting as them."""
    now = timezone.now()
    visit = StaffVisit.objects.create(staff=staff, person=person, reason=reason, until=now, ended_at=now)
    visit.deeds.create(method="GET", path=path, answer=200)
    _tell(visit)


def end(visit: StaffVisit) -> None:
    StaffVisit.objects.open().filter(pk=visit.pk).update(ended_at=timezone.now())


class VisitMiddleware:
    """`request.user` is the visited person while a visit is open, and `request.visit` says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        visit = (
            None if request.path == "/events" else open_visit(request)
        )  # which is asked each second, and asks itself
        if visit is None:
            return self.get_response(request)
        request.visit = visit  # type: ignore[attr-defined]
        if request.path.startswith(_STAYS_STAFF):
            return self.get_response(request)
        answer = self._as_person(request, visit)
        if not request.path.startswith(_UNNOTED):
            visit.deeds.create(method=request.method or "", path=_noted(request), answer=answer.status_code)
        return answer

    def _as_person(self, request: HttpRequest, visit: StaffVisit) -> HttpResponse:
        request.user = visit.person
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        visit = getattr(request, "visit", None)
        if visit is None:
            return
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in _ENDS:
            end(visit)
        elif request.method not in _READS:
            raise PermissionDenied(
                _("You act as %s, and that is for looking: nothing is changed. Stop acting as them first.")
                % visit.person
            )
        elif request.path.startswith(_CLOSED) or name in _NOT_FOR_STAFF:
            raise PermissionDenied(_("This is for %s alone, and not for who acts as them.") % visit.person)


def open_visit(request: HttpRequest) -> StaffVisit | None:
    """The session's, as long as whoever began it may still do so."""
    if VISIT not in request.session:
        return None
    visit = StaffVisit.objects.open().select_related("person", "staff").filter(pk=request.session[VISIT]).first()
    if visit and visit.staff == request.user and _may_act_as(visit.staff, visit.person):
        return visit
    if visit:
        end(visit)
    del request.session[VISIT]
    return None


def _may_act_as(staff: User, person: User) -> bool:
    return _may_act_as_others(staff) and person.is_active and _is_below(person, staff)


def _may_act_as_others(staff: User) -> bool:
    return staff.is_staff and not staff.is_suspended and staff.has_perm(PERMISSION)


def _is_below(person: User, staff: User) -> bool:
    """Nobody gains rights by it."""
    return staff.is_superuser or not (person.is_staff or person.is_superuser)


def _noted(request: HttpRequest) -> str:
    """The address, without what only the person shall have."""
    token = request.resolver_match.kwargs.get("token", "") if request.resolver_match else ""
    path = request.get_full_path()
    return (path.replace(token, "…") if token else path)[:500]


def _tell(visit: StaffVisit) -> None:
    """A mail that can't be sent is logged: the person's page says the same."""
    try:
        letter(visit.person.email, "account/mail/visit", {"visit": visit}).send()
    except (OSError, SMTPException) as error:
        logger.warning("No mail to %s of a visit: %s", visit.person.email, error)
