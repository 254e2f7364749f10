"""Map groups of the OpenID provider to roles in teams, at each sign-in.

`OIDC_GROUPS` is a list such as `film-leads=film:admin, film=film:member`: group, team's slug, role.
"""

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from accounts.membership import MembershipError, apply_group_role
from accounts.models import Team, User
from accounts.roles import Role

_RANK: Final = list(Role)  # it begins with the highest


def parse(text: str) -> dict[str, dict[str, Role]]:
    """By team's slug: group → role. The settings have checked the text."""
    found: dict[str, dict[str, Role]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        group, _, place = part.rpartition("=")
        slug, _, role = place.partition(":")
        found.setdefault(slug, {})[group] = Role(role)
    return found


@transaction.atomic
def sync_groups(user: User, groups: Iterable[str], mapping: str) -> None:
    """Give the person what their groups say in each mapped team, and take what groups gave and no longer say.

    The highest role counts. A membership that came by invitation stays, and so does a team's last owner.
    """
    theirs, mapped = set(groups), parse(mapping)
    for team in Team.objects.get_queryset().filter(slug__in=mapped, closed_at=None).order_by("pk"):
        roles = [role for group, role in mapped[team.slug].items() if group in theirs]
        try:
            apply_group_role(team, user, min(roles, key=_RANK.index, default=None))
        except MembershipError:  # the last owner
            continue
