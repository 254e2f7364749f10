"""Approve or refuse requests above a team's amount: on the team's page, or from a mailed link."""

import uuid

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.roles import Action
from generations import tasks
from generations.orders import approvals as orders_approvals
from generations.orders.approvals import ApprovalRequest

_LONGEST_NOTE = 500  # characters


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def approvals(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """What waits in the team; a POST decides one: `approval` is its key, `verb` is `approve` or `decline`."""
    access = team_access(request, slug)
    access.require(Action.APPROVE)
    if request.method == "POST":
        found = orders_approvals.find_approval(_key(request))
        if found and found.first.team != access.team:
            raise PermissionDenied
        _decide(request, found, access.user)
        return redirect("team-approvals", slug)
    return render(
        request,
        "teams/approvals.html",
        {"team": access.team, "approvals": orders_approvals.pending_approvals(access.team)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a mail stands for whom it was sent to; it decides once, and later says that it is decided."""
    found = orders_approvals.read_link(token)
    if found is None:
        return render(request, "teams/approval_expired.html", status=410)
    person, approval = found
    if request.method == "POST":
        said = _decide(request, approval, person)
        return render(request, "teams/approval_done.html", {"approval": approval, "said": said})
    return render(request, "teams/approval.html", {"approval": approval, "team": approval.first.team, "person": person})


def _key(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("approval", ""))
    except ValueError:
        raise BadRequest("No such request.") from None


def _decide(request: HttpRequest, approval: ApprovalRequest | None, by: User) -> str:
    """What became of it, in words."""
    verb, note = request.POST.get("verb"), request.POST.get("note", "").strip()[:_LONGEST_NOTE]
    if verb not in {"approve", "decline"}:
        raise BadRequest("No such verb.")
    if approval is None or not orders_approvals.decide(approval, by, note, is_yes=verb == "approve"):
        message = _("It was decided or canceled meanwhile.")
        messages.warning(request, message)
        return message
    tasks.wake()
    message = _("Approved: it is on its way.") if verb == "approve" else _("Declined: nothing is spent.")
    messages.success(request, message)
    return message
