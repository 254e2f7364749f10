"""Share links in the admin: looked at, and revoked. What they show is decided by what people may see."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from generations.admin.read_only import ReadOnly
from sharing.models import ShareLink


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnly, admin.ModelAdmin[ShareLink]):
    """Who shared what with whom's link."""

    list_display = ("name", "team", "made_by", "made_at", "expires_at", "revoked_at", "views", "last_seen_at")
    list_filter = ("made_at", "revoked_at")
    list_select_related = ("team", "made_by")
    search_fields = ("name", "team__name", "made_by__email")
    fields = (
        *("name", "team", "made_by", "made_at", "expires_at", "follows_collection", "collection", "videos_of"),
        *("has_password", "max_views", "allows_download", "allows_comments", "approved_at", "approved_by"),
        *("revoked_at", "revoked_by", "views", "last_seen_at"),
    )
    readonly_fields = fields
    actions = ("revoke",)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generations.moderate")

    @admin.display(description=gettext_lazy("videos"))
    def videos_of(self, link: ShareLink) -> str:
        """Their ids: what private ones say is not for staff to read by the way."""
        return ", ".join(str(one) for one in link.videos.values_list("generation", flat=True))

    @admin.display(description=gettext_lazy("password"), boolean=True)
    def has_password(self, link: ShareLink) -> bool:
        return bool(link.password)

    @admin.action(description=gettext_lazy("Revoke the selected links"), permissions=["moderate"])
    def revoke(self, request: HttpRequest, rows: "QuerySet[ShareLink]") -> None:
        assert isinstance(request.user, User)
        count = ShareLink.objects.filter(pk__in=rows.values("pk")).revoke(request.user)
        messages.success(request, _("%d revoked.") % count)
