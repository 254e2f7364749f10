"""The page on which a user deletes their account, which first says what that does."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.reauthentication import reauthentication_required
from generations import tasks
from generations.flows.delete_account import delete_account, plan_account_deletion


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required
def account_deletion(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Somebody at an open browser must not be able to do this, so it asks first who they are."""
    if request.method != "POST" or not delete_account(request.user):
        context = {"plan": plan_account_deletion(request.user)}
        return render(request, "account/delete.html", context, status=409 if request.method == "POST" else 200)
    tasks.wake_cleaner()
    logout(request)
    messages.success(request, _("Your account was deleted."))
    return redirect("gallery")
