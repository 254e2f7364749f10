"""What is asked of a person before any page: whether they may be here at all."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.http import forbidden, is_by_script
from accounts.second_factor import address_of_missing_step

# `/events` is asked each second, and asks itself
_NO_PAGES_OF_STAFF: Final = ("/accounts/logout/", "/static/", "/healthz", "/readyz", "/webhooks/")
_TO_SET_ONE_UP: Final = (
    *("/accounts/2fa/", "/accounts/email/", "/accounts/confirm-email/"),
    *("/accounts/reauthenticate/", "/accounts/oidc/"),
)
_TO_SHOW_IT: Final = ("/accounts/2fa/reauthenticate/", "/accounts/2fa/webauthn/reauthenticate/")


class StaffSecondFactorMiddleware:
    """Behind the one that says who is asking, before the one by which staff act as somebody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/events" or request.path.startswith(_NO_PAGES_OF_STAFF):
            return self.get_response(request)
        address = address_of_missing_step(request)
        if address is None or request.path.startswith(_open_for(address)):
            request.must_set_up_second_factor = address is not None  # type: ignore[attr-defined]
            return self.get_response(request)
        answer = _led_to(address, request)
        add_never_cache_headers(answer)
        return answer


def _open_for(address: str) -> tuple[str, ...]:
    return _TO_SET_ONE_UP if address == reverse("mfa_index") else _TO_SHOW_IT


def _led_to(address: str, request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(address)
    if is_by_script(request):
        return forbidden(request, PermissionDenied(_("Staff need a second factor here. Load the page again.")))
    onward = f"?{urlencode({'next': request.get_full_path()})}" if request.method in {"GET", "HEAD"} else ""
    return redirect(f"{address}{onward}")
