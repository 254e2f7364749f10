"""Check the current user's membership in a team, and what their role allows."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.http import AuthenticatedHttpRequest
from accounts.models import Membership, Team, User
from accounts.rights import rights_of
from accounts.roles import ROLE_ACTIONS, Action, Role


class SecondFactorNeededError(PermissionDenied):
    """A 403 whose page shows the message."""


@dataclass(frozen=True, slots=True)
class TeamAccess:
    """A team, and the person who asks about it as one of its members."""

    user: User
    team: Team
    role: Role

    def may(self, action: Action) -> bool:
        return action in ROLE_ACTIONS[self.role]

    def require(self, action: Action) -> None:
        """Raises PermissionDenied, which is a 403."""
        if not self.may(action):
            raise PermissionDenied


def team_access(request: AuthenticatedHttpRequest, slug: str) -> TeamAccess:
    """Raises Http404 for a user who is no member. Asks for the team's second factor."""
    own = _membership(request.user, slug)
    if own is None:
        raise Http404
    if own.team.needs_second_factor and not own.has_second_factor:  # type: ignore[attr-defined]  # see accounts.rights
        raise SecondFactorNeededError(_("%s requires two-factor authentication. Set it up in your account.") % own.team)
    return TeamAccess(request.user, own.team, Role(own.role))


def _membership(user: User, slug: str) -> Membership | None:
    """As the request knows it, or else as it is now."""
    known = rights_of(user).memberships
    return next((one for one in known if one.team.slug == slug and not one.team.closed_at), None)
