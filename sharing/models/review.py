"""What people say about a video: comments at a moment or a range of it, and each reviewer's verdict."""

import uuid
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import NameField
from generations.models import Generation, ReviewStatus
from sharing.models.share_link import ShareLink

MAX_TEXT: Final = 2000  # characters of a comment and of a verdict's note
MAX_GUEST_NAME: Final = 60

_ONE_AUTHOR: Final = Q(user__isnull=False, guest=None) | Q(user=None, guest__isnull=False)


class Guest(models.Model):
    """Somebody without an account who has given a name on the page of a link. Nothing else is asked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="guests")
    name = NameField(_("name"), max_length=MAX_GUEST_NAME)
    made_at = models.DateTimeField(_("made at"), default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class CommentQuerySet(models.QuerySet["Comment"]):
    def shown(self) -> "CommentQuerySet":
        """To the team: an answer goes with the comment that it answers."""
        return self.filter(deleted_at=None).filter(Q(parent=None) | Q(parent__deleted_at=None))

    def shown_to_guests(self, link: ShareLink) -> "CommentQuerySet":
        """What members have made visible to guests, and what guests of the same link say; nothing hidden."""
        own, parents = Q(is_public=True) | Q(guest__link=link), Q(parent__is_public=True) | Q(parent__guest__link=link)
        rows = self.shown().filter(own, hidden_at=None)
        return rows.filter(Q(parent=None) | parents & Q(parent__hidden_at=None))

    def open(self) -> "CommentQuerySet":
        """What begins a thread, and is neither resolved nor hidden."""
        return self.shown().filter(parent=None, resolved_at=None, hidden_at=None)


class Comment(models.Model):
    """By a member or by a guest; about a moment, a range (both in milliseconds) or the whole of a version.

    `x` and `y` are a point of the frame, or the upper left corner of a rectangle, as fractions of its size.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="comments")
    guest = models.ForeignKey(Guest, on_delete=models.CASCADE, null=True, blank=True, related_name="comments")
    link = models.ForeignKey(
        ShareLink, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("came by")
    )
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="replies")
    carried_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("carried over from")
    )

    text = models.TextField(_("text"), max_length=MAX_TEXT)
    start_ms = models.PositiveIntegerField(_("start in ms"), null=True, blank=True)
    end_ms = models.PositiveIntegerField(_("end in ms"), null=True, blank=True)
    x = models.FloatField(null=True, blank=True)
    y = models.FloatField(null=True, blank=True)
    width = models.FloatField(null=True, blank=True)
    height = models.FloatField(null=True, blank=True)
    is_public = models.BooleanField(_("visible to guests"), default=False)

    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    hidden_at = models.DateTimeField(_("hidden at"), null=True, blank=True)
    hidden_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    notified_at = models.DateTimeField(_("people told at"), null=True, blank=True)

    objects: ClassVar = CommentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["generation", "created_at"], name="comment_of_generation"),
            models.Index(fields=["created_at"], name="comment_to_tell", condition=Q(notified_at=None)),
            models.Index(fields=["created_at"], name="comment_by_time"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ONE_AUTHOR, name="comment_has_one_author"),
            models.CheckConstraint(
                condition=Q(end_ms=None) | Q(start_ms__isnull=False, end_ms__gt=F("start_ms")),
                name="comment_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(x=None, y=None, width=None, height=None)
                | Q(x__gte=0, x__lte=1, y__gte=0, y__lte=1)
                & (Q(width=None, height=None) | Q(width__gt=0, width__lte=1, height__gt=0, height__lte=1)),
                name="comment_place_in_frame",
            ),
            models.UniqueConstraint(fields=["generation", "carried_from"], name="comment_carried_once"),
        ]

    def __str__(self) -> str:
        """Without its text, which is the team's."""
        return f"{self.author}, {self.pk}"

    @property
    def author(self) -> str:
        return str(self.user or self.guest)

    @property
    def public_author(self) -> str:
        """For guests, who learn nobody's address by mail: a person without a name shows that instead of one."""
        return str(_("A member of the team")) if self.user and not self.user.name else self.author

    @property
    def start(self) -> float | None:
        """In seconds."""
        return None if self.start_ms is None else self.start_ms / 1000

    @property
    def end(self) -> float | None:
        return None if self.end_ms is None else self.end_ms / 1000


class Mention(models.Model):
    """That a comment names a member of the team."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["comment", "user"], name="mention_once")]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.user_id}"


class Verdict(models.Model):
    """What one reviewer decides about one video; a later one takes its place."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="verdicts")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    guest = models.ForeignKey(Guest, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    link = models.ForeignKey(ShareLink, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    kind = models.CharField(_("verdict"), max_length=15, choices=ReviewStatus)
    note = models.TextField(_("note"), max_length=MAX_TEXT, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)
    notified_at = models.DateTimeField(_("people told at"), null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["at"], name="verdict_to_tell", condition=Q(notified_at=None)),
            models.Index(fields=["at"], name="verdict_by_time"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ONE_AUTHOR, name="verdict_has_one_author"),
            models.CheckConstraint(condition=Q(kind__in=ReviewStatus.values), name="verdict_known"),
            models.UniqueConstraint(fields=["generation", "user"], name="verdict_of_user"),
            models.UniqueConstraint(fields=["generation", "guest"], name="verdict_of_guest"),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.get_kind_display()}"

    @property
    def author(self) -> str:
        return str(self.user or self.guest)
