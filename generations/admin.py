"""Windows on the work for staff: to look and to search, not to edit. Prices alone are edited here."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from generations.models import Event, Generation, InputPicture, Price, Upload, Video


class ReadOnly(admin.options.BaseModelAdmin[Any]):
    """Nothing is added, changed or deleted by hand: rows are moved by the pipeline alone."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class EventInline(ReadOnly, admin.TabularInline[Event, Generation]):
    model = Event
    fields = ("at", "status", "by", "message")


class InputPictureInline(ReadOnly, admin.TabularInline[InputPicture, Generation]):
    model = InputPicture
    fields = ("slot", "key", "media_type", "width", "height", "size", "fal_url")


class VideoInline(ReadOnly, admin.StackedInline[Video, Generation]):
    model = Video


@admin.register(Generation)
class GenerationAdmin(ReadOnly, admin.ModelAdmin[Generation]):
    list_display = ("short_prompt", "status", "endpoint", "duration", "user", "team", "cost", "created_at", "page")
    list_select_related = ("user", "team")
    list_filter = ("status", "reason", "endpoint", "duration", "created_at")
    search_fields = ("=id", "=request_id", "prompt", "user__email", "team__slug")
    search_help_text = _("Id, fal's request id, words of the prompt, e-mail address, team")
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (VideoInline, InputPictureInline, EventInline)

    @admin.display(description=_("prompt"), ordering="prompt")
    def short_prompt(self, generation: Generation) -> str:
        return generation.prompt[:80]

    @admin.display(description=_("cost"), ordering="cost_cents")
    def cost(self, generation: Generation) -> str:
        return f"${generation.cost_cents / 100:.2f}"

    @admin.display(description=_("page"))
    def page(self, generation: Generation) -> str:
        return format_html('<a href="{}">{}</a>', generation.get_absolute_url(), _("Open"))


@admin.register(Video)
class VideoAdmin(ReadOnly, admin.ModelAdmin[Video]):
    list_display = ("generation", "width", "height", "duration", "fps", "codec", "size", "created_at")
    list_select_related = ("generation",)
    list_filter = ("codec", "width", "created_at")
    search_fields = ("=generation__id", "generation__prompt", "key", "sha256")
    show_full_result_count = False


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin[Event]):
    list_display = ("at", "generation", "status", "by", "message")
    list_select_related = ("generation", "by")
    list_filter = ("status", "at")
    search_fields = ("=generation__id", "message", "by__email")
    show_full_result_count = False


@admin.register(InputPicture)
class InputPictureAdmin(ReadOnly, admin.ModelAdmin[InputPicture]):
    list_display = ("generation", "slot", "media_type", "width", "height", "size", "created_at")
    list_select_related = ("generation",)
    list_filter = ("slot", "media_type", "created_at")
    search_fields = ("=generation__id", "key", "sha256")
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
