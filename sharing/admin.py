"""Share links and comments in the admin: looked at, revoked and removed.

What a link shows is decided by what people may see.
"""

from typing import Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from generations.admin.cases import cases_url
from generations.admin.masking import MaskedAdmin
from generations.admin.media import VIDEO_RELATED, video_name
from generations.admin.read_only import ReadOnly
from sharing.models import Comment, CommentQuerySet, ShareLink
from sharing.review import remove_comments

_SHOWN: Final = 200  # characters of a text in the list


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


@admin.register(Comment)
class CommentAdmin(ReadOnly, MaskedAdmin):
    """What members and guests say of videos. Of private videos the text is masked, as all that people write."""

    list_display = ("created_at", "words", "written_by", "video", "share_link", "state")
    list_filter = (
        "created_at",
        ("guest", admin.EmptyFieldListFilter),
        ("hidden_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("user", "guest", "link", "hidden_by", *VIDEO_RELATED)
    ordering = ("-created_at", "-id")
    search_fields = ("user__email", "user__name", "guest__name", "link__name", "=generation__id")
    private_columns = private_search = ("text",)
    search_help_text = gettext_lazy("Words of the text, who wrote it, name of the share link, id of the video")
    show_full_result_count = False
    fields = (
        *("text", "written_by", "video", "share_link", "start_ms", "end_ms", "is_public", "created_at", "edited_at"),
        *("resolved_at", "resolved_by", "hidden_at", "hidden_by", "deleted_at"),
    )
    readonly_fields = fields
    actions = ("remove",)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("generations.moderate")

    @admin.display(description=gettext_lazy("text"))
    def words(self, comment: Comment) -> str:
        return comment.text if len(comment.text) <= _SHOWN else f"{comment.text[: _SHOWN - 1]}…"

    @admin.display(description=gettext_lazy("by"))
    def written_by(self, comment: Comment) -> str:
        return f"{comment.author} ({_('guest')})" if comment.guest else comment.author

    @admin.display(description=gettext_lazy("video"))
    def video(self, comment: Comment) -> SafeString | str:
        return video_name(comment.generation, cases_url(comment.generation))

    @admin.display(description=gettext_lazy("share link"))
    def share_link(self, comment: Comment) -> SafeString | str:
        if comment.link is None:
            return "–"
        address = reverse("admin:sharing_sharelink_change", args=[comment.link.pk])
        return format_html('<a href="{}">{}</a>', address, comment.link.name)

    @admin.display(description=gettext_lazy("state"))
    def state(self, comment: Comment) -> str:
        if comment.deleted_at:
            return _("Removed by %s") % comment.hidden_by if comment.hidden_by else _("Deleted")
        return _("Hidden from guests") if comment.hidden_at else _("Resolved") if comment.resolved_at else _("Open")

    @admin.action(description=gettext_lazy("Remove the selected comments"), permissions=["moderate"])
    def remove(self, request: HttpRequest, rows: CommentQuerySet) -> None:
        assert isinstance(request.user, User)
        chosen = Comment.objects.filter(pk__in=rows.values("pk"), deleted_at=None)
        removed = list(chosen.select_related("user", "guest"))
        count = remove_comments(chosen, request.user)
        for comment in removed:
            self.log_change(request, comment, _("Removed."))
        messages.success(request, _("%d removed.") % count)
