"""The admin has no sign-in of its own: staff sign in, and change their password, on the same pages as everybody."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLResolver, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from rq.exceptions import NoSuchJobError

from accounts.http import safe_redirect_path
from config.parameters import whole_number

_QUEUES: Final = "django_rq/"  # shows and removes jobs of everybody, and asks for no permission but to be staff
# how these pages say that there is no such job, worker, queue or scheduler
_NOTHING_THERE: Final = (NoSuchJobError, LookupError, ValueError, AssertionError, ImproperlyConfigured)
_QUEUES_TABLE: Final = "django_rq_dashboard_"  # pages of rows; there is no such table

View = Callable[..., HttpResponseBase]


class StudioAdminSite(admin.AdminSite):
    """Django's own sign-in takes a password alone, also from a user who is signed in already; this one takes none."""

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """To the studio's sign-in and back. Raises PermissionDenied for signed-in users who are not staff."""
        address = safe_redirect_path(request, request.GET.get(REDIRECT_FIELD_NAME, ""), reverse("admin:index"))
        if self.has_permission(request):
            return redirect(address)
        if request.user.is_authenticated:
            raise PermissionDenied(_("The administration is for staff only."))
        return redirect_to_login(address)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("admin:index")

    def get_urls(self) -> list[Any]:
        patterns = super().get_urls()
        for pattern in patterns:
            if getattr(pattern, "name", None) == "view_on_site":
                pattern.callback = self.admin_view(self._view_on_site)
            if isinstance(pattern, URLResolver) and str(pattern.pattern).startswith(_QUEUES):
                pattern.url_patterns[:] = [
                    _restrict_to_superusers(one) for one in pattern.url_patterns if _has_page(one)
                ]
        return patterns

    def _view_on_site(self, request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponseBase:
        """Only of what has a page here: Django's own looks into any table, also into one that does not exist."""
        model = ContentType.objects.get_for_id(int(content_type_id)).model_class() if _is_id(content_type_id) else None
        if model is None or model not in self._registry or not hasattr(model, "get_absolute_url"):
            raise Http404
        return shortcut(request, content_type_id, object_id)


def _is_id(text: str) -> bool:
    pk = whole_number(text)
    return pk is not None and ContentType.objects.filter(pk=pk).exists()


def _has_page(pattern: Any) -> bool:
    name = pattern.name or _QUEUES_TABLE
    return name == f"{_QUEUES_TABLE}changelist" or not name.startswith(_QUEUES_TABLE)


def _restrict_to_superusers(pattern: Any) -> Any:
    pattern.callback = _superuser_required(pattern.callback)
    return pattern


def _superuser_required(view: View) -> View:
    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not request.user.is_superuser:
            raise PermissionDenied(_("The queues are for superusers only."))
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        try:
            return view(request, *args, **kwargs)
        except _NOTHING_THERE as error:
            raise Http404 from error

    return wrapper
