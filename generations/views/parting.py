"""Leaving a team, and removing somebody from it."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.membership import MembershipError
from accounts.models import Membership, User
from accounts.roles import Action
from accounts.views.asking import Asked, asked
from config.parameters import whole_number
from generations.pipeline import part
from generations.views.people import PersonRequest, for_people


@require_POST
@never_cache
@for_people
def leave(request: PersonRequest, slug: str) -> HttpResponse:
    """`keeper` is who gets what one has made, by key; without it the team does."""
    here = asked(request, slug)
    try:
        part(here.team, here.user, here.user, _keeper(request, here))
    except MembershipError as error:
        messages.error(request, str(error))
        return redirect("team", slug)
    messages.success(request, _("You have left %s.") % here.team)
    return redirect("teams")


@require_POST
@never_cache
@for_people
def remove(request: PersonRequest, slug: str, pk: int) -> HttpResponse:
    """`keeper` is who gets what they have made, by key; without it the team does."""
    here = asked(request, slug)
    here.demand(Action.MANAGE)
    found = get_object_or_404(Membership.objects.select_related("user"), team=here.team, user=pk)
    try:
        part(here.team, found.user, here.user, _keeper(request, here))
    except MembershipError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%s is no member any more.") % found.user)
    return redirect("team", slug)


def _keeper(request: PersonRequest, here: Asked) -> User | None:
    named = request.POST.get("keeper", "")
    if not named:
        return None
    pk = whole_number(named)
    if pk is None:
        raise BadRequest("No such member.")
    return get_object_or_404(User, pk=pk, memberships__team=here.team)
