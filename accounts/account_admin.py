"""Admin pages for credentials: addresses, second factors, sessions, OpenID accounts, groups.

Anyone who changes these can become another person, and anyone who can filter by a secret can guess it letter by letter.
So only superusers see these pages, and no secret is shown to them either.
"""

from typing import Any, ClassVar

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin as AllauthAuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.socialaccount.admin import SocialAccountAdmin as AllauthSocialAccountAdmin
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSessionAdmin as AllauthUserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

# allauth has registered them when its own modules were imported, above; OpenID's apps stand in the environment
admin.site.unregister([Authenticator, EmailAddress, Group, SocialAccount, SocialApp, SocialToken, UserSession])


class SuperuserChangeAdmin(admin.ModelAdmin[Any]):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if is_superuser(request) else {}


class SuperuserOnlyAdmin(SuperuserChangeAdmin):
    """They may look, and end one; nobody makes one here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)


def is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


@admin.register(Group)
class GroupAdmin(SuperuserChangeAdmin, DjangoGroupAdmin):
    pass


@admin.register(EmailAddress)
class EmailAddressAdmin(SuperuserChangeAdmin, AllauthEmailAddressAdmin):  # type: ignore[misc]  # allauth is untyped
    pass


@admin.register(Authenticator)
class AuthenticatorAdmin(SuperuserOnlyAdmin, AllauthAuthenticatorAdmin):  # type: ignore[misc]  # allauth is untyped
    """To delete the factor that somebody has lost."""

    exclude = ("data",)
    search_fields = ("user__email",)


@admin.register(SocialAccount)
class SocialAccountAdmin(SuperuserOnlyAdmin, AllauthSocialAccountAdmin):  # type: ignore[misc]  # allauth is untyped
    exclude = ("extra_data",)


@admin.register(UserSession)
class UserSessionAdmin(SuperuserOnlyAdmin, AllauthUserSessionAdmin):  # type: ignore[misc]  # allauth is untyped
    exclude = ("data",)
    search_fields: ClassVar = ["user__email", "user_agent"]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """By what is no address, Django's own column of addresses can't be filtered."""
        return not lookup.startswith("ip") and bool(super().lookup_allowed(lookup, value, request))

    def delete_model(self, request: HttpRequest, obj: UserSession) -> None:
        obj.end()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for session in queryset:
            session.end()
