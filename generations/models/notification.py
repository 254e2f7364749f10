"""What a person is told: a line under the bell, and a mail that may still have to be sent."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import or_
from typing import ClassVar, Final

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Invitation, Membership, MembershipChange, Team, User
from accounts.notification_kinds import Kind
from accounts.roles import Action
from generations.models.generation import Generation
from generations.models.hold import Hold
from generations.models.moderation_case import CaseNote, Decision, Report

MODERATE: Final = "moderate"  # the permission's codename


class NotificationQuerySet(models.QuerySet["Notification"]):
    def in_bell_of(self, user: User) -> "NotificationQuerySet":
        return self.filter(user=user, in_bell=True)

    def visible_to(self, user: User, kinds: Iterable[str] = Kind.values) -> "NotificationQuerySet":
        """Of these kinds, those whose subject the person may still see, and that still ask something where they did.

        The fewer kinds, the sooner PostgreSQL knows how to find out.
        """
        rules = [rule(user) for kind in sorted(kinds) for rule in _RULES[Kind(kind)]]
        return self.filter(reduce(or_, rules)) if rules else self.none()


class Notification(models.Model):
    """One thing that one person is told once. `in_bell` and `email_due_at` say how, by the person's settings.

    Which of the references is set depends on the kind. Of an order, `generation` stands for all, and `created_at` is
    the `notified_at` of those that ended with it. `email_due_at` is empty once the mail is out, or when none is wanted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    in_bell = models.BooleanField(_("in the bell"), default=True)

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, null=True, related_name="+")
    batch = models.UUIDField(_("batch"), null=True, blank=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, null=True, related_name="+")
    report = models.ForeignKey(Report, on_delete=models.CASCADE, null=True, related_name="+")
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, null=True, related_name="+")
    change = models.ForeignKey(MembershipChange, on_delete=models.CASCADE, null=True, related_name="+")
    case_note = models.ForeignKey(CaseNote, on_delete=models.CASCADE, null=True, related_name="+")
    count = models.PositiveIntegerField(_("how many it is about"), default=1)
    failed = models.PositiveIntegerField(_("how many were not made"), default=0)

    email_due_at = models.DateTimeField(_("mail due at"), null=True, blank=True)
    email_attempts = models.PositiveSmallIntegerField(_("failed tries of the mail"), default=0)

    objects: ClassVar = NotificationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["user", "-created_at"], name="notification_unread", condition=Q(read_at=None, in_bell=True)
            ),
            models.Index(fields=["user", "-created_at"], name="notification_of_user", condition=Q(in_bell=True)),
            models.Index(fields=["user", "-changed_at"], name="notification_changed", condition=Q(in_bell=True)),
            models.Index(fields=["email_due_at"], name="notification_email", condition=Q(email_due_at__isnull=False)),
            models.Index(fields=["created_at"], name="notification_by_age"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="notification_kind_known"),
            models.UniqueConstraint(
                fields=["user", "generation"],
                condition=Q(kind=Kind.REVIEW, read_at=None),
                name="notification_one_unread_review",
            ),
            models.UniqueConstraint(fields=["user", "decision"], name="notification_once_a_decision"),
            models.UniqueConstraint(fields=["user", "report"], name="notification_once_a_report"),
            models.UniqueConstraint(fields=["user", "case_note"], name="notification_once_a_case_note"),
            models.UniqueConstraint(fields=["user", "invitation"], name="notification_once_an_invitation"),
            models.UniqueConstraint(fields=["user", "change"], name="notification_once_a_change"),
        ]

    def __str__(self) -> str:
        """Without what it is about, which may be private."""
        return f"{self.get_kind_display()}, {self.created_at:%Y-%m-%d %H:%M}"


def moderators() -> "models.QuerySet[User]":
    """Staff who may decide cases, now."""
    permission = {"content_type__app_label": "generations", "codename": MODERATE}
    by_user = {f"user_permissions__{name}": value for name, value in permission.items()}
    by_group = {f"groups__permissions__{name}": value for name, value in permission.items()}
    may = User.objects.filter(Q(is_superuser=True) | Q(**by_user) | Q(**by_group)).order_by().values("pk")
    is_free = Q(suspended_until=None) | Q(suspended_until__lte=timezone.now())
    return User.objects.filter(is_free, pk__in=may, is_active=True, is_staff=True)


def _visible_order(user: User) -> Q:
    """Something of it is still there to be seen."""
    rows = Generation.objects.visible_to(user).order_by()
    its = Q(pk=OuterRef("generation")) | Q(batch=OuterRef("batch"), user=user, notified_at=OuterRef("created_at"))
    return Q(Exists(rows.filter(its)), kind=Kind.ORDER)


def _open_approval(user: User) -> Q:
    """It still waits, and the person may still decide."""
    open_ones = Hold.objects.open().filter(kind=Hold.Kind.APPROVAL)
    its = Q(generation=OuterRef("generation")) | Q(generation__batch=OuterRef("batch"))
    return Q(_in_team(user, Action.APPROVE), Exists(open_ones.filter(its)), kind=Kind.APPROVAL)


def _open_invitation(user: User) -> Q:
    open_ones = Invitation.objects.open().filter(pk=OuterRef("invitation")).exclude(team__members=user)
    return Q(Exists(open_ones), kind=Kind.INVITATION)


def _change_of_membership(user: User) -> Q:
    """Of a role only as long as there is a membership; that one was removed stays true."""
    return Q(kind=Kind.MEMBERSHIP) & (~Q(change__kind=MembershipChange.Kind.ROLE) | _in_team(user, Action.VIEW))


def _decided_video(user: User) -> Q:
    """The owner's, or of a team that the person manages."""
    own = Q(decision__generation__user=user) | Q(decision__generation__assigned_to=user)
    exists = Q(decision__generation__deleted_at=None)
    return Q(kind=Kind.TAKE_DOWN) & exists & (own | Q(team__isnull=False) & _in_team(user, Action.MANAGE))


def _open_report(user: User) -> Q:
    """For moderators, and for who manages the team and sees the video."""
    seen = Generation.objects.visible_to(user).order_by().filter(pk=OuterRef("generation"))
    may = Exists(moderators().filter(pk=user.pk)) | Q(Exists(seen), _in_team(user, Action.MANAGE))
    return Q(may, kind=Kind.REPORT, report__isnull=False, report__closed_by=None)


def _handed_case(user: User) -> Q:
    """As long as it is open, and with this moderator."""
    theirs = Q(case_note__case__assigned_to=user, case_note__case__closed_at=None, kind=Kind.REPORT)
    return theirs & Q(Exists(moderators().filter(pk=user.pk)))


def _visible_video(user: User) -> Q:
    seen = Generation.objects.visible_to(user).order_by().filter(pk=OuterRef("generation"))
    return Q(Exists(seen), kind=Kind.REVIEW)


def _in_team(user: User, action: Action) -> Q:
    return Q(Exists(Membership.objects.who_may(action).filter(team=OuterRef("team"), user=user)))


_RULES: Final[Mapping[Kind, tuple[Callable[[User], Q], ...]]] = {
    Kind.ORDER: (_visible_order,),
    Kind.APPROVAL: (_open_approval,),
    Kind.INVITATION: (_open_invitation,),
    Kind.MEMBERSHIP: (_change_of_membership,),
    Kind.TAKE_DOWN: (_decided_video,),
    Kind.REPORT: (_open_report, _handed_case),
    Kind.REVIEW: (_visible_video,),
}
