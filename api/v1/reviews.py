"""What people say about a video: comments and verdicts, in the name of the key's person."""

import uuid

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router

from api.v1.callers import READ_MANAGED, SAY
from api.v1.http import authenticated, caller_of, lock, require_match, respond
from api.v1.pages import Keyset, Page, PageQuery, refuse_unknown, respond_page
from api.v1.problems import invalid, of_body, of_form
from api.v1.schemas.review import (
    CommentEdit,
    CommentIn,
    CommentOut,
    VerdictIn,
    VerdictOut,
    VerdictsOut,
    comment_out,
    verdict_out,
)
from generations.access import visible_generation
from generations.models import Generation
from sharing import review
from sharing.models import Comment
from sharing.review import Reviewer
from sharing.review_forms import MemberCommentForm, MemberTextForm

of_generation = Router(tags=["Comments and verdicts"])
router = Router(tags=["Comments and verdicts"])
_BY_TIME = Keyset("created_at", "id", is_descending=False)
_PEOPLE = ("user", "guest", "resolved_by")
_PLACE = ("x", "y", "width", "height")


@of_generation.get(
    "/{uuid:id}/comments",
    auth=READ_MANAGED,
    response=Page[CommentOut],
    operation_id="listComments",
    url_name="v1-generation-comments",
)
def list_comments(request: HttpRequest, id: uuid.UUID, query: Query[PageQuery]) -> HttpResponse:  # noqa: A002
    """As the team sees them, the earliest first; an answer names what it answers."""
    refuse_unknown(request, PageQuery)
    row = visible_generation(authenticated(request), id)
    rows = Comment.objects.filter(generation=row).shown().select_related(*_PEOPLE)
    page, following = _BY_TIME.select(rows, query)
    return respond_page(request, page, following, comment_out)


@of_generation.post(
    "/{uuid:id}/comments",
    auth=SAY,
    response={201: CommentOut},
    operation_id="createComment",
    url_name="v1-generation-comments",
)
def create_comment(request: HttpRequest, id: uuid.UUID, body: CommentIn) -> HttpResponse:  # noqa: A002
    """Of a finished video. Members whose names stand in the text behind an @ are told."""
    row = _video(request, id)
    values = body.model_dump(exclude={"reply_to"})
    values |= {name: None if values[name] is None else values[name] * 100 for name in _PLACE}  # the form has percent
    form = MemberCommentForm(values, duration=row.video.duration, people=[])
    if not form.is_valid():
        raise of_form(form)
    parent = _parent(row, body.reply_to) if body.reply_to else None
    made = review.add_comment(row, Reviewer(caller_of(request).user), form.columns(), parent)
    return respond(comment_out(made), 201, Location=f"/api/v1/comments/{made.pk}")


@of_generation.get(
    "/{uuid:id}/verdicts",
    auth=READ_MANAGED,
    response=VerdictsOut,
    operation_id="listVerdicts",
    url_name="v1-generation-verdicts",
)
def list_verdicts(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """The latest of each reviewer, guests included, and what they come to."""
    refuse_unknown(request)
    row = visible_generation(authenticated(request), id)
    found = [verdict_out(one) for one in row.verdicts.select_related("user", "guest")]
    return respond(VerdictsOut(status=row.review_status, data=found))


@of_generation.put(
    "/{uuid:id}/verdict",
    auth=SAY,
    response=VerdictOut,
    operation_id="giveVerdict",
    url_name="v1-generation-verdict",
)
def give_verdict(request: HttpRequest, id: uuid.UUID, body: VerdictIn) -> HttpResponse:  # noqa: A002
    """In the place of the one that the person gave before."""
    row = _video(request, id)
    return respond(verdict_out(review.give_verdict(row, Reviewer(caller_of(request).user), body.kind, body.note)))


@router.get("/{uuid:id}", auth=READ_MANAGED, response=CommentOut, operation_id="getComment", url_name="v1-comment")
def get_comment(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """One comment, or one answer to it."""
    return respond(comment_out(_find(request, id)))


@router.patch("/{uuid:id}", auth=SAY, response=CommentOut, operation_id="editComment", url_name="v1-comment")
def edit_comment(request: HttpRequest, id: uuid.UUID, body: CommentEdit) -> HttpResponse:  # noqa: A002
    """One’s own."""
    form = MemberTextForm(body.model_dump(), people=[])
    with transaction.atomic():
        lock(Comment, id)
        found = _find(request, id)
        require_match(request, comment_out(found))
        if not form.is_valid():
            raise of_form(form)
        review.edit_comment(found, Reviewer(caller_of(request).user), form.cleaned_data)
    return respond(comment_out(_find(request, id)))


@router.delete("/{uuid:id}", auth=SAY, response={204: None}, operation_id="deleteComment", url_name="v1-comment")
def delete_comment(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """One’s own; anybody’s of a video that is one’s own, or whose team one may delete in."""
    with transaction.atomic():
        lock(Comment, id)
        found = _find(request, id)
        require_match(request, comment_out(found))
        review.delete_comment(found, Reviewer(caller_of(request).user))
    return HttpResponse(status=204)


@router.post(
    "/{uuid:id}/resolve", auth=SAY, response=CommentOut, operation_id="resolveComment", url_name="v1-comment-resolve"
)
def resolve_comment(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """Mark what it asks for as done."""
    return _resolve(request, id, is_resolved=True)


@router.post(
    "/{uuid:id}/reopen", auth=SAY, response=CommentOut, operation_id="reopenComment", url_name="v1-comment-reopen"
)
def reopen_comment(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """What it asks for is open again."""
    return _resolve(request, id, is_resolved=False)


def _resolve(request: HttpRequest, pk: uuid.UUID, *, is_resolved: bool) -> HttpResponse:
    review.resolve_comment(_find(request, pk), caller_of(request).user, is_resolved=is_resolved)
    return respond(comment_out(_find(request, pk)))


def _find(request: HttpRequest, pk: uuid.UUID) -> Comment:
    """Of a video that the key's person sees."""
    shown = Comment.objects.shown().select_related("generation__team", "parent", *_PEOPLE)
    found: Comment = get_object_or_404(shown, pk=pk)
    found.generation = visible_generation(authenticated(request), found.generation_id)
    return found


def _video(request: HttpRequest, pk: uuid.UUID) -> Generation:
    row = visible_generation(authenticated(request), pk)
    if getattr(row, "video", None) is None:
        raise Http404
    return row


def _parent(row: Generation, pk: uuid.UUID) -> Comment:
    """What a reply answers: always the first of the thread."""
    found = Comment.objects.filter(generation=row).shown().select_related("parent").filter(pk=pk).first()
    if found is None:
        raise invalid([of_body("reply_to", _("There is no such comment, or not any more."))])
    return found.parent or found
