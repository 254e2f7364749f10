"""Stricter versions of allauth's views for credentials."""

from typing import Any

from allauth.account.internal.flows.reauthentication import resume_request
from allauth.account.views import BaseReauthenticateView, password_set
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import remove_webauthn as allauths_remove_webauthn
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from requests import RequestException

from accounts import reauthentication
from accounts.http import login_required


class OpenIDReauthenticateView(BaseReauthenticateView):  # type: ignore[misc]  # allauth is untyped
    """To the provider and back, and then on with what the person wanted to do."""

    form_class = forms.Form
    template_name = "account/reauthenticate_openid.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if reauthentication.is_recent(request):
            return resume_request(request) or HttpResponseRedirect(self.get_success_url())
        page: HttpResponseBase = super().get(request, *args, **kwargs)
        return page

    def form_valid(self, form: forms.Form) -> HttpResponse:
        back = f"{self.request.path}?{urlencode({'next': self.get_success_url()})}"
        try:
            answer: HttpResponse = reauthentication.ask_provider(self.request, back)
        except RequestException:
            messages.error(self.request, _("The provider can’t be reached. Try again in a few minutes."))
            return redirect(back)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        name = reauthentication.provider_name(self.request.user)
        return {**super().get_context_data(**kwargs), "provider_name": name}


reauthenticate_by_openid = login_required(OpenIDReauthenticateView.as_view())
# with a password anyone who found an open browser could pass every later question
set_password = login_required(reauthentication.reauthentication_required(password_set))


@login_required
@reauthentication.reauthentication_required
def remove_webauthn(request: HttpRequest, pk: int) -> HttpResponseBase:
    """allauth asks its adapter before it removes an authenticator app, and not before it removes a key."""
    found = get_object_or_404(Authenticator, pk=pk, user=request.user, type=Authenticator.Type.WEBAUTHN)
    adapter = get_adapter()
    if not adapter.can_delete_authenticator(found):
        messages.error(request, adapter.error_messages["cannot_delete_authenticator"])
        return redirect("mfa_list_webauthn")
    answer: HttpResponseBase = allauths_remove_webauthn(request, pk=pk)
    return answer
