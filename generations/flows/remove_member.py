"""A member leaves a team or is removed: shared videos stay or pass to another member, private ones stay private."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import membership
from accounts.membership import MembershipError
from accounts.models import Membership, Team, User
from generations.models import Collection, Generation


@transaction.atomic
def remove_member(team: Team, member: User, by: User, assigned_to: User | None = None) -> None:
    """End the membership. What the team saw passes to `assigned_to`, a member of it, or stays with the team.

    What is private stays private to the member, who decides on it later (`private_work`); only members themselves pass
    it on with the rest, by naming somebody. The billing records keep its creator, and what runs is finished. Raises
    what `membership.remove` raises.
    """
    membership.remove(team, member, by)
    Collection.objects.remove_members([member], team)
    theirs = Generation.objects.filter(Q(user=member, assigned_to=None) | Q(assigned_to=member), team=team)
    if assigned_to is None:
        theirs.filter(is_private=False).update(assigned_to=None)
        return
    if not Membership.objects.filter(team=team, user=assigned_to).exists():
        raise MembershipError(_("%s is in the team no more.") % assigned_to)
    passed = theirs if member == by else theirs.filter(is_private=False)
    passed.update(assigned_to=assigned_to, changed_at=timezone.now())
