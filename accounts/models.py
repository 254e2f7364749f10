"""Users, teams, memberships, invitations and impersonations."""

import hashlib
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.names import NameField
from accounts.notification_kinds import Channel, Kind, is_on
from accounts.roles import Action, Role, roles_that_may

if TYPE_CHECKING:
    from accounts.credentials import Credentials
    from accounts.rights import Rights

SECOND_FACTORS = ("totp", "webauthn")  # of allauth's authenticators; recovery codes alone are none


class Review(models.TextChoices):
    """When a moderator looks at what is made."""

    SITE = "", _("As on the whole site")
    AFTER = "after", _("After: others see it at once")
    BEFORE = "before", _("Before: others see it when it is approved")


class Theme(models.TextChoices):
    AUTO = "auto", _("As the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class UserManager(BaseUserManager["User"]):
    @transaction.atomic
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user with a personal team. A user with no password can only sign in by a reset link."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        Team.objects.create_personal(user)
        return user

    @transaction.atomic
    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """The address counts as verified: the first superuser must get in before mails work."""
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person, known by their email address."""

    username = None  # type: ignore[assignment]  # Django's way to drop the field
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)
    name = NameField(_("name"), max_length=150, blank=True)
    notification_settings = models.JSONField(
        _("notification settings"),
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text=_("What differs from the usual."),
    )

    blur_thumbnails = models.BooleanField(
        _("blur thumbnails"),
        default=True,
        db_default=True,
        help_text=_("Of videos in the admin, until one points at them."),
    )
    theme = models.CharField(_("theme"), max_length=5, choices=Theme, default=Theme.AUTO)
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, help_text=_("Of dates on pages, in filters and in mails.")
    )
    browser_zone = models.CharField(_("time zone of the browser"), max_length=64, blank=True, editable=False)
    avatar_key = models.CharField(_("key of the picture in the bucket"), max_length=300, blank=True)
    defaults = models.JSONField(
        _("default parameters"), default=dict, blank=True, help_text=_("What a fresh form holds, by its field names.")
    )

    suspended_until = models.DateTimeField(_("suspended until"), null=True, blank=True)
    suspension_reason = models.TextField(_("reason of the suspension"), blank=True, max_length=1000)

    known_memberships: "list[Membership] | None" = None  # as they were when the request came; see accounts.rights
    rights: "Rights | None" = None  # of a request that changes nothing
    known_credentials: "Credentials | None" = None  # the same; see accounts.credentials

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # typeshed's manager is for usernames

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="user_email_ignores_case")]

    def __str__(self) -> str:
        return self.get_short_name()

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name or self.email.partition("@")[0]

    def wants(self, kind: Kind, channel: Channel) -> bool:
        """Whether they are told of such things by this channel."""
        return is_on(self.notification_settings, kind, channel)

    @property
    def browser_notices(self) -> bool:
        return self.wants(Kind.ORDER, Channel.BROWSER)

    @property
    def is_suspended(self) -> bool:
        return self.suspended_until is not None and self.suspended_until > timezone.now()

    @property
    def has_second_factor(self) -> bool:
        return User.objects.filter(pk=self.pk, authenticator__type__in=SECOND_FACTORS).exists()

    @property
    def avatar_version(self) -> str:
        """A part of its address, so that a browser may keep the picture for as long as it is this one."""
        return self.avatar_key.rpartition("/")[2].removesuffix(".webp")


class TeamQuerySet(models.QuerySet["Team"]):
    def of(self, user: User) -> "TeamQuerySet":
        """The teams that the user belongs to, their personal one first."""
        others_after = models.Case(models.When(personal_of=user, then=0), default=1)
        return self.filter(memberships__user=user).order_by(others_after, "name")

    def where_may(self, user: User, action: Action) -> "TeamQuerySet":
        """The teams in which the user's role allows the action, their personal one first.

        One that needs a second factor opens to nobody without one.
        """
        if user.rights:
            return self.of(user).filter(pk__in=[team.pk for team in user.rights.teams_where_may(action)])
        roles = roles_that_may(action)
        return self.of(user).filter(_open_to(user), memberships__user=user, memberships__role__in=roles)

    def left_by(self, user: User) -> "TeamQuerySet":
        """The teams to which the user belongs no more. What they kept private there is still theirs."""
        return self.filter(_open_to(user), former_memberships__user=user).exclude(memberships__user=user)


def _open_to(user: User) -> models.Q:
    factors = User.objects.filter(pk=user.pk, authenticator__type__in=SECOND_FACTORS)
    return models.Q(needs_second_factor=False) | models.Q(models.Exists(factors))


class TeamManager(models.Manager["Team"]):
    def get_queryset(self) -> TeamQuerySet:
        return TeamQuerySet(self.model, using=self._db)

    def of(self, user: User) -> TeamQuerySet:
        return self.get_queryset().of(user)

    def where_may(self, user: User, action: Action) -> TeamQuerySet:
        return self.get_queryset().where_may(user, action)

    def left_by(self, user: User) -> TeamQuerySet:
        return self.get_queryset().left_by(user)

    @transaction.atomic
    def create_personal(self, user: User) -> "Team":
        """The team that every user has to themselves."""
        name = user.get_short_name()[: self.model._meta.get_field("name").max_length]
        team = self.create_named(name, personal_of=user)
        Membership.objects.create(team=team, user=user, role=Role.OWNER)
        return team

    def create_named(self, name: str, **fields: Any) -> "Team":
        """A team with a slug like its name, and unlike that of every other."""
        slug = slugify(name)[:40] or "team"
        try:
            with transaction.atomic():
                return self.create(name=name, slug=slug, **fields)
        except IntegrityError:  # somebody else's team has that name
            suffix = get_random_string(6, "abcdefghjkmnpqrstuvwxyz23456789")
            return self.create(name=name, slug=f"{slug}-{suffix}", **fields)


class Team(models.Model):
    """People who share videos and a bill. Its id is part of its objects' keys in the bucket."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameField(_("name"), max_length=100)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    personal_of = models.OneToOneField(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="personal_team",
        verbose_name=_("personal of"),
    )
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    monthly_limit_cents = models.PositiveIntegerField(
        _("monthly limit in US cents"), null=True, blank=True, help_text=_("For all members together; none without it.")
    )
    approval_above_cents = models.PositiveIntegerField(
        _("amount above which a request waits for a yes, in US cents"),
        null=True,
        blank=True,
        help_text=_("Of one press of the button; none without it."),
    )
    domains = ArrayField(
        models.CharField(max_length=253),
        verbose_name=_("email domains"),
        default=list,
        blank=True,
        help_text=_("Whoever has shown an address there to be theirs may join by themselves, as a member."),
    )
    is_private = models.BooleanField(
        _("new videos are private"), default=False, help_text=_("Nobody but their makers see them, until they say so.")
    )
    review = models.CharField(_("review"), max_length=6, choices=Review, default=Review.SITE, blank=True)
    needs_second_factor = models.BooleanField(
        _("requires two-factor authentication"), default=False, help_text=_("Members without one see nothing of it.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(
        _("deleted at"), null=True, blank=True, help_text=_("Its books stay, and its videos with whoever got them.")
    )

    objects: ClassVar[TeamManager] = TeamManager()

    def __str__(self) -> str:
        return self.name


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: datetime | None = None) -> "InvitationQuerySet":
        """Those by which somebody can still join: their senders may still give that role in that team."""
        sender = {"team": models.OuterRef("team"), "user": models.OuterRef("made_by")}
        owners, managers = (
            Membership.objects.who_may(action).filter(**sender) for action in (Action.OWN, Action.MANAGE)
        )
        may_grant = models.Exists(owners) | ~models.Q(role=Role.OWNER) & models.Exists(managers)
        return self.filter(may_grant, uses_left__gt=0, expires_at__gt=now or timezone.now())

    def by_token(self, token: str) -> "InvitationQuerySet":
        return self.filter(token_hash=hash_of(token))


