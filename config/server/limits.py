"""Limits of request bodies: for anybody, for signed-in users, and for the URLs that take files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., Any])

SMALL_BYTES: Final = 64 * 1024  # of these anybody may send one, to any address; they stay in memory
FORM_BYTES: Final = 1024 * 1024  # an ordinary form of somebody who is signed in
PICTURE_BYTES: Final = 12 * 1024**2  # one picture at its limit, so that the form itself can say that it is too large
PICTURES_BYTES: Final = 25 * 1024**2  # the composer's two


def is_signed_in(request: HttpRequest) -> bool:
    """Whether the session's cookie is somebody's; leaves `request.user` behind."""
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    request.user = get_user(request)
    return request.user.is_authenticated


def is_anybody(_: HttpRequest) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class BodyRule:
    """At most `max_bytes`; beyond SMALL_BYTES only when `allows`, which sees the head alone, says so."""

    max_bytes: int
    allows: Callable[[HttpRequest], bool]


FORM: Final = BodyRule(FORM_BYTES, is_signed_in)


def body_limit(max_bytes: int, allows: Callable[[HttpRequest], bool] = is_signed_in) -> Callable[[View], View]:
    """The view's body may have `max_bytes`; what is larger is refused before Django sees it."""

    def mark(view: View) -> View:
        view.body_rule = BodyRule(max_bytes, allows)  # type: ignore[attr-defined]  # wrappers keep it, by functools.wraps
        return view

    return mark


def rule_for(path: str) -> BodyRule:
    """The rule of the view at this address."""
    try:
        rule: BodyRule = getattr(resolve(path).func, "body_rule", FORM)
    except Resolver404:
        return FORM
    return rule
