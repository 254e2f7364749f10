"""Somebody leaves a team: what they made there stays, and what only they could see passes to whom it is said."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import membership
from accounts.membership import MembershipError
from accounts.models import Membership, Team, User
from generations.models import Generation


@transaction.atomic
def part(team: Team, member: User, by: User, keeper: User | None = None) -> None:
    """End the membership. What is theirs passes to `keeper`, a member of the team, or to the team: then all see it.

    The books keep the maker, and what runs is finished. Raises what `membership.remove` raises.
    """
    membership.remove(team, member, by)
    theirs = Generation.objects.filter(Q(user=member) | Q(keeper=member), team=team)
    if keeper is None:
        theirs.filter(is_private=True).update(is_private=False, changed_at=timezone.now())
        theirs.update(keeper=None)
        return
    if not Membership.objects.filter(team=team, user=keeper).exists():
        raise MembershipError(_("%s is in the team no more.") % keeper)
    theirs.update(keeper=keeper, changed_at=timezone.now())
