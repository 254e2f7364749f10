"""How a refusal is said, as a page or in plain words to a script; and where a request may lead onward."""

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.views.asking import SecondFactorNeededError

_ROLE: Final = _("Your role in the team does not allow it. Ask an owner or admin of the team.")


def own_address(request: HttpRequest, named: str, default: str) -> str:
    """`named` where it is a path of this site, else `default`."""
    own = {request.get_host()}
    is_own = url_has_allowed_host_and_scheme(named, allowed_hosts=own, require_https=request.is_secure())
    return named if is_own and named.startswith("/") else default


def is_by_script(request: HttpRequest) -> bool:
    """Whether htmx or another script asks, which shows no page. Browsers ask for a page as text/html."""
    is_page = "text/html" in request.headers.get("Accept", "text/html")
    return request.headers.get("HX-Request") == "true" or not is_page


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A 403 with the exception's words; without any it is the role that does not allow it."""
    words = str(exception) or str(_ROLE)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(words, status=403, content_type="text/plain; charset=utf-8")
    if is_by_script(request):
        return JsonResponse({"errors": [words]}, status=403)
    context = {"words": words, "needs_factor": isinstance(exception, SecondFactorNeededError)}
    return render(request, "403.html", context, status=403)
