"""Invitations to a team: create, send, revoke, accept."""

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.emails import send_email
from accounts.models import FormerMembership, Invitation, InvitationMail, Membership, Team, User, hash_of
from accounts.notification_kinds import Channel, Kind
from accounts.roles import Action, Role
from config.prepared_query import SAMPLE_KEY, SAMPLE_MOMENT, PreparedQuery

INVITATION_SESSION_KEY: Final = "invitation"  # of the session: the token by which somebody came
LIFETIME: Final = timedelta(days=7)
MAX_LINK_USES: Final = 100
LIMIT_PER_PERSON: Final = (10, timedelta(hours=1))
LIMIT_PER_TEAM: Final = (30, timedelta(days=1))
LIMIT_PER_RECIPIENT: Final = (3, timedelta(days=1))  # from whomever
_MAIL_LOCK: Final = 0x1A11  # of PostgreSQL's advisory locks


class TooManyInvitationsError(Exception):
    """No other mail for now; str() says why."""


def invite(team: Team, by: User, role: Role, *, email: str = "", uses: int = 1) -> tuple[Invitation, str]:
    """A new invitation with its token, which is known at this moment only.

    Raises PermissionDenied for a role that the person may not give. An earlier one to the same address ends.
    """
    _require_may_grant(team, by, role)
    if email:
        team.invitations.filter(email__iexact=email).delete()
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        team=team,
        email=email.lower(),
        role=role,
        token_hash=hash_of(token),
        uses_left=uses,
        expires_at=timezone.now() + LIFETIME,
        made_by=by,
    )
    return invitation, token


def renew(invitation: Invitation, by: User) -> str:
    """A fresh token for another seven days, in the name of `by`; the one before leads nowhere any more."""
    _require_may_grant(invitation.team, by, Role(invitation.role))
    token, now = secrets.token_urlsafe(24), timezone.now()
    values = {"token_hash": hash_of(token), "expires_at": now + LIFETIME, "made_by": by, "made_at": now}
    Invitation.objects.filter(pk=invitation.pk).update(**values)
    invitation.made_by = by
    return token


@transaction.atomic
def claim_mail(team: Team, by: User, email: str) -> None:
    """Count a mail that is about to be sent. Raises TooManyInvitationsError, and then nothing is to be sent.

    One lock for all: of many at once, none slips under.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MAIL_LOCK])
    now, recipient = timezone.now(), hash_of(email.lower())
    InvitationMail.objects.filter(at__lt=now - timedelta(days=1)).delete()
    for which, most, span, message in (
        ({"by": by}, *LIMIT_PER_PERSON, _("You have sent %d invitations within an hour, which is the limit.")),
        ({"team": team}, *LIMIT_PER_TEAM, _("The team has sent %d invitations within a day, which is the limit.")),
        (
            {"email_hash": recipient},
            *LIMIT_PER_RECIPIENT,
            _("%d invitations went to this address within a day, which is the limit."),
        ),
    ):
        if InvitationMail.objects.filter(at__gt=now - span, **which).count() >= most:
            raise TooManyInvitationsError(f"{message % most} {_('Try again later, or send a link yourself.')}")
    InvitationMail.objects.create(by=by, team=team, email_hash=recipient, at=now)


def invitation_url(token: str) -> str:
    """Where the invitation is taken up, for a mail or to be passed on."""
    return f"{settings.SITE_URL}{reverse('invitation-link', args=[token])}"


def invitation_of(request: HttpRequest) -> Invitation | None:
    """By which the browser came, as long as it is open."""
    token: str = request.session.get(INVITATION_SESSION_KEY, "")
    return Invitation.objects.open().by_token(token).first()


def send(invitation: Invitation, token: str) -> bool:
    """Send the mail with the link; whether it is on its way, or not wanted: then the bell says it."""
    owner = EmailAddress.objects.filter(email=invitation.email, verified=True).select_related("user").first()
    if owner and not owner.user.wants(Kind.INVITATION, Channel.EMAIL):
        return True
    team = " ".join(invitation.team.name.split())
    context = {"invitation": invitation, "team": team, "address": invitation_url(token)}
    return send_email(invitation.email, "teams/mail/invitation", context)


@transaction.atomic
def accept_invitation(invitation: Invitation, user: User) -> bool:
    """Join by it; False when it is used up or dead meanwhile, or older than the person's removal from the team.

    Members keep their role. The team's lock keeps the sender of the invitation from being removed at this moment.
    """
    Team.objects.get_queryset().select_for_update(no_key=True).get(pk=invitation.team_id)
    locked = Invitation.objects.open().select_for_update(of=("self",)).filter(pk=invitation.pk).first()
    if locked is None or _removals_of(user).filter(team=locked.team_id, left_at__gte=locked.made_at).exists():
        return False
    _, is_new = Membership.objects.get_or_create(team=locked.team, user=user, defaults={"role": locked.role})
    if is_new:
        FormerMembership.objects.filter(team=locked.team_id, user=user).delete()
        locked.uses_left -= 1
        locked.save(update_fields=["uses_left"])
    return True


def invitations_to(user: User) -> list[Invitation]:
    """By mail to an address that the person has shown to be theirs, into teams where they are not yet."""
    return _TO_USER.rows(user.pk, timezone.now())


def _to_user(key: int, now: datetime) -> QuerySet[Invitation]:
    verified = EmailAddress.objects.filter(user=key, verified=True).values("email")
    found: QuerySet[Invitation] = Invitation.objects.open(now).filter(email__in=verified).exclude(team__members=key)
    return found.select_related("team", "made_by").order_by("-made_at")


_TO_USER: Final = PreparedQuery(_to_user, SAMPLE_KEY, SAMPLE_MOMENT)


def open_invitations(team: Team) -> list[Invitation]:
    """Into the team, by mail or by link, the newest first."""
    return _OF_TEAM.rows(team.pk, timezone.now())


def _of_team(key: uuid.UUID, now: datetime) -> QuerySet[Invitation]:
    found: QuerySet[Invitation] = Invitation.objects.open(now).filter(team=key).order_by("-made_at")
    return found


_OF_TEAM: Final = PreparedQuery(_of_team, uuid.UUID(int=5), SAMPLE_MOMENT)


def teams_open_to(user: User) -> QuerySet[Team]:
    """By the domain of an address that the person has shown to be theirs, where they are not yet."""
    verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    domains = [email.rpartition("@")[2].lower() for email in verified]
    found = Team.objects.get_queryset().filter(domains__overlap=domains, closed_at=None).exclude(members=user)
    return found.exclude(pk__in=_removals_of(user).values("team")).order_by("name")


def join_by_domain(team: Team, user: User) -> None:
    """Raises Team.DoesNotExist when that team is not open to the person."""
    found = teams_open_to(user).get(pk=team.pk)
    Membership.objects.get_or_create(team=found, user=user, defaults={"role": Role.MEMBER})
    FormerMembership.objects.filter(team=found, user=user).delete()


def _removals_of(user: User) -> QuerySet[FormerMembership]:
    """By somebody else: who has left by themselves comes back as they like."""
    return FormerMembership.objects.filter(user=user, removed_by__isnull=False)


def _require_may_grant(team: Team, by: User, role: Role) -> None:
    needed = Action.OWN if role == Role.OWNER else Action.MANAGE
    if not Membership.objects.may(by, needed, team):
        raise PermissionDenied
