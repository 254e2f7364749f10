"""The page on which the API is tried."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def try_it(request: HttpRequest) -> HttpResponse:
    """Swagger UI, from the studio's own static files. It reads no session: whoever tries it brings a key."""
    return render(request, "api/docs.html")
