"""The admin page of a generation. Staff who may change generations decide here what machines cannot find out."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import User
from generations import tasks
from generations.admin.masking import PRIVATE_FIELDS, MaskedAdmin, mask
from generations.admin.media import poster, thumbnail
from generations.admin.read_only import ReadOnly
from generations.fal_account import fal_config
from generations.models import Event, Generation, InputPicture, Video
from generations.pipeline import manual_resolution

_LAST_EVENTS: Final = 8


class EventInline(ReadOnly, admin.TabularInline[Event, Generation]):
    model = Event
    fields: ClassVar[tuple[str, ...]] = ("at", "status", "by", "message")


class BareEventInline(EventInline):
    """Of private work: messages name words of its prompt."""

    fields = ("at", "status", "by")


class InputPictureInline(ReadOnly, admin.TabularInline[InputPicture, Generation]):
    model = InputPicture
    fk_name = "generation"
    fields = ("slot", "key", "media_type", "width", "height", "size", "fal_url")


class VideoInline(ReadOnly, admin.StackedInline[Video, Generation]):
    model = Video


class NeedsAttentionFilter(admin.SimpleListFilter):
    title = gettext_lazy("needs a person")
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Needs a person")), ("copy", _("Made, but not copied for over an hour"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Generation]) -> QuerySet[Generation]:
        match self.value():
            case "yes":
                return queryset.filter(manual_resolution.NEEDS_ATTENTION)
            case "copy":
                return queryset.filter(pk__in=manual_resolution.overdue_copies())
            case _:
                return queryset


@admin.register(Generation)
class GenerationAdmin(ReadOnly, MaskedAdmin):
    list_display = (
        "picture",
        "short_prompt",
        "status",
        "endpoint",
        "duration",
        "user",
        "team",
        "cost",
        "created_at",
        "page",
    )
    list_display_links = ("short_prompt",)
    list_select_related = ("user", "team", "video")
    list_filter = (NeedsAttentionFilter, "status", "reason", "endpoint", "duration", "created_at")
    search_fields = ("=id", "=request_id", "user__email", "team__slug")
    private_columns = PRIVATE_FIELDS
    private_search = ("prompt",)
    generation_path = ""
    search_help_text = gettext_lazy("Id, fal's request id, words of the prompt, email address, team")
    date_hierarchy = "created_at"
    show_full_result_count = False
    inlines = (VideoInline, InputPictureInline, EventInline)
    change_form_template = "admin/generations/generation/change_form.html"

    @admin.display(description="")
    def picture(self, generation: Generation) -> SafeString | str:
        return thumbnail(generation, reverse("admin:generations_generation_change", args=[generation.pk]))

    @admin.display(description=gettext_lazy("prompt"))
    def short_prompt(self, generation: Generation) -> str:
        return generation.prompt[:80]

    @admin.display(description=gettext_lazy("cost"), ordering="cost_cents")
    def cost(self, generation: Generation) -> str:
        return f"${generation.cost_cents / 100:.2f}"

    @admin.display(description=gettext_lazy("page"))
    def page(self, generation: Generation) -> str:
        return format_html('<a href="{}">{}</a>', generation.get_absolute_url(), _("Open"))

    def get_urls(self) -> list[URLPattern]:
        ours = [
            path("<uuid:pk>/poster/", self.admin_site.admin_view(poster), name="generations_generation_poster"),
            path("<uuid:pk>/attach/", self.admin_site.admin_view(self.attach), name="generations_generation_attach"),
            path(
                "<uuid:pk>/try-again/",
                self.admin_site.admin_view(self.try_again),
                name="generations_generation_try_again",
            ),
            path("<uuid:pk>/give-up/", self.admin_site.admin_view(self.give_up), name="generations_generation_give_up"),
        ]
        return [*ours, *super().get_urls()]

    def get_inlines(self, request: HttpRequest, obj: Generation | None) -> list[Any]:
        return [BareEventInline] if obj and obj.is_private else [*super().get_inlines(request, obj)]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), **self._resolution_context(request, object_id)}
        return super().change_view(request, object_id, form_url, context)

    @method_decorator(require_POST)
    def attach(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """fal has it, under the id that a person has found in fal's dashboard."""
        request_id = request.POST.get("request_id", "").strip()

        def decide(generation: Generation, by: User) -> bool:
            return manual_resolution.attach(generation, request_id, by, fal_config())

        message = _("fal’s request %s is attached; the studio asks fal for it now.") % request_id
        return self._resolve(request, pk, decide, message)

    @method_decorator(require_POST)
    def try_again(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """What kept it from going on has been put right."""
        return self._resolve(request, pk, manual_resolution.try_again, _("The studio tries again now."))

    @method_decorator(require_POST)
    def give_up(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """No video will come of it, and its cost is released."""
        return self._resolve(request, pk, manual_resolution.give_up, _("Given up; its cost is released."))

    def _resolve(
        self, request: HttpRequest, pk: uuid.UUID, decide: Callable[[Generation, User], bool], message: str
    ) -> HttpResponse:
        if not request.user.has_perm("generations.change_generation"):
            raise PermissionDenied
        assert isinstance(request.user, User)
        generation = get_object_or_404(Generation, pk=pk)
        if not manual_resolution.needs_attention(generation):
            raise Http404
        try:
            is_settled = decide(generation, request.user)
        except manual_resolution.ResolutionError as error:
            messages.error(request, str(error))
        else:
            self._report_result(request, generation, message if is_settled else "")
        return redirect(reverse("admin:generations_generation_change", args=[pk]))

    def _report_result(self, request: HttpRequest, generation: Generation, message: str) -> None:
        if not message:
            messages.warning(request, _("It has moved meanwhile; look at what has become of it."))
            return
        self.log_change(request, generation, message)
        tasks.wake()
        messages.success(request, message)

    def _resolution_context(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """For the box above the fields; empty where there is nothing to decide."""
        try:
            generation = Generation.objects.filter(pk=uuid.UUID(object_id)).first()
        except ValueError:
            return {}
        if generation is None or not manual_resolution.needs_attention(generation):
            return {}
        events = generation.events.select_related("by", "generation").order_by("-at", "-id")[:_LAST_EVENTS]
        return {
            "may_decide": request.user.has_perm("generations.change_generation"),
            "can_be_attached": manual_resolution.can_be_attached(generation),
            "can_be_tried_again": manual_resolution.can_be_tried_again(generation),
            "can_be_given_up": manual_resolution.can_be_given_up(generation),
            "last_events": [mask(event, ("message",)) for event in events][::-1],
            "pictures": [] if generation.is_private else list(generation.pictures.order_by("slot")),
            "unresolved": mask(generation, PRIVATE_FIELDS),
        }
