"""Error responses: a page for browsers, plain text for scripts."""

from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.access import SecondFactorNeededError
from accounts.http import is_script_request

_ROLE_MESSAGE: Final = _("Your role in the team does not allow it. Ask an owner or admin of the team.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A 403 with the exception's message; without one it is the role that does not allow it."""
    message = str(exception) or str(_ROLE_MESSAGE)
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(message, status=403, content_type="text/plain; charset=utf-8")
    if is_script_request(request):
        return JsonResponse({"errors": [message]}, status=403)
    context = {"words": message, "needs_factor": isinstance(exception, SecondFactorNeededError)}
    return render(request, "403.html", context, status=403)
