"""Report a video to the moderators; appeal when one's own was removed."""

import uuid
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.access import visible_generation
from generations.models import Case, Cause, Generation, Report, ReportReason
from generations.moderation.cases import open_case
from generations.moderation.decisions import DecisionError, appeal, appeal_of, removal_of

_ACCEPTED: Final = "accepted"  # by this tag of a message `studio.js` lets go of what was typed


class ReportForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("What is wrong with it"), choices=ReportReason.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=gettext_lazy("Anything a moderator should know"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "class": "input"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def report(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """For users who see the video and have not made it."""
    generation = visible_generation(request, pk)
    if request.user.pk in {generation.user_id, generation.assigned_to_id}:
        raise PermissionDenied
    form = ReportForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"generation": generation, "form": form, "known": _open_report(request, generation)}
        return render(request, "generations/report.html", context, status=422 if form.is_bound else 200)
    _report(request, generation, form.cleaned_data)
    messages.success(request, _("Thank you. A moderator looks at it; you get a mail when it is decided."), _ACCEPTED)
    return redirect(generation.get_absolute_url())


def _report(request: AuthenticatedHttpRequest, generation: Generation, values: dict[str, Any]) -> None:
    """A second press finds the first report."""
    try:
        with transaction.atomic():
            Report.objects.create(generation=generation, reporter=request.user, **values)
            open_case(generation, Cause.REPORT)
    except IntegrityError:
        Report.objects.filter(generation=generation, reporter=request.user, closed_by=None).update(**values)


def _open_report(request: AuthenticatedHttpRequest, generation: Generation) -> Report | None:
    return Report.objects.filter(generation=generation, reporter=request.user, closed_by=None).first()


@require_POST
@login_required
def answer(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The owner's one answer to a removal."""
    generation = removed_generation(request, pk)
    text = request.POST.get("text", "").strip()
    if not text or len(text) > 2000:
        error = _("Say why you think that it should come back.") if not text else _("Use at most 2,000 characters.")
        return removed_page(request, generation, {"text": text, "error": error}, status=422)
    try:
        appeal(generation, request.user, text)
    except DecisionError as error:
        messages.warning(request, str(error))
    else:
        messages.success(
            request, _("Sent. Another moderator looks at it, where there is one; you get a mail."), _ACCEPTED
        )
    return redirect("generation", pk)


def removed_generation(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Generation:
    """One of the person's own that moderators have removed. Raises Http404 for everybody else."""
    rows = Generation.objects.filter(pk=pk, deleted_at=None, taken_down_at__isnull=False)
    is_viewed_at = Exists(Case.objects.open().filter(generation=OuterRef("pk")))
    row = rows.select_related("team").annotate(is_viewed_at=is_viewed_at).first()
    if row is None or request.user.pk not in {row.user_id, row.assigned_to_id}:
        raise Http404
    return row


def removed_page(
    request: AuthenticatedHttpRequest, generation: Generation, typed: dict[str, str] | None = None, status: int = 410
) -> HttpResponse:
    context = {
        "generation": generation,
        "removal": removal_of(generation),
        "appeal": appeal_of(generation),
        "typed": typed or {},
    }
    return render(request, "generations/removed.html", context, status=status)
