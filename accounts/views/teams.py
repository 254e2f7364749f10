"""The teams of a person, and the page of one: its name, its people, its money."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import membership
from accounts.forms import ApprovalForm, DomainsForm, InvitationForm, LimitForm, LinkForm, TeamForm, TeamSettingsForm
from accounts.joining import invitations_to, teams_open_to
from accounts.membership import MembershipError
from accounts.models import Membership, Team
from accounts.roles import MAY, WORDS, Action, Role
from accounts.views.asking import Asked, asked, person


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def teams(request: HttpRequest) -> HttpResponse:
    """The person's teams and the invitations to them; a POST founds a team."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return redirect("team", membership.found_team(person(request), form.cleaned_data["name"]).slug)
    own = Membership.objects.filter(user=person(request)).select_related("team")
    by_name = sorted(own, key=lambda one: (one.team.personal_of_id != one.user_id, one.team.name.lower()))
    context = {
        "form": form,
        "memberships": [one for one in by_name if not one.team.closed_at],
        "inherited": [one.team for one in by_name if one.team.closed_at],
        "invitations": invitations_to(person(request)),
        "open_to_me": teams_open_to(person(request)),
        "has_left_any": Team.objects.left_by(person(request)).exists(),
    }
    return render(request, "teams/teams.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of a team; a POST renames it, whose address stays, and says whether new videos are private."""
    here = asked(request, slug)
    if request.method != "POST":
        return team_page(request, here)
    here.demand(Action.MANAGE)
    form = TeamSettingsForm(request.POST)
    if not form.is_valid():
        return team_page(request, here, name_form=form)
    Team.objects.filter(pk=here.team.pk).update(**form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def second_factor(request: HttpRequest, slug: str) -> HttpResponse:
    """`needed` is `yes` or `no`: whether members see the team only with a second factor. Who asks for one has one."""
    here = asked(request, slug)
    here.demand(Action.OWN)
    is_needed = request.POST.get("needed") == "yes"
    if is_needed and not here.user.has_second_factor:
        messages.error(request, _("Set up a second factor of your own first, or you would lock yourself out."))
        return redirect("mfa_index")
    Team.objects.filter(pk=here.team.pk).update(needs_second_factor=is_needed)
    messages.success(request, _("Saved."))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def domains(request: HttpRequest, slug: str) -> HttpResponse:
    """Whose e-mail domain lets them join by themselves."""
    here = asked(request, slug)
    here.demand(Action.MANAGE)
    if here.team.personal_of_id:
        raise PermissionDenied
    form = DomainsForm(request.POST, team=here.team, by=here.user)
    if not form.is_valid():
        return team_page(request, here, domains_form=form)
    Team.objects.filter(pk=here.team.pk).update(domains=form.cleaned_data["domains"])
    messages.success(request, _("Saved."))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def budget(request: HttpRequest, slug: str) -> HttpResponse:
    """What the team may spend a month."""
    here = asked(request, slug)
    here.demand(Action.BUDGET)
    form = LimitForm(request.POST, auto_id="team-%s")
    if not form.is_valid():
        return team_page(request, here, limit_form=form)
    Team.objects.filter(pk=here.team.pk).update(monthly_limit_cents=form.cents)
    messages.success(request, _("Saved."))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def approval_amount(request: HttpRequest, slug: str) -> HttpResponse:
    """Above what a request waits for an admin's yes."""
    here = asked(request, slug)
    here.demand(Action.BUDGET)
    form = ApprovalForm(request.POST, auto_id="approval-%s")
    if not form.is_valid():
        return team_page(request, here, approval_form=form)
    Team.objects.filter(pk=here.team.pk).update(approval_above_cents=form.cents)
    messages.success(request, _("Saved."))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def own_limit(request: HttpRequest, slug: str) -> HttpResponse:
    """What one does not want to spend oneself; the lowest limit holds."""
    here = asked(request, slug)
    form = LimitForm(request.POST, auto_id="own-%s")
    if not form.is_valid():
        return team_page(request, here, own_form=form)
    Membership.objects.filter(team=here.team, user=here.user).update(own_limit_cents=form.cents)
    messages.success(request, _("Saved."))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """`verb` is `role` or `limit`: what is set for one member."""
    here = asked(request, slug)
    verb = _VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        raise BadRequest("No such verb.")
    here.demand(Action.BUDGET if verb is _limit else Action.MANAGE)
    found = get_object_or_404(Membership.objects.select_related("user"), team=here.team, user=pk)
    try:
        return verb(request, here, found)
    except MembershipError as error:
        messages.error(request, str(error))
        return redirect("team", slug)


def _change_role(request: HttpRequest, here: Asked, found: Membership) -> HttpResponse:
    if (role := request.POST.get("role", "")) not in Role.values:
        raise BadRequest("No such role.")
    membership.change_role(here.team, found.user, Role(role), here.user)
    words = _("%(who)s is %(role)s now.") % {"who": found.user, "role": Role(role).label}
    messages.success(request, words)
    return redirect("team", here.team.slug)


def _limit(request: HttpRequest, here: Asked, found: Membership) -> HttpResponse:
    form = LimitForm(request.POST, auto_id="member-%s")
    if not form.is_valid():
        return team_page(request, here, member_form=(found.user_id, form))
    Membership.objects.filter(pk=found.pk).update(monthly_limit_cents=form.cents)
    messages.success(request, _("Saved."))
    return redirect("team", here.team.slug)


_VERBS = {"role": _change_role, "limit": _limit}


def team_page(request: HttpRequest, here: Asked, **forms: Any) -> HttpResponse:
    """The page with what was typed wrong in its place: `name_form`, `limit_form`, `member_form`, `mail_form` …"""
    may_own = here.may(Action.OWN)
    people = Membership.objects.filter(team=here.team).select_related("user").order_by("created_at", "pk")
    context = {
        "here": here,
        "team": here.team,
        "people": list(people),
        "may": {action.value: here.may(action) for action in Action},
        "roles": [choice for choice in Role.choices if may_own or choice[0] != Role.OWNER],
        "role_table": [(words, [(role, action in MAY[role]) for role in Role]) for action, words in WORDS.items()],
        "role_names": Role.labels,
        "invitations": here.team.invitations.open().order_by("-made_at") if here.may(Action.MANAGE) else [],
        "name_form": TeamSettingsForm(instance=here.team),
        "limit_form": LimitForm(auto_id="team-%s", initial={"limit": dollars_of(here.team.monthly_limit_cents)}),
        "approval_form": ApprovalForm(
            auto_id="approval-%s", initial={"limit": dollars_of(here.team.approval_above_cents)}
        ),
        "member_form": None,
        "own_form": LimitForm(auto_id="own-%s", initial={"limit": _own_limit(people, here)}),
        "domains_form": DomainsForm(team=here.team, by=here.user),
        "mail_form": InvitationForm(may_own=may_own),
        "link_form": LinkForm(may_own=may_own),
    }
    return render(request, "teams/team.html", context | forms, status=422 if forms else 200)


def _own_limit(people: Iterable[Membership], here: Asked) -> str:
    return next((dollars_of(one.own_limit_cents) for one in people if one.user_id == here.user.pk), "")


def dollars_of(cents: int | None) -> str:
    return "" if cents is None else f"{cents / 100:.2f}"
