"""Read-only admin pages for the remaining tables. Only prices and the switches of endpoints are edited here."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from generations.admin.masking import MaskedAdmin
from generations.admin.media import thumbnail
from generations.models import EndpointSwitch, Event, Film, InputPicture, Price, Upload, Video


class ReadOnly(admin.options.BaseModelAdmin[Any]):
    """Nothing is added, changed or deleted by hand: rows are moved by the pipeline alone."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


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
