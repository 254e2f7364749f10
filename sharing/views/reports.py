"""Report a shared video to the moderators, without an account."""

import uuid
from typing import Final

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from generations.models import Cause, Report
from generations.moderation.cases import open_case
from generations.views.reports import ReportForm
from sharing.access import OpenLink
from sharing.http import public_post, with_link
from sharing.presentation import SharedVideo, find_titled

_MOST: Final = 5  # open reports of one video by one link: more say nothing new


@public_post
@require_http_methods(["GET", "HEAD", "POST"])
@with_link
def report(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """Nothing is asked about who reports; the moderators read by which link it came, and whose that is."""
    shared = find_titled(opened, pk)
    form = ReportForm(request.POST if request.method == "POST" else None)
    is_done = form.is_valid()
    if is_done:
        _save(opened, shared, form.cleaned_data)
    context = {"link": opened.link, "token": opened.token, "shared": shared, "form": form, "is_done": is_done}
    return render(request, "share/report.html", context, status=422 if form.is_bound and not is_done else 200)


@transaction.atomic
def _save(opened: OpenLink, shared: SharedVideo, values: dict[str, str]) -> None:
    source = _("guest of the share link “%(name)s” of %(who)s") % {"name": opened.link.name, "who": opened.link.made_by}
    source = source[: Report._meta.get_field("source").max_length]
    opened_ones = Report.objects.filter(generation=shared.generation, source=source, closed_by=None)
    if opened_ones.count() >= _MOST:
        return
    Report.objects.create(generation=shared.generation, source=source, **values)
    open_case(shared.generation, Cause.REPORT)
