"""Staff act as another user: with a reason, for a short time, logged, and announced to that user by mail.

It is for looking only: nothing is changed or downloaded, neither as that user nor meanwhile as staff. The account's own
pages (password, addresses, second factor, deletion) stay closed.
"""

from datetime import timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.emails import send_email
from accounts.models import Impersonation, User

PERMISSION: Final = "accounts.add_impersonation"
MAX_DURATION: Final = timedelta(minutes=30)
SESSION_KEY: Final = "impersonation"  # of the session: the impersonation's key


class CannotImpersonateError(Exception):
    """This person can't be impersonated; str() says why."""


def begin(staff: User, person: User, reason: str) -> Impersonation:
    """Raises PermissionDenied when `staff` may not, CannotImpersonateError when nobody may act as `person`."""
    if not _may_act_as_others(staff):
        raise PermissionDenied
    if staff == person:
        raise CannotImpersonateError(_("This is you."))
    if not person.is_active:
        raise CannotImpersonateError(_("This account is closed."))
    if not _is_below(person, staff):
        raise CannotImpersonateError(_("Only a superuser acts as somebody of the staff."))
    impersonation = Impersonation.objects.create(
        staff=staff, person=person, reason=reason, until=timezone.now() + MAX_DURATION
    )
    _notify(impersonation)
    return impersonation


def log_access(staff: User, person: User, reason: str, path: str) -> None:
    """That staff look at private work of a person in the course of their duty, without acting as them."""
    now = timezone.now()
    impersonation = Impersonation.objects.create(staff=staff, person=person, reason=reason, until=now, ended_at=now)
    impersonation.requests.create(method="GET", path=path, status_code=200)
    _notify(impersonation)


def end(impersonation: Impersonation) -> None:
    Impersonation.objects.open().filter(pk=impersonation.pk).update(ended_at=timezone.now())


def active_impersonation(request: HttpRequest) -> Impersonation | None:
    """The session's, as long as the one who began it still may."""
    if SESSION_KEY not in request.session:
        return None
    impersonation = (
        Impersonation.objects.open().select_related("person", "staff").filter(pk=request.session[SESSION_KEY]).first()
    )
    if impersonation and impersonation.staff == request.user and _may_act_as(impersonation.staff, impersonation.person):
        return impersonation
    if impersonation:
        end(impersonation)
    del request.session[SESSION_KEY]
    return None


def _may_act_as(staff: User, person: User) -> bool:
    return _may_act_as_others(staff) and person.is_active and _is_below(person, staff)


def _may_act_as_others(staff: User) -> bool:
    return staff.is_staff and not staff.is_suspended and staff.has_perm(PERMISSION)


def _is_below(person: User, staff: User) -> bool:
    """Nobody gains rights by it."""
    return staff.is_superuser or not (person.is_staff or person.is_superuser)


def _notify(impersonation: Impersonation) -> None:
    """By mail; the person's page says the same."""
    send_email(impersonation.person.email, "account/mail/impersonation", {"impersonation": impersonation})
