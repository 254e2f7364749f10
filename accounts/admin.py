"""Admin pages for users and teams."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from accounts import impersonation
from accounts.account_admin import is_superuser
from accounts.models import ImpersonatedRequest, Impersonation, Membership, Team, User
from accounts.sessions import change_key

_SUPERUSER_FIELDS: Final = ("email", "is_staff", "is_superuser", "groups", "user_permissions")


class ImpersonationForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=_("What you want to find out or put right, e.g. the ticket that they opened. They read it."),
    )


class MembershipInline(admin.TabularInline[Membership, Team]):
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Anyone who could change rights, or the address that a new password is sent to, could become anybody."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else (*fields, *_SUPERUSER_FIELDS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        is_theirs = obj is None or not obj.is_staff or is_superuser(request)
        return is_theirs and super().has_change_permission(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        if not is_superuser(request):
            raise PermissionDenied(_("Passwords are set by the people themselves, or by a superuser."))
        return super().user_change_password(request, id, form_url)

    def get_urls(self) -> list[URLPattern]:
        impersonate = path(
            "<int:pk>/impersonate/", self.admin_site.admin_view(self.impersonate), name="accounts_user_impersonate"
        )
        return [impersonate, *super().get_urls()]

    def impersonate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Act as a person, for a reason that they read."""
        if not request.user.has_perm(impersonation.PERMISSION):
            raise PermissionDenied
        assert isinstance(request.user, User)
        person = get_object_or_404(User, pk=pk)
        form = ImpersonationForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                begun = impersonation.begin(request.user, person, form.cleaned_data["reason"])
            except impersonation.CannotImpersonateError as error:
                form.add_error("reason", str(error))
            else:
                change_key(request)  # a tab of before knows the staff's own work
                request.session[impersonation.SESSION_KEY] = begun.pk
                return redirect("gallery")
        context = self.admin_site.each_context(request) | {"title": _("Act as %s") % person}
        status = 422 if form.is_bound else 200
        return render(
            request, "admin/accounts/user/impersonate.html", context | {"person": person, "form": form}, status=status
        )

    def save_model(self, request: HttpRequest, obj: User, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            Team.objects.create_personal(obj)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ("name", "slug", "personal_of", "monthly_limit_cents", "created_at")
    list_select_related = ("personal_of",)
    list_filter = (("personal_of", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("name", "slug", "members__email")
    readonly_fields = ("id", "personal_of", "created_at")
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    list_display = ("user", "team", "role", "monthly_limit_cents", "created_at")
    list_select_related = ("user", "team")
    list_filter = ("role", "created_at")
    search_fields = ("user__email", "team__name", "team__slug")
    autocomplete_fields = ("user", "team")


class ImpersonatedRequestInline(admin.TabularInline[ImpersonatedRequest, Impersonation]):
    model = ImpersonatedRequest
    fields = readonly_fields = ("at", "method", "path", "status_code")
    extra = max_num = 0
    can_delete = False


@admin.register(Impersonation)
class ImpersonationAdmin(admin.ModelAdmin[Impersonation]):
    """To read: an impersonation begins on the page of the person."""

    list_display = ("began_at", "staff", "person", "reason", "ended_at")
    list_select_related = ("staff", "person")
    list_filter = ("began_at",)
    search_fields = ("staff__email", "person__email", "reason")
    date_hierarchy = "began_at"
    inlines = (ImpersonatedRequestInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Impersonation | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Impersonation | None = None) -> bool:
        return False
