"""What a person sets for themselves, besides what allauth's pages are for."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.forms import NoticesForm
from accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    """Who is told of finished videos, and how: by mail, in the browser, or not at all."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        return render(request, "account/notices.html", {"form": NoticesForm(instance=request.user)})
    NoticesForm(request.POST, instance=request.user).save()  # two switches: nothing can be wrong with them
    messages.success(request, _("Saved."))
    return redirect("account_notices")
