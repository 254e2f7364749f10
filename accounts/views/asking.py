"""Who is asking about which team, and what they may do there."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Membership, Team, User
from accounts.roles import MAY, Action, Role


class SecondFactorNeededError(PermissionDenied):
    """A 403 whose page shows the words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A team, and the person who asks about it as one of its members."""

    user: User
    team: Team
    role: Role

    def may(self, action: Action) -> bool:
        return action in MAY[self.role]

    def demand(self, action: Action) -> None:
        """Raises PermissionDenied, which is a 403."""
        if not self.may(action):
            raise PermissionDenied


def asked(request: HttpRequest, slug: str) -> Asked:
    """Raises Http404 for whoever does not belong to it: they learn of no team. Its second factor is asked for here."""
    user = person(request)
    own = Membership.objects.select_related("team").filter(team__slug=slug, team__closed_at=None, user=user).first()
    if own is None:
        raise Http404
    if own.team.needs_second_factor and not user.has_second_factor:
        raise SecondFactorNeededError(
            _("%s asks its members for a second factor. Set one up in your account under “Second factor”.") % own.team
        )
    return Asked(user, own.team, Role(own.role))


def person(request: HttpRequest) -> User:
    """Behind login_required."""
    assert isinstance(request.user, User)
    return request.user
