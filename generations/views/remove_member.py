"""Leave a team, or remove a member from it."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.membership import MembershipError
from accounts.models import Membership, User
from accounts.roles import Action
from config.parameters import whole_number
from generations.flows.remove_member import remove_member


@require_POST
@login_required
def leave(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """`assigned_to` is who gets what one has made, by key; without it the team does."""
    access = team_access(request, slug)
    try:
        remove_member(access.team, access.user, access.user, _assigned_to(request, access))
    except MembershipError as error:
        messages.error(request, str(error))
        return redirect("team", slug)
    messages.success(request, _("You left %s.") % access.team)
    return redirect("teams")


@require_POST
@login_required
def remove(request: AuthenticatedHttpRequest, slug: str, pk: int) -> HttpResponse:
    """`assigned_to` is who gets what they have made, by key; without it the team does."""
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    found = get_object_or_404(Membership.objects.select_related("user"), team=access.team, user=pk)
    try:
        remove_member(access.team, found.user, access.user, _assigned_to(request, access))
    except MembershipError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%s was removed.") % found.user)
    return redirect("team", slug)


def _assigned_to(request: AuthenticatedHttpRequest, access: TeamAccess) -> User | None:
    named = request.POST.get("assigned_to", "")
    if not named:
        return None
    pk = whole_number(named)
    if pk is None:
        raise BadRequest("No such member.")
    return get_object_or_404(User, pk=pk, memberships__team=access.team)