class Invitation(models.Model):
    """A way into a team: by mail for one person, by a link for a number of them. Only a hash of the token is kept."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("email address"), blank=True, help_text=_("Empty: whoever has the link."))
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    token_hash = models.CharField(_("hash of the token"), max_length=64, unique=True)
    uses_left = models.PositiveIntegerField(_("how many may still join by it"), default=1)
    expires_at = models.DateTimeField(_("expires at"))
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)

    objects: ClassVar = InvitationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.email or _('by link')} · {self.team}"


class InvitationMail(models.Model):
    """That an invitation was mailed, for a day: counted against what a person, a team and a recipient bear.

    Of the address only a hash is kept.
    """

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    email_hash = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.by} · {self.team}, {self.at:%Y-%m-%d %H:%M}"


def hash_of(token: str) -> str:
    """As the database keeps it: who reads the database can join nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def who_may(self, action: Action, now: datetime | None = None) -> "MembershipQuerySet":
        """Those whose people may do this now, also when nobody is signed in: for links and mails that act for them."""
        now = now or timezone.now()
        factors = User.objects.filter(pk=models.OuterRef("user"), authenticator__type__in=SECOND_FACTORS)
        return self.filter(
            models.Q(team__needs_second_factor=False) | models.Exists(factors),
            models.Q(user__suspended_until=None) | models.Q(user__suspended_until__lte=now),
            role__in=roles_that_may(action),
            user__is_active=True,
            team__closed_at=None,
        )

    def may(self, user: User, action: Action, team: Team) -> bool:
        """Whether this person may do this in the team now."""
        return self.who_may(action).filter(team=team, user=user).exists()

    def users_who_may(self, action: Action, team: Team) -> list[User]:
        return [one.user for one in self.who_may(action).filter(team=team).select_related("user")]


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    by_group = models.BooleanField(
        _("by group"), default=False, help_text=_("Given by a group of the OpenID provider, which may end it.")
    )
    monthly_limit_cents = models.PositiveIntegerField(
        _("monthly limit in US cents"), null=True, blank=True, help_text=_("Of this member; none without it.")
    )
    own_limit_cents = models.PositiveIntegerField(
        _("own monthly limit in US cents"), null=True, blank=True, help_text=_("What the member has set themselves.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.team} · {self.get_role_display()}"

    @property
    def effective_limit_cents(self) -> int | None:
        """The one that holds: the team's for this member, or the member's own."""
        limits = [limit for limit in (self.monthly_limit_cents, self.own_limit_cents) if limit is not None]
        return min(limits, default=None)


class FormerMembership(models.Model):
    """A user who belonged to a team and no longer does.

    One who was removed comes back only by an invitation made since then. `notified_at`: when a mail told them of
    the private videos that they have there, and until when they can decide on them.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="former_memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_memberships")
    removed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("removed by")
    )
    left_at = models.DateTimeField(_("left at"), default=timezone.now)
    notified_at = models.DateTimeField(_("notified at"), null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "user"], name="former_membership_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.team}, {self.left_at:%Y-%m-%d}"


class MembershipChange(models.Model):
    """What somebody else did to a person's membership. `notified_at`: when the person was told."""

    class Kind(models.TextChoices):
        REMOVED = "removed", _("Removed")
        ROLE = "role", _("Role changed")
        TEAM_DELETED = "deleted", _("Team deleted")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    team_name = models.CharField(_("name of the team then"), max_length=100)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    role = models.CharField(_("role from then on"), max_length=10, choices=Role, blank=True)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    notified_at = models.DateTimeField(_("notified at"), null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="membership_change_to_tell", condition=models.Q(notified_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.team_name}, {self.get_kind_display()}"


class ImpersonationQuerySet(models.QuerySet["Impersonation"]):
    def open(self) -> "ImpersonationQuerySet":
        return self.filter(ended_at=None, until__gt=timezone.now())


class Impersonation(models.Model):
    """That somebody of the staff acted as a person: why, and for how long. The person is told; rows are never changed
    but for their end.
    """

    staff = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("staff"))
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="impersonations", verbose_name=_("as whom"))
    reason = models.TextField(_("reason"), max_length=500, help_text=_("The person reads it."))
    began_at = models.DateTimeField(_("began at"), auto_now_add=True)
    until = models.DateTimeField(_("until at most"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects: ClassVar = ImpersonationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-began_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="impersonation_has_a_reason"),
            models.CheckConstraint(condition=~models.Q(staff=models.F("person")), name="impersonation_is_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.staff} → {self.person}, {self.began_at:%Y-%m-%d %H:%M}"


class ImpersonatedRequest(models.Model):
    """An address that was opened, or something that was done, in the course of an impersonation."""

    impersonation = models.ForeignKey(Impersonation, on_delete=models.CASCADE, related_name="requests")
    at = models.DateTimeField(_("at"), auto_now_add=True)
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("address"), max_length=500)
    status_code = models.PositiveSmallIntegerField(_("answered with"))

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status_code}"
