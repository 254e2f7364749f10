"""The sessions of the current user, to be ended one by one or all others at once."""

from allauth.usersessions.internal.flows.sessions import end_other_sessions, end_sessions
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.sessions import open_sessions
from accounts.user_agents import browser_name


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sessions(request: AuthenticatedHttpRequest) -> HttpResponse:
    """In place of allauth's, which asks the database three times for each session."""
    if request.method == "POST":
        end_other_sessions(request, request.user)
        messages.info(request, _("All other sessions are signed out."))
        return redirect("usersessions_list")
    return render(request, "usersessions/usersession_list.html", {"sessions": open_sessions(request.user)})


@require_POST
@login_required
def end(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Its next request is a stranger's. Ending the session that asks signs out."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    end_sessions(request, [session])
    messages.success(request, _("%s is signed out.") % browser_name(session.user_agent))
    return redirect("usersessions_list")
