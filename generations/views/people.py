"""Who is asking: requests of signed-in people, and the one way to fetch a generation for them."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit, urlunsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from accounts.http import own_address
from accounts.models import Team, User
from accounts.roles import Action
from generations.models import Favourite, Generation

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def for_people(
    view: Callable[Concatenate[PersonRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """The view is for signed-in people; others are sent to sign in first."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        assert isinstance(request.user, User)
        request.META["REMOTE_USER"] = str(request.user.pk)  # CGI's name: by it the server counts a person's transfers
        return view(request, *args, **kwargs)  # type: ignore[arg-type]  # asserted above

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return wrapper(request, *args, **kwargs) if request.user.is_authenticated else ask_to_sign_in(request)

    return cast("Callable[Concatenate[HttpRequest, P], HttpResponseBase]", guarded)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """On to the sign-in, and from there to the page on which the person was: most buttons' addresses are no pages."""
    if "typed_by" in request.POST:
        messages.info(request, _("You were signed out, so nothing was sent yet. What you typed is kept in this tab."))
    came_from = urlsplit(request.headers.get("Referer", ""))
    is_button = request.method == "POST" and came_from.netloc == request.get_host()
    page = urlunsplit(("", "", came_from.path, came_from.query, "")) if is_button else request.get_full_path()
    return redirect_to_login(page)


def visible_generation(request: PersonRequest, pk: uuid.UUID) -> Generation:
    """The generation, or 404 for whoever may not know that it exists."""
    rows = Generation.objects.visible_to(request.user).select_related("user", "team", "video")
    return get_object_or_404(rows.annotate(is_favourite=Favourite.objects.marks(request.user)), pk=pk)


def allowed_generation(request: PersonRequest, pk: uuid.UUID, action: Action) -> Generation:
    """The generation, or 403 for whoever may see it but whose role in its team does not allow the action."""
    generation = visible_generation(request, pk)
    if not may(request.user, action, generation):
        raise PermissionDenied
    return generation


def may(user: User, action: Action, generation: Generation) -> bool:
    return Team.objects.where_may(user, action).filter(pk=generation.team_id).exists()


def onward(request: HttpRequest, address: str) -> HttpResponse:
    """To where the form says that it came from, else to `address`; htmx is told to take the whole page there."""
    address = own_address(request, request.POST.get("next", ""), address)
    is_htmx = request.headers.get("HX-Request") == "true"
    return HttpResponseClientRedirect(address) if is_htmx else redirect(address)
