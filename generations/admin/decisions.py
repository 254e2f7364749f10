"""The log of decisions, and the page on which users are warned, suspended or let in again."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from generations.admin.media import VIDEO_RELATED, case_or_row_url, thumbnail, video_name
from generations.admin.read_only import ReadOnly
from generations.csv_export import lines
from generations.models import Decision, Generation
from generations.moderation.decisions import PERMISSION, lift_suspension, suspend, warn

_COLUMNS: Final = ("at", "kind", "by", "person", "video", "why", "until", "rule")
_MAX_DAYS: Final = 3650


class PersonForm(forms.Form):
    verb = forms.ChoiceField(
        label=gettext_lazy("Action"),
        choices=[("warn", _("Warn")), ("suspend", _("Suspend")), ("lift", _("Lift suspension"))],
    )
    why = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=gettext_lazy("They read it."),
    )
    days = forms.IntegerField(label=gettext_lazy("For how many days"), required=False, min_value=1, max_value=_MAX_DAYS)

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("verb") in {"warn", "suspend"} and not (values.get("why") or "").strip():
            self.add_error("why", _("Say why: they read it."))
        if values.get("verb") == "suspend" and not values.get("days") and not self.has_error("days"):
            self.add_error("days", _("Say for how long."))
        return values


@admin.register(Decision)
class DecisionAdmin(ReadOnly, admin.ModelAdmin[Decision]):
    list_display = ("picture", "at", "kind", "video", "by", "person", "why", "until")
    list_display_links = ("at",)
    fields = ("kind", "video", "person", "by", "at", "why", "until", "rule")
    list_select_related = ("by", "person", "case", *VIDEO_RELATED)
    list_filter = ("kind", "at")
    search_fields = ("why", "by__email", "person__email", "=generation__id")
    date_hierarchy = "at"
    show_full_result_count = False
    change_list_template = "admin/generations/decision/change_list.html"

    @admin.display(description="")
    def picture(self, decision: Decision) -> SafeString | str:
        return thumbnail(decision.generation, case_or_row_url(decision.case, decision.generation))

    @admin.display(description=gettext_lazy("video"))
    def video(self, decision: Decision) -> SafeString | str:
        return video_name(decision.generation, case_or_row_url(decision.case, decision.generation))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        ours = [
            path("log.csv", wrap(self.log), name="generations_decision_log"),
            path("person/<int:pk>/", wrap(self.person_page), name="generations_decision_person"),
        ]
        return [*ours, *super().get_urls()]

    def log(self, request: HttpRequest) -> StreamingHttpResponse:
        """All decisions, the earliest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Decision.objects.select_related("by", "person", "rule").order_by("at", "pk")
        headers = {"Content-Disposition": 'attachment; filename="decisions.csv"'}
        return StreamingHttpResponse(
            lines(_COLUMNS, map(_cells, rows.iterator(500))), content_type="text/csv; charset=utf-8", headers=headers
        )

    def person_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What was decided about a person, and what can be."""
        if not isinstance(request.user, User) or not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        person = get_object_or_404(User, pk=pk)
        form = PersonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            _carry_out(form.cleaned_data, person, request.user)
            messages.success(request, _("Decision saved. %s gets an email.") % person)
            return redirect("admin:generations_decision_person", pk)
        about = Decision.objects.filter(person=person).select_related("by", "case", *VIDEO_RELATED)[:100]
        context = self.admin_site.each_context(request) | {
            "title": str(person),
            "person": person,
            "form": form,
            "decisions": [(one, one.generation and self.video(one)) for one in about],
            "refused_by_fal": Generation.objects.filter(user=person, reason="content_policy_violation").count(),
            "is_self": person == request.user,
        }
        status = 422 if form.is_bound else 200
        return render(request, "admin/generations/decision/person.html", context, status=status)


def _carry_out(values: dict[str, Any], person: User, by: User) -> None:
    why = values["why"].strip()
    match values["verb"]:
        case "warn":
            warn(person, by, why)
        case "suspend":
            suspend(person, by, why, timezone.now() + timedelta(days=values["days"]))
        case _:
            lift_suspension(person, by, why)


def _cells(row: Decision) -> list[Any]:
    until = row.until.isoformat() if row.until else ""
    who = [row.by.email, row.person.email, row.generation_id or ""]
    return [row.at.isoformat(), row.kind, *who, row.why, until, row.rule or ""]
