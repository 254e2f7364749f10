"""Middleware: stops suspended users, staff without a second factor, and requests that impersonation does not allow.

It also notes when a session was last used.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.http import is_script_request
from accounts.impersonation import active_impersonation, end
from accounts.models import Impersonation, User
from accounts.second_factor import missing_step_url
from accounts.sessions import record_activity
from accounts.views.errors import forbidden

# `/events` is asked each second, and asks itself
_EXEMPT_PATHS: Final = (
    *("/accounts/logout/", "/static/", "/favicon.ico"),
    *("/healthz", "/readyz", "/metrics", "/webhooks/", "/share/"),
)
_SETUP_PATHS: Final = (
    *("/accounts/2fa/", "/accounts/email/", "/accounts/confirm-email/"),
    *("/accounts/reauthenticate/", "/accounts/oidc/"),
)
_REAUTHENTICATION_PATHS: Final = ("/accounts/2fa/reauthenticate/", "/accounts/2fa/webauthn/reauthenticate/")

# of impersonation
_STAFF_PATHS: Final = ("/admin/", "/impersonation/", "/accounts/logout/")
_ACCOUNT_PATHS: Final = ("/accounts/",)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# by name, all that may be posted: each of them ends it
_ENDING_VIEWS: Final = frozenset({"impersonation-stop", "account_logout", "admin:logout"})
# GETs that take copies along, or that stand for the person whom a link was sent to
_PERSONAL_VIEWS: Final = frozenset(
    {
        *("generation-download", "film-download", "film-timeline", "team-usage-csv", "import-results"),
        *("approval-by-mail", "invitation-link"),
    }
)
_UNLOGGED: Final = ("/events/", "/static/")  # what a page asks for by itself, each second


class StaffSecondFactorMiddleware:
    """Behind the one that says who is asking, before the one by which staff act as somebody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/events" or request.path.startswith(_EXEMPT_PATHS):
            return self.get_response(request)
        address = missing_step_url(request)
        if address is None or request.path.startswith(_allowed_paths(address)):
            request.must_set_up_second_factor = address is not None  # type: ignore[attr-defined]
            return self.get_response(request)
        return _redirect_to(address, request)


def _allowed_paths(address: str) -> tuple[str, ...]:
    return _SETUP_PATHS if address == reverse("mfa_index") else _REAUTHENTICATION_PATHS


def _redirect_to(address: str, request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(address)
    if is_script_request(request):
        return forbidden(request, PermissionDenied(_("Staff need two-factor authentication here. Reload the page.")))
    query = f"?{urlencode({'next': request.get_full_path()})}" if request.method in {"GET", "HEAD"} else ""
    return redirect(f"{address}{query}")


class SuspensionMiddleware:
    """Behind the one that says who is asking; before any view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/events" or request.path.startswith(_EXEMPT_PATHS):
            return self.get_response(request)
        user = request.user
        if not (isinstance(user, User) and user.is_suspended):
            return self.get_response(request)
        return render(request, "account/suspended.html", {"person": user}, status=403)


class SessionActivityMiddleware:
    """Behind the one that says who is asking, before the one by which staff act as somebody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path != "/events" and request.session.session_key and request.user.is_authenticated:
            record_activity(request)
        return self.get_response(request)


class ImpersonationMiddleware:
    """`request.user` is the impersonated person while an impersonation is open, and `request.impersonation` says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/events":
            return self.get_response(request)
        impersonation = active_impersonation(request)
        if impersonation is None:
            return self.get_response(request)
        request.impersonation = impersonation  # type: ignore[attr-defined]
        if request.path.startswith(_STAFF_PATHS):
            return self.get_response(request)
        answer = self._get_response_as(request, impersonation)
        if not request.path.startswith(_UNLOGGED):
            path = _logged_path(request)
            impersonation.requests.create(method=request.method or "", path=path, status_code=answer.status_code)
        return answer

    def _get_response_as(self, request: HttpRequest, impersonation: Impersonation) -> HttpResponse:
        request.user = impersonation.person
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        impersonation = getattr(request, "impersonation", None)
        if impersonation is None:
            return
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in _ENDING_VIEWS:
            end(impersonation)
        elif request.method not in _SAFE_METHODS:
            raise PermissionDenied(
                _("You act as %s, and that is for looking: nothing is changed. Stop acting as them first.")
                % impersonation.person
            )
        elif request.path.startswith(_ACCOUNT_PATHS) or name in _PERSONAL_VIEWS:
            raise PermissionDenied(_("This is for %s alone, and not for who acts as them.") % impersonation.person)


def _logged_path(request: HttpRequest) -> str:
    """The address, without what only the person shall have."""
    token = request.resolver_match.kwargs.get("token", "") if request.resolver_match else ""
    path = request.get_full_path()
    return (path.replace(token, "…") if token else path)[:500]
