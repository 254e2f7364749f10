"""The page on which a person deletes their account, and reads first what that does."""

from typing import Any

from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from generations import tasks
from generations.pipeline.leaving import leave, leaving
from generations.views.people import PersonRequest, for_people


class PasswordForm(forms.Form):
    """Whoever sits down at an open browser shall not be able to do this."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> None:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError(_("This is not your password."))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_people
def delete_account(request: PersonRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, PasswordForm(request.user), 200)
    if refusal := ratelimit.consume_or_429(request, action="reauthenticate", user=request.user):
        return _as_response(refusal)
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    if not leave(request.user):
        return _page(request, PasswordForm(request.user), 409)
    tasks.wake_cleaner()
    logout(request)
    messages.success(request, _("Your account is deleted."))
    return redirect("gallery")


def _page(request: PersonRequest, form: PasswordForm, status: int) -> HttpResponse:
    context = {"form": form, "leaving": leaving(request.user)}
    return render(request, "account/delete.html", context, status=status)


def _as_response(answer: Any) -> HttpResponse:
    """allauth is untyped."""
    assert isinstance(answer, HttpResponse)
    return answer
