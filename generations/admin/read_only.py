"""Read-only admin pages for the remaining tables. Only prices and the switches of endpoints are edited here."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Func, IntegerField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from generations.admin.masking import MaskedAdmin
from generations.admin.media import thumbnail
from generations.models import (
    EndpointSwitch,
    Event,
    Film,
    InputPicture,
    LibraryPicture,
    OrderImport,
    Price,
    Shot,
    Upload,
    Video,
)


class ReadOnly(admin.options.BaseModelAdmin[Any]):
    """Nothing is added, changed or deleted by hand: rows are moved by the pipeline alone."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class Nameless(ReadOnly, admin.ModelAdmin[Any]):
    """Without the name, which a person wrote: a row is called by its id. It is not to be saved."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row: Any = super().get_object(request, object_id, from_field)
        if row:
            row.name = str(row.pk)
        return row


@admin.register(Video)
class VideoAdmin(ReadOnly, MaskedAdmin):
    list_display = ("picture", "generation", "width", "height", "duration", "fps", "codec", "size", "created_at")
    list_display_links = ("generation",)
    list_select_related = ("generation",)
    list_filter = ("codec", "width", "created_at")
    search_fields = ("=generation__id", "key", "sha256")
    private_search = ("generation__prompt",)
    private_columns = ("placeholder",)
    show_full_result_count = False

    @admin.display(description="")
    def picture(self, video: Video) -> SafeString | str:
        return thumbnail(video.generation, reverse("admin:generations_video_change", args=[video.pk]))


@admin.register(Event)
class EventAdmin(ReadOnly, MaskedAdmin):
    list_display = ("at", "generation", "status", "by", "message")
    list_select_related = ("generation", "by")
    list_filter = ("status", "at")
    search_fields = ("=generation__id", "by__email")
    private_columns = private_search = ("message",)
    show_full_result_count = False


@admin.register(InputPicture)
class InputPictureAdmin(ReadOnly, MaskedAdmin):
    list_display = ("generation", "slot", "media_type", "width", "height", "size", "created_at")
    list_select_related = ("generation",)
    list_filter = ("slot", "media_type", "created_at")
    search_fields = ("=generation__id", "key", "sha256")
    private_columns = ("fal_url",)
    show_full_result_count = False


@admin.register(Film)
class FilmAdmin(ReadOnly, admin.ModelAdmin[Film]):
    """Without its name, which a person wrote and which may be of private work."""

    list_display = ("id", "status", "reason", "team", "user", "is_encoded", "seconds", "size", "created_at")
    list_select_related = ("team", "user")
    list_filter = ("status", "reason", "is_encoded", "quarantined_at", "created_at")
    search_fields = ("=id", "key", "sha256", "team__name", "user__email")
    fields = (
        *("id", "status", "reason", "message", "team", "user", "is_encoded", "attempts", "due_at", "lease_until"),
        *("created_at", "changed_at", "quarantined_at", "key", "size", "sha256", "width", "height", "seconds"),
        "videos",
    )
    readonly_fields = fields
    show_full_result_count = False

    @admin.display(description=_("videos"))
    def videos(self, film: Film) -> SafeString:
        """Each leads to its own page, which masks what is private."""
        ids = film.parts.values_list("position", "generation_id")
        links = ((number, reverse("admin:generations_generation_change", args=[pk]), pk) for number, pk in ids)
        return format_html_join(" ", '{}. <a href="{}">{}</a>', links)


@admin.register(Shot)
class ShotAdmin(ReadOnly, admin.ModelAdmin[Shot]):
    """Without its texts, which a person wrote, and which may be of a personal team."""

    list_display = ("id", "project_id", "team", "position", "take_count", "chosen", "changed_by", "version")
    list_select_related = ("project__team", "chosen", "changed_by")
    list_filter = ("duration", "aspect_ratio", "quality")
    search_fields = ("=id", "=project__id", "project__team__name", "=chosen__id", "changed_by__email")
    fields = (
        *("id", "project_id", "team", "position", "duration", "aspect_ratio", "quality", "start", "tail"),
        *("chosen", "changed_by", "version", "videos"),
    )
    readonly_fields = fields
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        found: models.QuerySet[Any] = super().get_queryset(request).annotate(take_count=Count("takes"))
        return found

    @admin.display(description=_("team"), ordering="project__team")
    def team(self, shot: Shot) -> Team:
        return shot.project.team

    @admin.display(description=_("takes"), ordering="take_count")
    def take_count(self, shot: Any) -> int:
        found: int = shot.take_count
        return found

    @admin.display(description=_("takes"))
    def videos(self, shot: Shot) -> SafeString:
        """Each leads to its own page, which masks what is private."""
        ids = shot.takes.order_by("created_at", "id").values_list("pk", flat=True)
        links = ((reverse("admin:generations_generation_change", args=[pk]), pk) for pk in ids)
        return format_html_join(" ", '<a href="{}">{}</a>', links)


@admin.register(OrderImport)
class OrderImportAdmin(Nameless):
    """Without its cells, which may be of private work."""

    list_display = ("id", "team", "user", "row_count", "created_at", "ordered_at")
    list_select_related = ("team", "user")
    list_filter = ("is_guessed", "created_at", "ordered_at")
    search_fields = ("=id", "=batch", "team__name", "user__email")
    fields = (
        *("id", "team", "user", "project_id", "is_private", "row_count", "delimiter", "is_guessed", "has_header"),
        *("version", "batch", "created_at", "changed_at", "ordered_at"),
    )
    readonly_fields = fields
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """A sheet may be long: its cells stay in the database."""
        count = Func("rows", function="jsonb_array_length", output_field=IntegerField())
        found: models.QuerySet[Any] = super().get_queryset(request).annotate(row_count=count)
        return found.defer("rows", "mapping", "defaults")

    @admin.display(description=_("rows"), ordering="row_count")
    def row_count(self, found: Any) -> int:
        count: int = found.row_count
        return count


@admin.register(LibraryPicture)
class LibraryPictureAdmin(Nameless):
    list_display = ("id", "team", "user", "media_type", "width", "height", "size", "created_at")
    list_select_related = ("team", "user")
    list_filter = ("media_type", "created_at")
    search_fields = ("=id", "key", "sha256", "team__name", "user__email")
    fields = (
        *("id", "team", "user", "media_type", "width", "height", "size", "created_at", "key", "thumbnail_key"),
        *("sha256", "perceptual_hash", "frame_of"),
    )
    readonly_fields = fields
    show_full_result_count = False


@admin.register(Upload)
class UploadAdmin(ReadOnly, admin.ModelAdmin[Upload]):
    list_display = ("user", "media_type", "width", "height", "size", "created_at")
    list_select_related = ("user",)
    list_filter = ("media_type", "created_at")
    search_fields = ("user__email", "key", "sha256")


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin[Price]):
    list_display = ("endpoint", "seconds", "cents", "read_on")
    list_filter = ("endpoint", "seconds")
    search_fields = ("endpoint",)


@admin.register(EndpointSwitch)
class EndpointSwitchAdmin(admin.ModelAdmin[EndpointSwitch]):
    """Without a switch an endpoint is on."""

    list_display = ("endpoint", "whose", "is_on")
    list_display_links = ("endpoint", "whose")
    list_editable = ("is_on",)
    list_filter = ("endpoint", "is_on")
    list_select_related = ("team",)
    search_fields = ("team__name", "team__slug")
    autocomplete_fields = ("team",)

    @admin.display(description=_("team"), ordering="team__name")
    def whose(self, switch: EndpointSwitch) -> str:
        return str(switch.team or _("all other teams"))
