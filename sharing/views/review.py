"""The review of a video by members: comments, verdicts, and versions side by side."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import AuthenticatedHttpRequest, login_required
from generations.access import visible_generation
from generations.models import Generation
from sharing import review as actions
from sharing.models import Comment
from sharing.review import Reviewer, people
from sharing.review_forms import CommentForm, MemberCommentForm, MemberTextForm, VerdictForm
from sharing.review_page import member_context


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The video with what was said about it; a POST says something more."""
    row = _video(request, pk)
    if request.method != "POST":
        return _page(request, row)
    form = MemberCommentForm(request.POST, duration=row.video.duration, people=people(row.team_id))
    parent = find_parent(form, Comment.objects.filter(generation=row).shown())
    if not form.is_valid():
        return _page(request, row, form=form, parent=parent and parent.pk)
    comment = actions.add_comment(row, Reviewer(request.user), form.columns(), parent)
    return _to(comment)


def find_parent(form: CommentForm, shown: Any) -> Comment | None:
    """What a reply answers: always the first of the thread. An error of the form when it is gone."""
    named = form.data.get("parent", "")
    if not named:
        return None
    try:
        found: Comment | None = shown.select_related("parent").filter(pk=uuid.UUID(named)).first()
    except ValueError:
        raise Http404 from None
    if found is None:
        form.add_error("text", _("The comment that this answers was deleted. Send this as a comment of its own."))
        return None
    return found.parent or found


def _video(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> Generation:
    row = visible_generation(request, pk)
    if getattr(row, "video", None) is None:
        raise Http404(_("There is no video yet."))
    return row


def _page(request: AuthenticatedHttpRequest, row: Generation, **refused: Any) -> HttpResponse:
    context = member_context(request.user, row, **refused)
    return render(request, "sharing/review.html", context, status=422 if refused else 200)


def _to(comment: Comment) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{redirect('review', comment.generation_id).url}#comment-{comment.pk}")


@require_POST
@login_required
def verdict(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    row = _video(request, pk)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return _page(request, row, verdict_form=form)
    given = actions.give_verdict(row, Reviewer(request.user), **form.cleaned_data)
    messages.success(request, _("Your verdict: %s.") % given.get_kind_display())
    return redirect("review", row.pk)


@require_POST
@login_required
def carry_over(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Copy the open comments of the version `from` to this one."""
    row = _video(request, pk)
    try:
        key = uuid.UUID(request.POST.get("from", ""))
    except ValueError:
        raise BadRequest("No such version.") from None
    origin = next((one for one in actions.versions(request.user, row) if one.pk == key and key != row.pk), None)
    if origin is None:
        raise Http404
    count = actions.carry_over(origin, row)
    text = ngettext("%d comment carried over.", "%d comments carried over.", count) % count
    messages.success(request, text if count else _("There was nothing to carry over."))
    return redirect("review", row.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def comment(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Edit one's own. `verb` of a POST is `save`, `delete`, `resolve`, `reopen`, `hide` or `show`."""
    shown = Comment.objects.shown().select_related("generation__team", "user", "guest", "parent")
    found = get_object_or_404(shown, pk=pk)
    row = visible_generation(request, found.generation_id)
    found.generation = row
    if request.method != "POST":
        return _edit(request, found)
    match request.POST.get("verb"):
        case "save":
            return _edit(request, found)
        case "delete":
            actions.delete_comment(found, Reviewer(request.user))
            return redirect("review", row.pk)
        case "resolve" | "reopen" as verb:
            actions.resolve_comment(found, request.user, is_resolved=verb == "resolve")
        case "hide" | "show" as verb:
            actions.hide_comment(found, request.user, is_hidden=verb == "hide")
        case _:
            raise BadRequest("No such verb.")
    return _to(found)


def _edit(request: AuthenticatedHttpRequest, found: Comment) -> HttpResponse:
    reviewer = Reviewer(request.user)
    if not reviewer.wrote(found):
        raise PermissionDenied
    is_sent = request.method == "POST"
    initial = {"text": found.text, "is_public": found.is_public}
    known = people(found.generation.team_id)
    form: Form = MemberTextForm(request.POST if is_sent else None, initial=initial, people=known)
    if is_sent and form.is_valid():
        actions.edit_comment(found, reviewer, form.cleaned_data)
        return _to(found)
    context = {"form": form, "comment": found, "generation": found.generation}
    return render(request, "sharing/comment.html", context, status=422 if is_sent else 200)
