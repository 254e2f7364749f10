"""A suspended person is shut out of every page, and reads why, until when, and whom to ask."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from accounts.models import User

# `/events` is asked each second, and asks itself
_STILL_OPEN: Final = ("/accounts/logout/", "/static/", "/healthz", "/readyz", "/webhooks/")


class SuspensionMiddleware:
    """Behind the one that says who is asking; before any view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/events" or request.path.startswith(_STILL_OPEN):
            return self.get_response(request)
        user = request.user
        if not (isinstance(user, User) and user.is_suspended):
            return self.get_response(request)
        answer = render(request, "account/suspended.html", {"person": user}, status=403)
        add_never_cache_headers(answer)
        return answer
