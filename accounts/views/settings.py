"""A user's own settings, besides allauth's pages."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import NotificationsForm, SettingsForm
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.notification_kinds import Channel


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def notices(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What the person is told of, and how."""
    assert isinstance(request.user, User)
    form = NotificationsForm(request.user, request.POST if request.method == "POST" else None)
    if not form.is_valid():  # switches alone: nothing can be wrong with them
        return render(request, "account/notices.html", {"form": form, "channels": Channel.choices})
    form.save()
    messages.success(request, _("Saved."))
    return redirect("account-notices")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A user's name, and how the studio looks to them."""
    assert isinstance(request.user, User)
    person = User.objects.get(pk=request.user.pk)  # a form writes on its instance even when it refuses
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=person)
    if not form.is_valid():
        return render(request, "account/settings.html", {"form": form}, status=422 if form.is_bound else 200)
    User.objects.filter(pk=person.pk).update(**form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("account-settings")
