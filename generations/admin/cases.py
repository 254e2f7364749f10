"""The moderators' queue: one case per video, with all that is known of it on one page."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.models import User
from generations import tasks
from generations.admin.masking import MaskedAdmin
from generations.admin.media import VIDEO_RELATED, case_or_row_url, find_deliverable, thumbnail, video_name
from generations.admin.read_only import ReadOnly
from generations.models import (
    Appeal,
    BulkDecision,
    Case,
    Cause,
    Decision,
    DecisionKind,
    Flag,
    Generation,
    Hold,
    Report,
    Status,
)
from generations.moderation import bulk
from generations.moderation.cases import mark_viewed, may_view, next_case, open_private_access
from generations.moderation.decisions import PERMISSION, AlreadyDecidedError, DecisionError, decide, kinds_for
from generations.moderation.handover import add_note, colleagues, hand_over
from generations.views.media import deliver

_HISTORY: Final = 10
_REFUSALS: Final = "content_policy_violation"


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("closed", _("Decided")), ("all", _("All"))]

    def choices(self, changelist: ChangeList) -> Any:
        """Open ones without asking: that is the queue."""
        names = [(None, _("Waiting")), *self.lookup_choices]
        for value, title in names:
            query = changelist.get_query_string({self.parameter_name: value} if value else {}, [self.parameter_name])
            yield {"selected": self.value() == value, "query_string": query, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        match self.value():
            case "closed":
                return queryset.exclude(closed_at=None)
            case "all":
                return queryset
            case _:
                return queryset.filter(closed_at=None)


class CauseFilter(admin.SimpleListFilter):
    title = gettext_lazy("why")
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(cause.value, str(cause.label)) for cause in Cause]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        return queryset.filter(causes__contains=[self.value()]) if self.value() in Cause.values else queryset


class AssignedFilter(admin.SimpleListFilter):
    title = gettext_lazy("assigned to")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", _("Me")), ("nobody", _("Nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        match self.value():
            case "me":
                return queryset.filter(assigned_to=request.user.pk)
            case "nobody":
                return queryset.filter(assigned_to=None)
            case _:
                return queryset


class NoteForm(forms.Form):
    """A note among moderators; with `to` the case is handed over."""

    text = forms.CharField(required=False, max_length=2000)
    to = forms.ModelChoiceField(User.objects.none(), required=False)

    def __init__(self, case: Case, by: User, *args: Any) -> None:
        super().__init__(*args)
        self.fields["to"].queryset = colleagues(case, by)  # type: ignore[attr-defined]


class DecideForm(forms.Form):
    verb = forms.ChoiceField(choices=DecisionKind.choices)
    why = forms.CharField(required=False, max_length=1000)
    with_pictures = forms.BooleanField(required=False)


@admin.register(Case)
class CaseAdmin(ReadOnly, MaskedAdmin):
    list_display = ("picture", "prompt", "why", "person", "team", "opened_at", "assigned_to", "viewed_by")
    list_display_links = ("prompt",)
    list_select_related = (*VIDEO_RELATED, "viewed_by", "assigned_to")
    list_filter = (OpenFilter, AssignedFilter, CauseFilter, "opened_at")
    search_fields = ("=generation__id", "generation__user__email", "generation__team__slug")
    private_search = ("generation__prompt",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("decide_together",)
    change_list_template = "admin/generations/case/change_list.html"

    @admin.display(description="")
    def picture(self, case: Case) -> SafeString | str:
        return thumbnail(case.generation, reverse("admin:generations_case_change", args=[case.pk]))

    @admin.display(description=gettext_lazy("video"))
    def prompt(self, case: Case) -> str:
        return case.generation.shown_prompt[:80]

    @admin.display(description=gettext_lazy("why"))
    def why(self, case: Case) -> str:
        return case.causes_text

    @admin.display(description=gettext_lazy("by"), ordering="generation__user__email")
    def person(self, case: Case) -> str:
        return str(case.generation.user)

    @admin.display(description=gettext_lazy("team"), ordering="generation__team__name")
    def team(self, case: Case) -> str:
        return str(case.generation.team)

    def get_actions(self, request: HttpRequest) -> Any:
        return super().get_actions(request) if request.user.has_perm(PERMISSION) else {}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        ours = [
            path("next/", wrap(self.next), name="generations_case_next"),
            path("<int:pk>/change/", wrap(self.case), name="generations_case_change"),
            path("<int:pk>/decide/", wrap(self.decide), name="generations_case_decide"),
            path("<int:pk>/note/", wrap(self.note), name="generations_case_note"),
            path("<int:pk>/hand-over/", wrap(self.hand_over), name="generations_case_hand_over"),
            path("blur/", wrap(self.blur), name="generations_case_blur"),
            path("<int:pk>/look/", wrap(self.view_private), name="generations_case_look"),
            path("<int:pk>/media/<slug:what>/", wrap(self.deliver_media), name="generations_case_media"),
            path("bulk/", wrap(self.bulk), name="generations_case_bulk"),
            path("bulk/<int:pk>/", wrap(self.bulk_progress), name="generations_case_bulk_progress"),
        ]
        return [*ours, *super().get_urls()]

    def next(self, request: HttpRequest) -> HttpResponse:
        """To the oldest case that nobody else has open."""
        found = next_case(self._moderator(request))
        if found is None:
            messages.success(request, _("Nothing waits for you."))
            return redirect("admin:generations_case_changelist")
        return redirect("admin:generations_case_change", found.pk)

    def case(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:  # a case is decided, not edited
            raise PermissionDenied
        return self._page(request, self._case(request, pk))

    @method_decorator(require_POST)
    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """`verb`, `why`, `with_pictures`; then on to the next."""
        case, by, form = self._case(request, pk), self._moderator(request), DecideForm(request.POST)
        if not form.is_valid():
            return self._page(request, case, error=_("Choose a decision; a reason has at most 1,000 characters."))
        values = form.cleaned_data
        try:
            verb = DecisionKind(values["verb"])
            made = decide(case, verb, by, values["why"].strip(), with_pictures=values["with_pictures"])
        except AlreadyDecidedError as error:
            messages.warning(request, str(error))
            return redirect("admin:generations_case_change", pk)
        except DecisionError as error:
            return self._page(request, case, error=str(error), typed=values["why"])
        tasks.wake()
        tasks.wake_cleaner()
        messages.success(request, _("%s. Decision saved.") % made.get_kind_display())
        return redirect("admin:generations_case_next")

    @method_decorator(require_POST)
    def note(self, request: HttpRequest, pk: int) -> HttpResponse:
        """`text`, for staff alone."""
        return self._write_note(request, pk, lambda case, by, form: add_note(case, by, form["text"]), _("Note saved."))

    @method_decorator(require_POST)
    def hand_over(self, request: HttpRequest, pk: int) -> HttpResponse:
        """`to` another moderator, with a `text` that says why."""

        def write(case: Case, by: User, values: dict[str, Any]) -> object:
            return hand_over(case, by, values["to"], values["text"])

        return self._write_note(request, pk, write, _("Handed over."))

    def _write_note(
        self, request: HttpRequest, pk: int, write: Callable[[Case, User, dict[str, Any]], object], message: str
    ) -> HttpResponse:
        case, by = self._case(request, pk), self._moderator(request)
        form = NoteForm(case, by, request.POST)
        typed = {"note": request.POST.get("text", "")[:2000], "to": request.POST.get("to", "")}
        if not form.is_valid():
            error = _("Choose a moderator whose own work it is not; a note has at most 2,000 characters.")
            return self._page(request, case, error=error, typed_note=typed)
        values = form.cleaned_data
        try:
            write(case, by, values | {"text": values["text"].strip()})
        except DecisionError as error:
            return self._page(request, case, error=str(error), typed_note=typed)
        messages.success(request, message)
        return redirect("admin:generations_case_change", pk)

    @method_decorator(require_POST)
    def blur(self, request: HttpRequest) -> HttpResponse:
        """Whether this moderator's thumbnails are blurred: the other way from now on."""
        person = self._person(request)
        if not self.has_view_permission(request):
            raise PermissionDenied
        User.objects.filter(pk=person.pk).update(blur_thumbnails=not person.blur_thumbnails)
        return redirect("admin:generations_case_changelist")

    @method_decorator(require_POST)
    def view_private(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Open private work, for a reason that its owner reads."""
        case, by = self._case(request, pk), self._moderator(request)
        if by.pk in {case.generation.user_id, case.generation.assigned_to_id}:  # whom it would tell of themselves
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()
        if len(reason) < 10:
            return self._page(request, case, error=_("Say in ten characters or more why you look: its maker reads it."))
        open_private_access(case, by, reason[:500], reverse("admin:generations_case_change", args=[pk]))
        return redirect("admin:generations_case_change", pk)

    def deliver_media(self, request: HttpRequest, pk: int, what: str) -> HttpResponseBase:
        """The video, its poster or a picture that went in, also when they lie in quarantine."""
        case = self._case(request, pk)
        if not may_view(case, self._person(request)):
            raise PermissionDenied
        found = find_deliverable(case.generation, what)
        if found is None:
            raise Http404
        return deliver(request, found)

    @admin.action(description=gettext_lazy("Decide on these together…"))
    def decide_together(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse:
        """A summary first; nothing is decided yet."""
        cases = list(queryset.filter(closed_at=None).select_related(*VIDEO_RELATED))
        request.session["bulk_cases"] = [case.pk for case in cases]
        return self._summary(request, cases)

    @method_decorator(require_POST)
    def bulk(self, request: HttpRequest) -> HttpResponse:
        by, keys = self._moderator(request), request.session.get("bulk_cases", [])
        cases = list(Case.objects.open().filter(pk__in=keys).select_related(*VIDEO_RELATED))
        verb, why = request.POST.get("verb", ""), request.POST.get("why", "").strip()
        if verb not in _BULK_KINDS or not cases:
            return self._summary(request, cases, _("Choose a decision."))
        if not why and verb != DecisionKind.APPROVE:
            return self._summary(request, cases, _("Say why: the people read it."))
        begun = bulk.begin(cases, DecisionKind(verb), by, why[:1000])
        request.session.pop("bulk_cases", None)
        tasks.wake_cleaner()
        return redirect("admin:generations_case_bulk_progress", begun.pk)

    def bulk_progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._moderator(request)
        begun = get_object_or_404(BulkDecision, pk=pk)
        context = self.admin_site.each_context(request) | {"bulk": begun, "title": _("Deciding together")}
        return render(request, "admin/generations/case/bulk_progress.html", context)

    def _summary(self, request: HttpRequest, cases: list[Case], error: str = "") -> HttpResponse:
        people = Counter(str(case.generation.user) for case in cases)
        causes = Counter(str(Cause(cause).label) for case in cases for cause in case.causes)
        title = ngettext("Decide on %d case", "Decide on %d cases", len(cases)) % len(cases)
        context = self.admin_site.each_context(request) | {
            "title": title,
            "cases": cases,
            "shown": [(_picture_of(case), _name_of(case)) for case in cases[:_SHOWN]],
            "more": max(0, len(cases) - _SHOWN),
            "people": people.most_common(10),
            "causes": causes.most_common(),
            "own": sum(case.generation.user_id == request.user.pk for case in cases),
            "verbs": [(verb.value, verb.label) for verb in _BULK_KINDS],
            "error": error,
            "typed": request.POST.get("why", ""),
        }
        return render(request, "admin/generations/case/bulk.html", context, status=422 if error else 200)

    def _moderator(self, request: HttpRequest) -> User:
        if not isinstance(request.user, User) or not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        return request.user

    def _case(self, request: HttpRequest, pk: int) -> Case:
        if not self.has_view_permission(request):
            raise PermissionDenied
        related = (*VIDEO_RELATED, "viewed_by", "excluded_moderator", "assigned_to")
        return get_object_or_404(Case.objects.select_related(*related), pk=pk)

    def _person(self, request: HttpRequest) -> User:
        """Behind admin_view."""
        assert isinstance(request.user, User)
        return request.user

    def _page(
        self,
        request: HttpRequest,
        case: Case,
        error: str = "",
        typed: str = "",
        typed_note: dict[str, str] | None = None,
    ) -> HttpResponse:
        row, by = case.generation, self._person(request)
        may_decide = by.has_perm(PERMISSION) and case.is_open and by.pk not in {row.user_id, row.assigned_to_id}
        other = mark_viewed(case, by) if may_decide else None
        context = (
            self.admin_site.each_context(request)
            | _case_context(case)
            | {
                "title": _("%(case)s, by %(who)s") % {"case": case, "who": row.user},
                "case": case,
                "generation": row,
                "opts": self.opts,
                "may_view": may_view(case, by),
                "may_decide": may_decide,
                "is_own": by.pk in {row.user_id, row.assigned_to_id},
                "other": other,
                "verbs": [(verb.value, verb.label) for verb in kinds_for(row)],
                "error": error,
                "typed": typed,
                "typed_note": typed_note or {},
                "may_note": by.has_perm(PERMISSION),
                "colleagues": list(colleagues(case, by)) if case.is_open and by.has_perm(PERMISSION) else [],
            }
        )
        return render(request, "admin/generations/case/case.html", context, status=422 if error else 200)


_SHOWN: Final = 60  # of the cases that are decided together


def _picture_of(case: Case) -> SafeString | str:
    return thumbnail(case.generation, case_or_row_url(case, None))


def _name_of(case: Case) -> SafeString | str:
    return video_name(case.generation, case_or_row_url(case, None))


_BULK_KINDS: Final = (DecisionKind.APPROVE, DecisionKind.TAKE_DOWN)


def _url_of(decision: Decision) -> str:
    return case_or_row_url(decision.case, decision.generation)


def _case_context(case: Case) -> dict[str, Any]:
    """Everything about the video, the person and the team that bears on a decision."""
    row = case.generation
    theirs = Generation.objects.filter(user=row.user)
    return {
        "video": getattr(row, "video", None),
        "pictures": list(row.pictures.order_by("slot")),
        "reports": list(Report.objects.filter(generation=row).select_related("reporter").order_by("-at")),
        "flags": list(Flag.objects.filter(generation=row).select_related("rule")),
        "holds": list(Hold.objects.filter(generation=row).select_related("rule", "decided_by")),
        "appeals": list(Appeal.objects.filter(decision__generation=row).select_related("by", "decision__by")),
        "decisions": list(Decision.objects.filter(generation=row).select_related("by")),
        "about_person": [
            (decision, decision.generation and video_name(decision.generation, _url_of(decision)))
            for decision in Decision.objects.filter(person=row.user)
            .exclude(generation=row)
            .select_related("by", "case", *VIDEO_RELATED)[:_HISTORY]
        ],
        "notes": list(case.notes.select_related("by", "assigned_to")),
        "made": theirs.filter(status=Status.DONE).count(),
        "refused_by_fal": theirs.filter(reason=_REFUSALS).count(),
        "removed": theirs.filter(taken_down_at__isnull=False).count(),
        "removed_in_team": Generation.objects.filter(team=row.team, taken_down_at__isnull=False).count(),
    }


def cases_url(row: Generation) -> str:
    """Where moderators look at a video: at its cases, open or not. Its row they may not see."""
    return f"{reverse('admin:generations_case_changelist')}?state=all&q={row.pk}"


@admin.register(Report)
class ReportAdmin(ReadOnly, admin.ModelAdmin[Report]):
    list_display = ("picture", "at", "video", "reason", "note", "reported_by", "outcome")
    list_display_links = ("at",)
    list_select_related = ("reporter", "closed_by__by", *VIDEO_RELATED)
    list_filter = ("reason", "at")
    search_fields = ("note", "reporter__email", "=generation__id")
    show_full_result_count = False

    @admin.display(description="")
    def picture(self, report: Report) -> SafeString | str:
        return thumbnail(report.generation, cases_url(report.generation))

    @admin.display(description=gettext_lazy("video"))
    def video(self, report: Report) -> SafeString | str:
        return video_name(report.generation, cases_url(report.generation))

    @admin.display(description=gettext_lazy("outcome"))
    def outcome(self, report: Report) -> str:
        return report.closed_by.get_kind_display() if report.closed_by else _("Open")


@admin.register(Hold)
class HoldAdmin(ReadOnly, MaskedAdmin):
    list_display = ("opened_at", "kind", "reason", "verdict", "decided_by")
    list_select_related = ("decided_by", "generation")
    list_filter = ("kind", "verdict")
    search_fields = ("note", "=generation__id")
    private_columns = private_search = ("reason",)
    show_full_result_count = False


@admin.register(Appeal)
class AppealAdmin(ReadOnly, admin.ModelAdmin[Appeal]):
    list_display = ("at", "video", "by", "text", "decision")
    list_select_related = ("by", "decision__case", *(f"decision__{name}" for name in VIDEO_RELATED))
    list_filter = ("at",)
    search_fields = ("text", "by__email")

    @admin.display(description=gettext_lazy("video"))
    def video(self, each: Appeal) -> SafeString | str:
        return video_name(each.decision.generation, _url_of(each.decision))


@admin.register(BulkDecision)
class BulkDecisionAdmin(ReadOnly, admin.ModelAdmin[BulkDecision]):
    list_display = ("at", "kind", "why", "by", "decided", "skipped", "total", "progress")
    list_select_related = ("by",)
    list_filter = ("kind", "at")
    search_fields = ("why", "by__email")

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, each: BulkDecision) -> SafeString:
        address = reverse("admin:generations_case_bulk_progress", args=[each.pk])
        return format_html('<a href="{}">{}</a>', address, _("Look"))
