"""Pages to make, change and revoke keys: one's own, and of a team that one manages everybody's."""

import uuid
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import team_access
from accounts.http import AuthenticatedHttpRequest, login_required, redirect_back
from accounts.models import Membership, Team
from accounts.reauthentication import reauthentication_required
from accounts.rights import rights_of
from accounts.roles import Action
from api.forms import EditKeyForm, NewKeyForm
from api.models import Key
from api.models.key import KeyQuerySet
from config.parameters import whole_number
from generations.billing.usage import Month

_SHOWN: Final = 200  # keys on a page


@require_safe
@login_required
def keys(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's own, the newest first."""
    rows = _with_spent(Key.objects.filter(user=request.user))[:_SHOWN]
    return render(request, "keys/keys.html", {"keys": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required
def new(request: AuthenticatedHttpRequest) -> HttpResponse:
    teams = _teams_of(request)
    if not teams:
        raise PermissionDenied
    form = NewKeyForm(request.user, teams, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        key, token = form.save()
        _show_once(request, token)
        return redirect("key", key.pk)
    return render(request, "keys/new.html", {"form": form}, status=422 if form.is_bound else 200)


def _teams_of(request: AuthenticatedHttpRequest) -> list[Team]:
    memberships = rights_of(request.user).memberships_where_may(Action.VIEW)
    return [one.team for one in memberships if not one.team.closed_at]


def _show_once(request: AuthenticatedHttpRequest, token: str) -> None:
    """Only a hash of it is kept, so this is the one moment at which the key can be shown."""
    context = {"label": _("Key created. Copy it now:"), "link": token}
    messages.success(request, render_to_string("teams/_invitation_link.html", context))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def key(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One of the person's own: what it may do, and what it has cost. A POST changes that."""
    own = get_object_or_404(_with_spent(Key.objects.filter(user=request.user)), pk=pk)
    form = EditKeyForm(own, request.POST if request.method == "POST" else None)
    if form.is_bound and own.is_alive and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("key", own.pk)
    return render(request, "keys/key.html", {"key": own, "form": form}, status=422 if form.is_bound else 200)


@require_POST
@login_required
def revoke(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One's own, or one of a team that one manages. It opens nothing from now on."""
    managed = Membership.objects.who_may(Action.MANAGE).filter(user=request.user).values("team")
    found = get_object_or_404(Key, Q(user=request.user) | Q(team__in=managed), pk=pk)
    Key.objects.filter(pk=found.pk).revoke(request.user)
    messages.success(request, _("Key revoked: %s") % found.name)
    return redirect_back(request, request.path.removesuffix("revoke") if found.user == request.user else "/")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team_keys(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """All keys of the team, for who manages it; a POST revokes them all, or those of the `person`."""
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    rows = Key.objects.filter(team=access.team)
    if request.method == "POST":
        number = _of_person(rows, request.POST.get("person", "")).revoke(request.user)
        messages.success(request, ngettext("%d key revoked.", "%d keys revoked.", number) % number)
        return redirect("team-keys", slug)
    found = list(_with_spent(rows).select_related("user")[:_SHOWN])
    people = {one.user_id: one.user for one in found if one.is_alive}
    return render(request, "keys/team.html", {"team": access.team, "keys": found, "people": people.values()})


def _of_person(rows: KeyQuerySet, named: str) -> KeyQuerySet:
    """All of them where nobody is named; none for what is no number."""
    found: KeyQuerySet = rows.filter(user=whole_number(named) or 0) if named else rows
    return found


def _with_spent(rows: KeyQuerySet) -> KeyQuerySet:
    """`spent_cents` of this month."""
    this_month = Q(requests__generation__created_at__gte=Month.now().begin)
    spent = Sum("requests__generation__cost_cents", filter=this_month, default=0)
    found: KeyQuerySet = rows.select_related("team").annotate(spent_cents=spent)
    return found
