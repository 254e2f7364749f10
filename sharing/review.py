"""Comment on a video and decide about it, in the name of a member or of a guest of a link."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import JSONObject
from django.utils import timezone

from accounts.models import User
from accounts.rights import rights_of
from accounts.roles import Action
from generations.models import Generation, ReviewStatus
from generations.models.generation_queryset import GenerationQuerySet
from sharing.models import Comment, CommentQuerySet, Guest, Mention, ShareLink, Verdict

MAX_COMMENTS: Final = 500  # on a page
MAX_VERSIONS: Final = 100
_MAX_PEOPLE: Final = 200  # that are offered for a mention
_PLACE: Final = ("start_ms", "end_ms", "x", "y", "width", "height")
_TREE: Final = """
WITH RECURSIVE up (id, parent_id, depth) AS (
    SELECT id, parent_id, 0 FROM generations_generation WHERE id = %s
    UNION ALL
    SELECT g.id, g.parent_id, up.depth + 1 FROM generations_generation g JOIN up ON g.id = up.parent_id
    WHERE up.depth < 1000
), tree (id) AS (
    (SELECT id FROM up ORDER BY depth DESC LIMIT 1)
    UNION
    SELECT g.id FROM generations_generation g JOIN tree ON g.parent_id = tree.id
)
SELECT id FROM tree
"""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who comments: a member, or a guest by a link."""

    user: User | None = None
    guest: Guest | None = None
    link: ShareLink | None = None

    def columns(self) -> dict[str, Any]:
        return {"user": self.user, "guest": self.guest}

    def wrote(self, comment: Comment) -> bool:
        own = (self.user and self.user.pk, self.guest and self.guest.pk)
        return own == (comment.user_id, comment.guest_id)


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and what was answered to it."""

    comment: Comment
    replies: list[Comment]


def threads(rows: Iterable[Comment]) -> list[Thread]:
    """By the moment of the video that they are about; those about all of it come first."""
    found = {row.pk: Thread(row, []) for row in rows if row.parent_id is None}
    for row in rows:
        if row.parent_id in found:
            found[row.parent_id].replies.append(row)
    return sorted(found.values(), key=lambda one: (one.comment.start_ms or 0, one.comment.created_at))


def versions(user: User, generation: Generation) -> GenerationQuerySet:
    """Retries and remixes of one shot, from its first request on, as far as the person sees them; the newest first."""
    shown = Q(comments__deleted_at=None, comments__hidden_at=None, comments__isnull=False)
    tree = RawSQL(_TREE, [generation.pk])  # noqa: S611  # a constant
    rows = Generation.objects.visible_to(user).filter(pk__in=tree, video__isnull=False)
    counted = rows.annotate(
        comment_count=Count("comments", filter=shown & ~Q(comments__parent__deleted_at__isnull=False))
    )
    return counted.order_by("-created_at", "-id")


def may_moderate(user: User, generation: Generation) -> bool:
    """Hide and delete what others say of it: whose it is, and who may delete others' videos in its team."""
    own = {generation.user_id, generation.assigned_to_id}
    return user.pk in own or rights_of(user).may(Action.DELETE, generation.team_id)


def versions_and_people(user: User, generation: Generation) -> tuple[list[Generation], list[User]]:
    """The same, and whom a member can mention: one query for both."""
    named = _people(generation.team_id).values(values=JSONObject(id="pk", name="name"))
    found: list[Any] = list(versions(user, generation).annotate(people=ArraySubquery(named))[:MAX_VERSIONS])
    return found, [User(**values) for values in found[0].people] if found else []


def people(team_id: uuid.UUID) -> list[User]:
    """Whom a member can mention: by their names, so that no address by mail gets into a text that guests read."""
    return list(_people(team_id))


def _people(team_id: uuid.UUID) -> QuerySet[User]:
    rows = User.objects.filter(memberships__team=team_id, is_active=True).exclude(name="")
    return rows.only("name").order_by("name", "pk")[:_MAX_PEOPLE]


@transaction.atomic
def add_comment(generation: Generation, by: Reviewer, values: dict[str, Any], parent: Comment | None) -> Comment:
    """`values` are columns. A reply is about the moment of the comment that it answers."""
    place = {} if parent else {name: values.get(name) for name in _PLACE}
    comment = Comment.objects.create(
        generation=generation,
        parent=parent,
        link=by.link,
        text=values["text"],
        is_public=values.get("is_public", False),
        **by.columns(),
        **place,
    )
    if by.user:
        _save_mentions(comment, values.get("mention"))
    return comment


def edit_comment(comment: Comment, by: Reviewer, values: dict[str, Any]) -> None:
    """One's own. Raises PermissionDenied."""
    if not by.wrote(comment):
        raise PermissionDenied
    columns = {name: values[name] for name in ("text", "is_public") if name in values}
    with transaction.atomic():
        Comment.objects.filter(pk=comment.pk, deleted_at=None).update(**columns, edited_at=timezone.now())
        comment.text = values["text"]
        if by.user:
            _save_mentions(comment, values.get("mention"))


