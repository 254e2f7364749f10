"""Admin pages for prompt rules and banned files. A rule can be tried before it is saved."""

import time
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Team, User
from generations import pictures
from generations.admin.masking import MaskedAdmin
from generations.admin.read_only import ReadOnly
from generations.fal.arguments import InvalidArguments
from generations.models import BannedFile, Flag, Generation, PromptRule
from generations.moderation import image_hash
from generations.moderation.rule_matching import check_pattern, match_rules

_LOOK_BACK: Final = timedelta(days=30)
_MAX_PROMPTS: Final = 20_000  # prompts, the newest
_TIME_LIMIT: Final = 4.0  # and what the last prompt takes
_MAX_SHOWN: Final = 50


class PromptRuleForm(forms.ModelForm[PromptRule]):
    class Meta:
        model = PromptRule
        fields = ("kind", "text", "action", "message", "team", "is_active")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("kind") == PromptRule.Kind.PATTERN and values.get("text"):
            try:
                check_pattern(values["text"])
            except ValidationError as error:
                self.add_error("text", error)
        return values


class TryForm(forms.Form):
    prompt = forms.CharField(
        label=gettext_lazy("Prompt"), widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})
    )
    team = forms.ModelChoiceField(
        Team.objects.none(), label=gettext_lazy("Team"), required=False, empty_label=gettext_lazy("All rules")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ruled = PromptRule.objects.exclude(team=None).values("team")
        self.fields["team"].queryset = Team.objects.filter(pk__in=ruled)  # type: ignore[attr-defined]


@admin.register(PromptRule)
class PromptRuleAdmin(admin.ModelAdmin[PromptRule]):
    form = PromptRuleForm
    list_display = ("text", "kind", "action", "team", "is_active", "made_by", "made_at")
    list_select_related = ("team", "made_by")
    list_filter = ("is_active", "action", "kind")
    search_fields = ("text", "message", "team__name")
    autocomplete_fields = ("team",)
    change_list_template = "admin/generations/promptrule/change_list.html"
    change_form_template = "admin/generations/promptrule/change_form.html"

    def save_model(self, request: HttpRequest, obj: PromptRule, form: object, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.made_by = request.user
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        ours = [
            path("try/", wrap(self.try_prompt), name="generations_promptrule_try"),
            path("would-catch/", wrap(self.would_catch), name="generations_promptrule_would_catch"),
        ]
        return [*ours, *super().get_urls()]

    def try_prompt(self, request: HttpRequest) -> HttpResponse:
        """A prompt against every rule that holds."""
        self._require_view(request)
        form = TryForm(request.POST if request.method == "POST" else None)
        context = {**self.admin_site.each_context(request), "title": _("Try a prompt"), "form": form}
        if form.is_valid():
            rules = PromptRule.objects.filter(is_active=True).select_related("team")
            if team := form.cleaned_data["team"]:
                rules = rules.filter(team=None) | rules.filter(team=team)
            context["verdict"] = match_rules(rules, form.cleaned_data["prompt"])
        return render(request, "admin/generations/promptrule/try.html", context)

    def would_catch(self, request: HttpRequest) -> HttpResponse:
        """What a rule, saved or not, would have caught in the last 30 days; nothing is changed."""
        self._require_view(request)
        form = PromptRuleForm(request.POST if request.method == "POST" else None)
        context = {**self.admin_site.each_context(request), "title": _("What it would have caught"), "form": form}
        if form.is_valid():
            context |= _find_matches(form.instance)
        status = 422 if form.is_bound and not form.is_valid() else 200
        return render(request, "admin/generations/promptrule/would_catch.html", context, status=status)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _find_matches(rule: PromptRule) -> dict[str, Any]:
    """The number, and the newest prompts with what of them was hit. Private ones are left out, also of the number:
    a pattern tried often enough would read them. What a slow pattern does not get through in time is left out too.
    """
    ends = time.monotonic() + _TIME_LIMIT
    rows = Generation.objects.filter(created_at__gte=timezone.now() - _LOOK_BACK, is_private=False)
    rows = rows.order_by("-created_at")
    rows = rows.filter(team=rule.team) if rule.team else rows
    judged = rows.only("prompt", "negative_prompt", "created_at")[:_MAX_PROMPTS].iterator(2000)
    caught = examined = 0
    shown: list[tuple[Generation, str]] = []
    for row in judged:
        if time.monotonic() > ends:
            break
        examined += 1
        if hits := match_rules([rule], row.prompt, row.negative_prompt).hits:
            caught += 1
            shown += [(row, hits[0].matched_text)] if len(shown) < _MAX_SHOWN else []
    is_whole = time.monotonic() <= ends
    return {"rule": rule, "caught": caught, "examined": examined, "shown": shown, "is_whole": is_whole}


class BannedFileForm(forms.ModelForm[BannedFile]):
    picture = forms.FileField(
        label=gettext_lazy("Picture"),
        help_text=gettext_lazy("It is not kept, only its hashes."),
        widget=forms.FileInput,
    )

    class Meta:
        model = BannedFile
        fields = ("reason",)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if file := values.get("picture"):
            try:
                picture = pictures.read("picture", file.read())
            except InvalidArguments as error:
                self.add_error("picture", error.problems[0].message)
            except pictures.DecoderBusyError as error:
                self.add_error("picture", str(error))
            else:
                self._set_hashes(picture)
        return values

    def _set_hashes(self, picture: pictures.Picture) -> None:
        self.instance.sha256, self.instance.perceptual_hash = picture.sha256, image_hash.hash_image(picture.data)
        if image_hash.find_ban(picture.sha256, ""):
            self.add_error("picture", _("This very picture is banned already."))


@admin.register(BannedFile)
class BannedFileAdmin(admin.ModelAdmin[BannedFile]):
    """Added from a picture; videos come here when they are taken down."""

    form = BannedFileForm
    list_display = ("short", "reason", "made_by", "made_at")
    list_select_related = ("made_by",)
    list_filter = ("made_at",)
    search_fields = ("sha256", "reason")

    @admin.display(description=gettext_lazy("file"))
    def short(self, file: BannedFile) -> str:
        return f"{file.sha256[:16]}…"

    def has_change_permission(self, request: HttpRequest, obj: BannedFile | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: BannedFile, form: object, change: bool) -> None:
        if isinstance(request.user, User):
            obj.made_by = request.user
        super().save_model(request, obj, form, change)


@admin.register(Flag)
class FlagAdmin(ReadOnly, MaskedAdmin):
    list_display = ("at", "matched_text", "rule", "generation")
    list_select_related = ("rule", "generation")
    list_filter = ("at",)
    search_fields = ("=generation__id",)
    private_columns = private_search = ("matched_text",)
    show_full_result_count = False
