"""Admin pages: who has which keys, and what was asked for with them. A key is revoked here, and never shown."""

from typing import ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from api.models import ApiRequest, Key
from api.models.key import KeyQuerySet
from generations.admin.read_only import ReadOnly


@admin.register(Key)
class KeyAdmin(ReadOnly, admin.ModelAdmin[Key]):
    """Without the hash, which is nobody's to read."""

    list_display = ("name", "prefix", "user", "team", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("created_at", "last_used_at", "revoked_at")
    list_select_related = ("user", "team")
    search_fields = ("name", "prefix", "team__name", "user__email")
    fields = (
        *("name", "prefix", "user", "team", "scopes", "allowed_networks", "monthly_limit_cents", "result_days"),
        *("created_at", "expires_at", "last_used_at", "revoked_at", "revoked_by"),
    )
    readonly_fields = fields
    actions = ("revoke",)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generations.moderate")

    @admin.action(description=gettext_lazy("Revoke the selected keys"), permissions=["moderate"])
    def revoke(self, request: HttpRequest, keys: KeyQuerySet) -> None:
        assert isinstance(request.user, User)
        number = keys.revoke(request.user)
        messages.success(request, ngettext("%d key was revoked.", "%d keys were revoked.", number) % number)


@admin.register(ApiRequest)
class ApiRequestAdmin(ReadOnly, admin.ModelAdmin[ApiRequest]):
    list_display = ("generation_id", "key", "created_at")
    list_select_related = ("key",)
    search_fields = ("=generation__id", "key__prefix")
    fields: ClassVar = ("generation_id", "key", "idempotency_key", "link", "created_at")
    readonly_fields = fields
    show_full_result_count = False
