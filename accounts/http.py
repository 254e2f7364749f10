"""Typed requests of signed-in users, and redirects that stay on this site."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit, urlunsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from accounts.rights import Rights

P = ParamSpec("P")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AuthenticatedHttpRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def login_required(
    view: Callable[Concatenate[AuthenticatedHttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Django's, typed: the view is for signed-in people; others are sent to sign in first."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        assert isinstance(request.user, User)
        if request.method in _SAFE_METHODS:
            request.user.rights = Rights(request.user)
        request.META["REMOTE_USER"] = str(request.user.pk)  # CGI's name: by it the server counts a person's transfers
        return view(request, *args, **kwargs)  # type: ignore[arg-type]  # asserted above

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", wrapper)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """On to the sign-in, and from there to the page on which the person was: most buttons' addresses are no pages."""
    if "typed_by" in request.POST:
        messages.info(request, _("You were signed out, so nothing was sent yet. What you typed is kept in this tab."))
    came_from = urlsplit(request.headers.get("Referer", ""))
    is_button = request.method == "POST" and came_from.netloc == request.get_host()
    page = urlunsplit(("", "", came_from.path, came_from.query, "")) if is_button else request.get_full_path()
    return redirect_to_login(page)


def safe_redirect_path(request: HttpRequest, named: str, default: str) -> str:
    """`named` where it is a path of this site, else `default`."""
    own = {request.get_host()}
    is_own = url_has_allowed_host_and_scheme(named, allowed_hosts=own, require_https=request.is_secure())
    return named if is_own and named.startswith("/") else default


def redirect_back(request: HttpRequest, address: str) -> HttpResponse:
    """To where the form says that it came from, else to `address`; htmx is told to take the whole page there."""
    address = safe_redirect_path(request, request.POST.get("next", ""), address)
    is_htmx = request.headers.get("HX-Request") == "true"
    return HttpResponseClientRedirect(address) if is_htmx else redirect(address)


def is_script_request(request: HttpRequest) -> bool:
    """Whether htmx or another script asks, which shows no page. Browsers ask for a page as text/html."""
    is_page = "text/html" in request.headers.get("Accept", "text/html")
    return request.headers.get("HX-Request") == "true" or not is_page
