"""Guests of a link comment and decide, where the link allows it; what they may is asked anew each time."""

import uuid
from typing import Any

from django.core.exceptions import BadRequest
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from generations.models import Generation
from sharing import review
from sharing.access import NotAllowedError, OpenLink
from sharing.http import client_address, public_post, with_link
from sharing.models import Comment, Guest, GuestPost
from sharing.presentation import find_titled
from sharing.review import Reviewer
from sharing.review_forms import GuestCommentForm, GuestVerdictForm, TextForm
from sharing.review_page import find_guest
from sharing.views.public import video_page
from sharing.views.review import find_parent

_METHODS = ["GET", "HEAD", "POST"]


@public_post
@require_http_methods(_METHODS)
@with_link
def comments(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """Say something; a GET shows the video's page."""
    row = _commented(opened, pk)
    if request.method != "POST":
        return video_page(request, opened, pk)
    form = GuestCommentForm(request.POST, duration=row.video.duration, guest=find_guest(opened))
    shown = Comment.objects.filter(generation=row).shown_to_guests(opened.link)
    parent = find_parent(form, shown)
    if not _may_post(request, opened, form, "text"):
        return video_page(request, opened, pk, form=form, parent=parent and parent.pk)
    comment = review.add_comment(row, _reviewer(opened, form), form.columns(), parent)
    return _back(request, opened, pk, f"#comment-{comment.pk}")


@public_post
@require_http_methods(_METHODS)
@with_link
def verdict(request: HttpRequest, opened: OpenLink, pk: uuid.UUID) -> HttpResponseBase:
    """Approve it or request changes; a GET shows the video's page."""
    row = _commented(opened, pk)
    if request.method != "POST":
        return video_page(request, opened, pk)
    form = GuestVerdictForm(request.POST, guest=find_guest(opened))
    if not _may_post(request, opened, form, "note"):
        return video_page(request, opened, pk, verdict_form=form)
    values = form.cleaned_data
    review.give_verdict(row, _reviewer(opened, form), values["kind"], values["note"])
    return _back(request, opened, pk, "#verdict")


@public_post
@require_http_methods(_METHODS)
@with_link
def comment(request: HttpRequest, opened: OpenLink, pk: uuid.UUID, comment: uuid.UUID) -> HttpResponseBase:
    """Edit or delete one's own: `verb` of a POST is `save` or `delete`."""
    row = _commented(opened, pk)
    guest = find_guest(opened)
    shown = Comment.objects.filter(generation=row, guest=guest).shown_to_guests(opened.link)
    found = shown.select_related("guest").filter(pk=comment).first() if guest else None
    if guest is None or found is None:
        raise Http404("No such comment.")
    found.generation = row
    if request.method == "POST" and request.POST.get("verb") not in {"save", "delete"}:
        raise BadRequest("No such verb.")
    if request.POST.get("verb") == "delete":
        review.delete_comment(found, Reviewer(guest=guest))
        return _back(request, opened, pk, "#review")
    return _edit(request, opened, found, guest)


def _edit(request: HttpRequest, opened: OpenLink, found: Comment, guest: Guest) -> HttpResponseBase:
    is_sent = request.method == "POST"
    form = TextForm(request.POST if is_sent else None, initial={"text": found.text})
    pk = found.generation_id
    if is_sent and _may_post(request, opened, form, "text"):
        review.edit_comment(found, Reviewer(guest=guest), form.cleaned_data)
        return _back(request, opened, pk, f"#comment-{found.pk}")
    context: dict[str, Any] = {
        "form": form,
        "comment": found,
        "link": opened.link,
        "token": opened.token,
        "shared": find_titled(opened, pk),
    }
    return render(request, "share/comment.html", context, status=422 if is_sent else 200)


def _commented(opened: OpenLink, pk: uuid.UUID) -> Generation:
    row = opened.video(pk)
    if not opened.link.allows_comments:
        raise NotAllowedError(_("This link does not allow comments."))
    return row


def _may_post(request: HttpRequest, opened: OpenLink, form: Form, field: str) -> bool:
    """Whether the form is good and the guest has not written too much of late; that is said beside the field."""
    if not form.is_valid():
        return False
    if GuestPost.objects.claim(opened.link, opened.visit.guest, client_address(request)):
        return True
    form.add_error(field, _("Too much was written at once. Wait some minutes, then send it again."))
    return False


def _reviewer(opened: OpenLink, form: Form) -> Reviewer:
    """The guest of this browser, who is made with the first thing that they say."""
    guest = find_guest(opened)
    if guest is None:
        guest = Guest.objects.create(link=opened.link, name=form.cleaned_data["name"])
        opened.visit.guest = str(guest.pk)
    return Reviewer(guest=guest, link=opened.link)


def _back(request: HttpRequest, opened: OpenLink, pk: uuid.UUID, to: str) -> HttpResponseRedirect:
    response = HttpResponseRedirect(reverse("share-video", args=[opened.token, pk]) + to)
    opened.visit.keep(response, opened.token, is_secure=request.is_secure())
    return response
