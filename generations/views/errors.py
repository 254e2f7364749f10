"""Error pages for requests that are refused before a view answers. They say what was too much."""

from typing import Final

from django.contrib import messages
from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.http import ask_to_sign_in
from generations.views import drafts
from generations.views.bulk import TooManySelectedError

_CSRF_FIELD: Final = "csrfmiddlewaretoken"
_SELECT_FEWER: Final = _("You selected more than 500 videos. Nothing was done: go back and select at most 500 at once.")
_MESSAGES: Final[tuple[tuple[type[Exception], int, str | Promise], ...]] = (
    (
        RequestDataTooBig,
        413,
        _("The texts of the form are larger than the studio takes at once. Go back, and shorten them."),
    ),
    (
        TooManyFieldsSent,
        413,
        _("That was more than the studio takes at once. If you have selected videos, select at most 500 and go on."),
    ),
    (TooManySelectedError, 400, _SELECT_FEWER),
    (TooManyFilesSent, 413, _("Those were more files than the studio takes at once. Go back and choose fewer.")),
    (
        MultiPartParserError,
        400,
        _("What your browser sent has not arrived whole. Look at your connection, go back, and send it again."),
    ),
    (
        DisallowedHost,
        400,
        _("The studio does not answer under this name. Whoever runs it can add the name to ALLOWED_HOSTS."),
    ),
)


def bad_request(_request: HttpRequest, exception: Exception) -> HttpResponse:
    """Without the request's context: whatever is wrong with it may be in the way there, too."""
    found = ((status, message) for kind, status, message in _MESSAGES if isinstance(exception, kind))
    status, message = next(found, (400, ""))
    return HttpResponse(render_to_string("400.html", {"words": message, "code": status}), status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What was typed is not lost with a token that is out of date.

    The composer's is kept as a draft. Another form of our own is shown again, to be sent with a new token: that it
    comes from here the browser says in a header that no page can forge.
    """
    if request.path == reverse("new-generation") and (answer := drafts.save_unsent(request)):
        return answer
    if (typed_by := request.POST.get("typed_by")) and typed_by != str(request.user.pk):
        return _typed_by_another(request)
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin"
    is_secret = any("password" in name for name in request.POST)
    fields = [(name, value) for name, values in request.POST.lists() for value in values if name != _CSRF_FIELD]
    if request.user.is_authenticated and is_ours and fields and not (is_secret or request.FILES):
        return render(request, "confirm_resubmission.html", {"fields": fields}, status=403)
    return render(request, "403_csrf.html", status=403)


def _typed_by_another(request: HttpRequest) -> HttpResponse:
    """Who is here now sees none of it: in its tab it waits for the person who typed it."""
    if not request.user.is_authenticated:
        return ask_to_sign_in(request)
    message = _(
        "That page was another account’s. Nothing was sent; what was typed there waits in this tab for that person."
    )
    messages.error(request, message)
    return redirect("gallery")
