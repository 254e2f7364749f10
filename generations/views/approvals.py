"""Requests above a team's amount: the page on which an admin says yes or no, and the one that a mail leads to."""

import uuid

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.roles import Action
from accounts.views.asking import asked
from generations import tasks
from generations.pipeline import approving
from generations.pipeline.approving import Ask
from generations.views.people import PersonRequest, for_people

_LONGEST_NOTE = 500  # characters


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people
def approvals(request: PersonRequest, slug: str) -> HttpResponse:
    """What waits in the team; a POST decides one: `ask` is its key, `verb` is `approve` or `decline`."""
    here = asked(request, slug)
    here.demand(Action.APPROVE)
    if request.method == "POST":
        found = approving.ask_of(_key(request))
        if found and found.first.team != here.team:
            raise PermissionDenied
        _say(request, found, here.user)
        return redirect("team-approvals", slug)
    return render(request, "teams/approvals.html", {"team": here.team, "asks": approving.asks(here.team)})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The link in a mail stands for whom it was sent to; it decides once, and later says that it is decided."""
    found = approving.read_link(token)
    if found is None:
        return render(request, "teams/approval_gone.html", status=410)
    person, ask = found
    if request.method == "POST":
        said = _say(request, ask, person)
        return render(request, "teams/approval_said.html", {"ask": ask, "said": said})
    return render(request, "teams/approval.html", {"ask": ask, "team": ask.first.team, "person": person})


def _key(request: HttpRequest) -> uuid.UUID:
    try:
        return uuid.UUID(request.POST.get("ask", ""))
    except ValueError:
        raise BadRequest("No such request.") from None


def _say(request: HttpRequest, ask: Ask | None, by: User) -> str:
    """What became of it, in words."""
    verb, note = request.POST.get("verb"), request.POST.get("note", "").strip()[:_LONGEST_NOTE]
    if verb not in {"approve", "decline"}:
        raise BadRequest("No such verb.")
    if ask is None or not approving.decide(ask, by, note, is_yes=verb == "approve"):
        words = _("It was decided or canceled meanwhile.")
        messages.warning(request, words)
        return words
    tasks.wake()
    words = _("Approved: it is on its way.") if verb == "approve" else _("Declined: nothing is spent.")
    messages.success(request, words)
    return words
