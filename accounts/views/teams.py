"""The list of a user's teams, and the page of one team: name, members, budget."""

import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import membership
from accounts.access import TeamAccess, team_access
from accounts.forms import ApprovalForm, DomainsForm, InvitationForm, LimitForm, LinkForm, TeamForm, TeamSettingsForm
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.invitations import invitations_to, open_invitations, teams_open_to
from accounts.membership import MembershipError
from accounts.models import Membership, Team
from accounts.rights import rights_of
from accounts.roles import ACTION_LABELS, ROLE_ACTIONS, Action, Role
from config.prepared_query import PreparedQuery


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def teams(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's teams and the invitations to them; a POST founds a team."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return redirect("team", membership.create_team(request.user, form.cleaned_data["name"]).slug)
    rights = rights_of(request.user)
    by_name = sorted(
        rights.memberships, key=lambda one: (one.team.personal_of_id != one.user_id, one.team.name.lower())
    )
    context = {
        "form": form,
        "memberships": [one for one in by_name if not one.team.closed_at],
        "inherited": [one.team for one in by_name if one.team.closed_at],
        "invitations": invitations_to(request.user),
        "open_to_me": teams_open_to(request.user),
        "has_left_any": bool(rights.left),
    }
    return render(request, "teams/teams.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """The page of a team; a POST renames it, whose address stays, and says whether new videos are private."""
    access = team_access(request, slug)
    if request.method != "POST":
        return team_page(request, access)
    access.require(Action.MANAGE)
    form = TeamSettingsForm(request.POST)
    if not form.is_valid():
        return team_page(request, access, name_form=form)
    return _save(request, access, _row(access.team), **form.cleaned_data)


@require_POST
@login_required
def second_factor(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """`needed` is `yes` or `no`: whether members see the team only with a second factor. Who asks for one has one."""
    access = team_access(request, slug)
    access.require(Action.OWN)
    is_needed = request.POST.get("needed") == "yes"
    if is_needed and not access.user.has_second_factor:
        messages.error(request, _("Set up two-factor authentication yourself first, or you lock yourself out."))
        return redirect("mfa_index")
    return _save(request, access, _row(access.team), needs_second_factor=is_needed)


@require_POST
@login_required
def domains(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """The email domains whose users may join by themselves."""
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    if access.team.personal_of_id:
        raise PermissionDenied
    form = DomainsForm(request.POST, team=access.team, by=access.user)
    if not form.is_valid():
        return team_page(request, access, domains_form=form)
    return _save(request, access, _row(access.team), domains=form.cleaned_data["domains"])


@require_POST
@login_required
def budget(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """What the team may spend a month."""
    access = team_access(request, slug)
    access.require(Action.BUDGET)
    form = LimitForm(request.POST, auto_id="team-%s")
    if not form.is_valid():
        return team_page(request, access, limit_form=form)
    return _save(request, access, _row(access.team), monthly_limit_cents=form.cents)


@require_POST
@login_required
def approval_amount(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """Above what a request waits for an admin's yes."""
    access = team_access(request, slug)
    access.require(Action.BUDGET)
    form = ApprovalForm(request.POST, auto_id="approval-%s")
    if not form.is_valid():
        return team_page(request, access, approval_form=form)
    return _save(request, access, _row(access.team), approval_above_cents=form.cents)


@require_POST
@login_required
def own_limit(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """What one does not want to spend oneself; the lowest limit holds."""
    access = team_access(request, slug)
    form = LimitForm(request.POST, auto_id="own-%s")
    if not form.is_valid():
        return team_page(request, access, own_form=form)
    return _save(
        request, access, Membership.objects.filter(team=access.team, user=access.user), own_limit_cents=form.cents
    )


def _row(team: Team) -> QuerySet[Team]:
    return Team.objects.filter(pk=team.pk)


def _save(
    request: HttpRequest, access: TeamAccess, rows: QuerySet[Team] | QuerySet[Membership], **values: Any
) -> HttpResponse:
    """Only the named columns: others may be written meanwhile."""
    rows.update(**values)
    messages.success(request, _("Saved."))
    return redirect("team", access.team.slug)


@require_POST
@login_required
def member(request: AuthenticatedHttpRequest, slug: str, pk: int) -> HttpResponse:
    """`verb` is `role` or `limit`: what is set for one member."""
    access = team_access(request, slug)
    verb = _VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        raise BadRequest("No such verb.")
    access.require(Action.BUDGET if verb is _change_limit else Action.MANAGE)
    found = get_object_or_404(Membership.objects.select_related("user"), team=access.team, user=pk)
    try:
        return verb(request, access, found)
    except MembershipError as error:
        messages.error(request, str(error))
        return redirect("team", slug)


def _change_role(request: HttpRequest, access: TeamAccess, found: Membership) -> HttpResponse:
    if (role := request.POST.get("role", "")) not in Role.values:
        raise BadRequest("No such role.")
    membership.change_role(access.team, found.user, Role(role), access.user)
    message = _("%(who)s is now %(role)s.") % {"who": found.user, "role": Role(role).label}
    messages.success(request, message)
    return redirect("team", access.team.slug)


def _change_limit(request: HttpRequest, access: TeamAccess, found: Membership) -> HttpResponse:
    form = LimitForm(request.POST, auto_id="member-%s")
    if not form.is_valid():
        return team_page(request, access, member_form=(found.user_id, form))
    Membership.objects.filter(pk=found.pk).update(monthly_limit_cents=form.cents)
    messages.success(request, _("Saved."))
    return redirect("team", access.team.slug)


_VERBS = {"role": _change_role, "limit": _change_limit}


def team_page(request: HttpRequest, access: TeamAccess, **forms: Any) -> HttpResponse:
    """The page with what was typed wrong in its place: `name_form`, `limit_form`, `member_form`, `mail_form` …"""
    may_own = access.may(Action.OWN)
    people = _PEOPLE.rows(access.team.pk)
    context = {
        "access": access,
        "team": access.team,
        "people": people,
        "may": {action.value: access.may(action) for action in Action},
        "roles": [choice for choice in Role.choices if may_own or choice[0] != Role.OWNER],
        "role_table": [
            (label, [(role, action in ROLE_ACTIONS[role]) for role in Role]) for action, label in ACTION_LABELS.items()
        ],
        "role_names": Role.labels,
        "invitations": open_invitations(access.team) if access.may(Action.MANAGE) else [],
        "name_form": TeamSettingsForm(instance=access.team),
        "limit_form": LimitForm(auto_id="team-%s", initial={"limit": dollars_of(access.team.monthly_limit_cents)}),
        "approval_form": ApprovalForm(
            auto_id="approval-%s", initial={"limit": dollars_of(access.team.approval_above_cents)}
        ),
        "member_form": None,
        "own_form": LimitForm(auto_id="own-%s", initial={"limit": _own_limit(people, access)}),
        "domains_form": DomainsForm(team=access.team, by=access.user),
        "mail_form": InvitationForm(may_own=may_own),
        "link_form": LinkForm(may_own=may_own),
    }
    return render(request, "teams/team.html", context | forms, status=422 if forms else 200)


def _people(key: uuid.UUID) -> QuerySet[Membership]:
    return Membership.objects.filter(team=key).select_related("user").order_by("created_at", "pk")


_PEOPLE: Final = PreparedQuery(_people, uuid.UUID(int=6))


def _own_limit(people: Iterable[Membership], access: TeamAccess) -> str:
    return next((dollars_of(one.own_limit_cents) for one in people if one.user_id == access.user.pk), "")


def dollars_of(cents: int | None) -> str:
    return "" if cents is None else f"{cents / 100:.2f}"
