"""What the public views of a share link have in common: who may, and what those get who may not."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from sharing.access import LinkClosedError, LinkEndedError, NotAllowedError, OpenLink, open_link
from sharing.models import ShareLink

P = ParamSpec("P")
_OPEN_FETCHES: Final = frozenset({"", "same-origin", "none"})


def public(
    view: Callable[Concatenate[HttpRequest, str, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]:
    """A view of the token's address: who may not open the link gets the answer that says so; nobody lists the page."""

    @wraps(view)
    def wrapper(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            response = view(request, token, *args, **kwargs)
        except LinkClosedError as error:
            response = closed_page(request, error.link, token)
        except LinkEndedError:
            response = _end_page(request, 410)
        except Http404:
            response = _end_page(request, 404)
        except NotAllowedError as error:
            response = _text(f"{error}\n", 403)
        return mark_unlisted(response)

    return cast("Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]", wrapper)


def with_link(
    view: Callable[Concatenate[HttpRequest, OpenLink, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]:
    """A public view that gets what the token opens."""

    @wraps(view)
    def wrapper(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, open_link(request, token), *args, **kwargs)

    return public(cast("Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]", wrapper))


def public_post(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """A POST of somebody without a session, and so without Django's CSRF cookie: it has to come from this site.

    Browsers say where a POST comes from. What says nothing is no browser, and acts for nobody else.
    """

    @csrf_exempt
    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request = args[0]
        assert isinstance(request, HttpRequest)
        if request.method == "POST" and not _comes_from_here(request):
            return _text("This form is sent from its own page.\n", 403)
        return view(*args, **kwargs)

    return wrapper


def _comes_from_here(request: HttpRequest) -> bool:
    if request.headers.get("Sec-Fetch-Site", "") not in _OPEN_FETCHES:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"{request.scheme}://{request.get_host()}"


def mark_unlisted(response: HttpResponseBase) -> HttpResponseBase:
    """Neither search engines nor models are to have it."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive, noai, noimageai"
    return response


def closed_page(request: HttpRequest, link: ShareLink, token: str, problem: str = "") -> HttpResponse:
    """The form that opens the link, and leads on to what was asked for. It says nothing of what is behind it."""
    status = 422 if problem else 403
    if not wants_page(request):
        return _text("Open the link in a browser first.\n", status)
    asked = request.POST.get("next", "") if request.method == "POST" else request.path
    return render(
        request,
        "share/closed.html",
        {"link": link, "token": token, "problem": problem, "next": asked},
        status=status,
    )


def _end_page(request: HttpRequest, status: int) -> HttpResponse:
    """410 for what has ended, 404 for what never was: for people who may have no account, and so no gallery."""
    if not wants_page(request):
        return _text("This link has ended.\n" if status == 410 else "There is nothing here.\n", status)
    return render(request, "share/ended.html", {"has_ended": status == 410}, status=status)


def wants_page(request: HttpRequest) -> bool:
    """Whether a person looks at the answer; players, pictures and scripts ask for something else."""
    return "text/html" in request.headers.get("Accept", "text/html")


def _text(words: str, status: int) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")


def client_address(request: HttpRequest) -> str:
    """The IP address that counts for limits: the visitor's, behind as many proxies as TRUSTED_PROXIES says."""
    try:
        return str(get_adapter().get_client_ip(request))
    except (ImproperlyConfigured, PermissionDenied):  # of a proxy that was not announced
        return str(request.META.get("REMOTE_ADDR", ""))
