"""The list of staff who have acted as the current user, and the end of an impersonation."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.impersonation import SESSION_KEY
from accounts.sessions import change_key


@require_POST
@login_required
def stop(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Back to the admin's page of the person."""
    impersonation = getattr(request, "impersonation", None)
    request.session.pop(SESSION_KEY, None)
    change_key(request)
    if impersonation is None:
        return redirect("gallery")
    return redirect("admin:accounts_user_change", impersonation.person_id)


@require_safe
@login_required
def impersonations(request: AuthenticatedHttpRequest) -> HttpResponse:
    own = request.user.impersonations.select_related("staff").prefetch_related("requests")
    return render(request, "account/impersonations.html", {"impersonations": own[:100]})
