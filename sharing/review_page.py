"""What a page shows of a review: to members all of it, to guests what is theirs to see."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generations.models import Generation, ReviewStatus
from sharing import review
from sharing.access import OpenLink
from sharing.models import Comment, Guest, Verdict
from sharing.review import Reviewer, may_moderate, threads, versions_and_people
from sharing.review_forms import GuestCommentForm, GuestVerdictForm, MemberCommentForm, VerdictForm

VERBS: dict[str, str | Promise] = {
    ReviewStatus.APPROVED: _("Approve"),
    ReviewStatus.CHANGES_WANTED: _("Request changes"),
}


@dataclass(frozen=True, slots=True)
class ShownComment:
    """A comment, with what this reviewer may do to it."""

    comment: Comment
    author: str
    url: str
    is_own: bool
    may_delete: bool
    may_moderate: bool
    may_resolve: bool
    replies: list["ShownComment"] = field(default_factory=list)
    reply_form: Form | None = None

    @property
    def is_seen_by_guests(self) -> bool:
        return (self.comment.is_public or self.comment.guest_id is not None) and not self.comment.hidden_at


def _shown(
    rows: Iterable[Comment], describe: Callable[[Comment], ShownComment], form: Form, parent: uuid.UUID | None
) -> list[ShownComment]:
    """`parent` is what a reply that was refused was meant for: there its text is shown again."""
    found = []
    for thread in threads(list(rows)):
        one = describe(thread.comment)
        one.replies.extend(describe(reply) for reply in thread.replies)
        if thread.comment.pk == parent:
            object.__setattr__(one, "reply_form", form)
        found.append(one)
    return found


def find_guest(opened: OpenLink) -> Guest | None:
    """Who this browser is on this link's pages, once it has given a name."""
    try:
        key = uuid.UUID(opened.visit.guest)
    except ValueError:
        return None
    return Guest.objects.filter(link=opened.link, pk=key).first()


def member_context(
    user: User,
    generation: Generation,
    *,
    form: Form | None = None,
    verdict_form: Form | None = None,
    parent: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Of the page of members. The forms are those that were refused."""
    shown_versions, known = versions_and_people(user, generation)
    form = form or MemberCommentForm(duration=generation.video.duration, people=known)
    reviewer, moderates = Reviewer(user), may_moderate(user, generation)

    def describe(row: Comment) -> ShownComment:
        is_own = reviewer.wrote(row)
        url = reverse("comment", args=[row.pk])
        return ShownComment(row, row.author, url, is_own, is_own or moderates, moderates, row.parent_id is None)

    rows = Comment.objects.filter(generation=generation).shown().select_related("user", "guest", "resolved_by")
    verdicts = list(Verdict.objects.filter(generation=generation).select_related("user", "guest"))
    own = next((one for one in verdicts if one.user_id == user.pk), None)
    return {
        "generation": generation,
        "comments": _shown(rows[: review.MAX_COMMENTS], describe, form, parent),
        "verdicts": verdicts,
        "versions": shown_versions,
        "comments_url": reverse("review", args=[generation.pk]),
        "verdict_url": reverse("review-verdict", args=[generation.pk]),
        **_forms(generation, form, verdict_form or VerdictForm(initial=_initial(own)), own, parent),
    }


def guest_context(
    opened: OpenLink,
    generation: Generation,
    *,
    form: Form | None = None,
    verdict_form: Form | None = None,
    parent: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Of the page of a link that allows comments."""
    guest = find_guest(opened)
    form = form or GuestCommentForm(duration=generation.video.duration, guest=guest)
    reviewer = Reviewer(guest=guest, link=opened.link)

    def describe(row: Comment) -> ShownComment:
        is_own = guest is not None and reviewer.wrote(row)
        url = reverse("share-comment", args=[opened.token, generation.pk, row.pk])
        return ShownComment(row, row.public_author, url, is_own, is_own, may_moderate=False, may_resolve=False)

    rows = Comment.objects.filter(generation=generation).shown_to_guests(opened.link).select_related("user", "guest")
    own = Verdict.objects.filter(generation=generation, guest=guest).first() if guest else None
    address = [opened.token, generation.pk]
    return {
        "guest": guest,
        "is_guest": True,
        "comments": _shown(rows[: review.MAX_COMMENTS], describe, form, parent),
        "comments_url": reverse("share-comments", args=address),
        "verdict_url": reverse("share-verdict", args=address),
        **_forms(generation, form, verdict_form or GuestVerdictForm(guest=guest, initial=_initial(own)), own, parent),
    }


def _initial(own: Verdict | None) -> dict[str, str]:
    return {"note": own.note} if own else {}


def _forms(
    generation: Generation, form: Form, verdict_form: Form, own: Verdict | None, parent: uuid.UUID | None
) -> dict[str, Any]:
    """A reply that was refused leaves the form for new comments as it was."""
    fresh = form
    if parent and isinstance(form, MemberCommentForm):
        fresh = MemberCommentForm(duration=generation.video.duration, people=list(form.people.values()))
    elif parent and isinstance(form, GuestCommentForm):
        fresh = GuestCommentForm(duration=generation.video.duration, guest=None if "name" in form.fields else Guest())
    return {"form": fresh, "verdict_form": verdict_form, "own_verdict": own, "verdict_verbs": VERBS.items()}
