"""Change who belongs to a team, in which role. A team keeps an owner, however many changes run at the same time."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import FormerMembership, Membership, MembershipChange, Team, User
from accounts.roles import ROLE_ACTIONS, Action, Role


class MembershipError(Exception):
    """It can't be done; str() says why, and what can be done."""


@transaction.atomic
def create_team(user: User, name: str) -> Team:
    """A new team with the person as its owner."""
    team = Team.objects.create_named(name)
    Membership.objects.create(team=team, user=user, role=Role.OWNER)
    return team


@transaction.atomic
def change_role(team: Team, member: User, role: Role, by: User) -> None:
    """Raises MembershipError for the last owner, PermissionDenied for what the table does not allow."""
    members = _lock_members(team, member)
    _require(members, by, Action.MANAGE)
    if Role.OWNER in {members[member.pk].role, role}:
        _require(members, by, Action.OWN)
    if role != Role.OWNER:
        _require_other_owner(team, members, member)
    Membership.objects.filter(team=team, user=member).update(role=role)
    if role != members[member.pk].role:
        _record(team, [member], MembershipChange.Kind.ROLE, by, role)
    _revoke_invitations(team, member, role)


@transaction.atomic
def make_owner(team: Team, user: User) -> None:
    """By whoever runs the studio, and nobody in it: for a team whose only owner is gone. Harmless when repeated.

    Raises MembershipError. No group of the OpenID provider lowers them afterwards.
    """
    Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)
    if team.personal_of_id:
        raise MembershipError(_("%s is a personal team: it belongs to one person alone.") % team.name)
    if team.closed_at:
        raise MembershipError(_("%s was deleted.") % team.name)
    if not user.is_active or user.is_suspended:
        raise MembershipError(_("%s can’t sign in: the account is suspended or switched off.") % user.email)
    role_before = Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first()
    Membership.objects.update_or_create(team=team, user=user, defaults={"role": Role.OWNER, "by_group": False})
    FormerMembership.objects.filter(team=team, user=user).delete()
    if role_before != Role.OWNER:
        _record(team, [user], MembershipChange.Kind.ROLE, None, Role.OWNER)


@transaction.atomic
def remove(team: Team, member: User, by: User) -> None:
    """End a membership, also one's own. What the member has made stays in the team, under their name.

    What runs is finished: from this moment the person sees none of it.
    """
    members = _lock_members(team, member)
    if member != by:
        _require(members, by, Action.MANAGE)
        if members[member.pk].role == Role.OWNER:
            _require(members, by, Action.OWN)
    if team.personal_of_id == member.pk:
        raise MembershipError(_("This is a personal team: it is deleted with the account."))
    _require_other_owner(team, members, member)
    _end(team, [member], by)
    _record(team, [member], MembershipChange.Kind.REMOVED, by)


@transaction.atomic
def delete_team(team: Team, by: User, heir: User | None) -> None:
    """End the team for all. `heir`, one of its members, is left in it as a viewer of what was made.

    Raises PermissionDenied when `by` is no owner, MembershipError for a personal team or an heir from outside.
    """
    members = _lock_members(team, heir or by)
    _require(members, by, Action.OWN)
    if team.personal_of_id:
        raise MembershipError(_("This is a personal team: it is deleted with the account."))
    Team.objects.filter(pk=team.pk).update(closed_at=timezone.now(), domains=[])
    team.invitations.all().delete()
    people = [one.user for one in Membership.objects.filter(team=team).select_related("user")]
    _record(team, people, MembershipChange.Kind.TEAM_DELETED, by)
    _end(team, [one for one in people if one != heir], by)
    Membership.objects.filter(team=team).update(role=Role.VIEWER)


@transaction.atomic
def apply_group_role(team: Team, user: User, role: Role | None) -> None:
    """What a group says the person is in the team; None: no group says anything.

    An invited member is raised, never lowered. Raises MembershipError where the team would have no owner.
    """
    Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)
    members = {one.user_id: one for one in Membership.objects.filter(team=team)}
    own = members.get(user.pk)
    if own is None:
        if role:
            Membership.objects.create(team=team, user=user, role=role, by_group=True)
        return
    ranks = list(Role)
    if not own.by_group and (role is None or ranks.index(role) >= ranks.index(Role(own.role))):
        return
    if role != Role.OWNER:
        _require_other_owner(team, members, user)
    if role is None:
        _end(team, [user], user)
        _record(team, [user], MembershipChange.Kind.REMOVED, None)
    elif role != own.role:
        Membership.objects.filter(pk=own.pk).update(role=role)
        _record(team, [user], MembershipChange.Kind.ROLE, None, role)
        _revoke_invitations(team, user, role)


def _end(team: Team, people: list[User], by: User) -> None:
    Membership.objects.filter(team=team, user__in=people).delete()
    for one in people:
        _revoke_invitations(team, one, None)
        values = {"removed_by": None if one == by else by, "left_at": timezone.now(), "notified_at": None}
        FormerMembership.objects.update_or_create(team=team, user=one, defaults=values)


def _record(
    team: Team, people: list[User], kind: MembershipChange.Kind, by: User | None, role: Role | None = None
) -> None:
    """Write down what people shall be told: what others did, or the provider's groups."""
    changes = [
        MembershipChange(team=team, team_name=team.name, user=one, kind=kind, by=by, role=role or "")
        for one in people
        if one != by
    ]
    MembershipChange.objects.bulk_create(changes)


def _revoke_invitations(team: Team, member: User, role: Role | None) -> None:
    """Those that the member could not make any more. They lead nowhere as it is; no new role shall revive them."""
    may = ROLE_ACTIONS[role] if role else frozenset()
    theirs = team.invitations.filter(made_by=member)
    if Action.MANAGE not in may:
        theirs.delete()
    elif Action.OWN not in may:
        theirs.filter(role=Role.OWNER).delete()


def _lock_members(team: Team, member: User) -> dict[int, Membership]:
    """The memberships by user, as they stay until the transaction ends; the member's is among them."""
    Team.objects.get_queryset().select_for_update(no_key=True).get(pk=team.pk)
    members = {one.user_id: one for one in Membership.objects.filter(team=team)}
    if member.pk not in members:
        raise MembershipError(_("%s is no longer in the team.") % member)
    return members


def _require(members: dict[int, Membership], by: User, action: Action) -> None:
    if by.pk not in members or action not in ROLE_ACTIONS[Role(members[by.pk].role)]:
        raise PermissionDenied


def _require_other_owner(team: Team, members: dict[int, Membership], member: User) -> None:
    owners = {pk for pk, one in members.items() if one.role == Role.OWNER}
    if owners == {member.pk}:
        raise MembershipError(_("%s would have no owner. Make somebody else an owner first.") % team.name)