def _save_mentions(comment: Comment, chosen: User | None) -> None:
    """Those who are named by `@` in the text, and who was chosen beside it; of people of the team alone."""
    named = [chosen] if chosen else []
    if "@" in comment.text:
        named += mentioned(comment.text, people(comment.generation.team_id))
    comment.mentions.exclude(user__in=named).delete()
    Mention.objects.bulk_create((Mention(comment=comment, user=user) for user in set(named)), ignore_conflicts=True)


def mentioned(text: str, known: Iterable[User]) -> list[User]:
    """Where one name begins another, the longer one is meant."""
    by_name: dict[str, list[User]] = {}
    for user in known:
        by_name.setdefault(user.name.casefold(), []).append(user)
    names = sorted(by_name, key=len, reverse=True)
    if not names:
        return []
    found = re.findall(rf"(?<!\w)@({'|'.join(map(re.escape, names))})(?!\w)", text.casefold())
    return [user for name in dict.fromkeys(found) for user in by_name[name]]


def delete_comment(comment: Comment, by: Reviewer) -> None:
    """One's own, or anybody's for who moderates. Raises PermissionDenied."""
    if not by.wrote(comment) and not (by.user and may_moderate(by.user, comment.generation)):
        raise PermissionDenied
    Comment.objects.filter(pk=comment.pk, deleted_at=None).update(deleted_at=timezone.now())


def hide_comment(comment: Comment, by: User, *, is_hidden: bool) -> None:
    """From guests, also from the one who wrote it. Raises PermissionDenied."""
    if not may_moderate(by, comment.generation):
        raise PermissionDenied
    values = {"hidden_at": timezone.now(), "hidden_by": by} if is_hidden else {"hidden_at": None, "hidden_by": None}
    Comment.objects.filter(pk=comment.pk).update(**values)


def remove_comments(rows: CommentQuerySet, by: User) -> int:
    """By who moderates the whole studio: nobody reads them any more, and the rows say whose doing that is."""
    now = timezone.now()
    return rows.filter(deleted_at=None).update(deleted_at=now, hidden_at=now, hidden_by=by)


def resolve_comment(comment: Comment, by: User, *, is_resolved: bool) -> None:
    values = (
        {"resolved_at": timezone.now(), "resolved_by": by}
        if is_resolved
        else {"resolved_at": None, "resolved_by": None}
    )
    Comment.objects.filter(pk=comment.pk, parent=None).update(**values)


@transaction.atomic
def give_verdict(generation: Generation, by: Reviewer, kind: str, note: str) -> Verdict:
    """In the place of the one that the reviewer gave before. People are told again."""
    Generation.objects.select_for_update(of=("self",)).get(pk=generation.pk)  # one after the other
    values = {"kind": kind, "note": note, "link": by.link, "at": timezone.now(), "notified_at": None}
    verdict, _ = Verdict.objects.update_or_create(generation=generation, **by.columns(), defaults=values)
    _save_status(generation)
    return verdict


def _save_status(generation: Generation) -> None:
    kinds = set(generation.verdicts.order_by().values_list("kind", flat=True))
    decided = [kind for kind in (ReviewStatus.CHANGES_WANTED, ReviewStatus.APPROVED) if kind in kinds]
    generation.review_status = decided[0] if decided else ""
    changed = Generation.objects.filter(pk=generation.pk).exclude(review_status=generation.review_status)
    changed.update(review_status=generation.review_status, changed_at=timezone.now())  # open pages are told


def carry_over(origin: Generation, target: Generation) -> int:
    """Copy the open comments of another version, each once, in the name of who wrote them; how many that were.

    Nobody is told of a copy: of the comment they were told.
    """
    here = Comment.objects.filter(generation=target)
    known = set(here.filter(carried_from__isnull=False).values_list("carried_from", flat=True))
    rows = Comment.objects.filter(generation=origin).open().select_related("carried_from")
    first = {row: row.carried_from or row for row in rows}
    copies = [
        _copy(row, one, target) for row, one in first.items() if one.pk not in known and one.generation_id != target.pk
    ]
    try:
        with transaction.atomic():
            return len(Comment.objects.bulk_create(copies))
    except IntegrityError:  # another press has copied them meanwhile
        return 0


def _copy(comment: Comment, first: Comment, target: Generation) -> Comment:
    """A moment behind the end of a shorter version is its end."""
    names = ("user_id", "guest_id", "link_id", "text", "x", "y", "width", "height", "is_public", "created_at")
    kept = {name: getattr(comment, name) for name in names}
    last = round(target.video.duration * 1000)
    start, end = (None if ms is None else min(ms, last) for ms in (comment.start_ms, comment.end_ms))
    return Comment(
        generation=target,
        carried_from=first,
        notified_at=timezone.now(),
        start_ms=start,
        end_ms=end if end is not None and start is not None and end > start else None,
        **kept,
    )


def delete_reviews_of_deleted_videos() -> int:
    """Of what is gone for good, what was said goes too; how many comments and verdicts."""
    gone = {"generation__deleted_at__isnull": False}
    comments, verdicts = Comment.objects.filter(**gone), Verdict.objects.filter(**gone)
    return comments.delete()[0] + verdicts.delete()[0]
