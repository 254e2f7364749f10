"""Invitations on the page of a team, and the page on which one is taken up."""

import logging
from smtplib import SMTPException

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import joining
from accounts.adapter import INVITED_BY
from accounts.forms import InvitationForm, LinkForm
from accounts.models import Invitation, Membership, User
from accounts.roles import Action, Role
from accounts.views.asking import Asked, asked, person
from accounts.views.teams import team_page

logger = logging.getLogger(__name__)


@require_POST
@never_cache
@login_required
def by_mail(request: HttpRequest, slug: str) -> HttpResponse:
    """Invite one person, with an account or without."""
    here = _inviting(request, slug)
    form = InvitationForm(request.POST, may_own=here.may(Action.OWN))
    if form.is_valid() and Membership.objects.filter(team=here.team, user__email__iexact=form.cleaned_data["email"]):
        form.add_error("email", _("Is in the team already."))
    if form.is_valid():
        try:
            joining.claim_mail(here.team, here.user, form.cleaned_data["email"])
        except joining.TooManyInvitationsError as error:
            form.add_error("email", str(error))
    if not form.is_valid():
        return team_page(request, here, mail_form=form)
    role, email = Role(form.cleaned_data["role"]), form.cleaned_data["email"]
    _send(request, *joining.invite(here.team, here.user, role, email=email))
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def by_link(request: HttpRequest, slug: str) -> HttpResponse:
    """A link for so many people; it is shown once."""
    here = _inviting(request, slug)
    form = LinkForm(request.POST, may_own=here.may(Action.OWN))
    if not form.is_valid():
        return team_page(request, here, link_form=form)
    _, token = joining.invite(here.team, here.user, Role(form.cleaned_data["role"]), uses=form.cleaned_data["uses"])
    _show_once(request, token)
    return redirect("team", slug)


@require_POST
@never_cache
@login_required
def change(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """`verb` is `revoke` or `renew`: the old link leads nowhere from now on."""
    here = _inviting(request, slug)
    invitation = get_object_or_404(here.team.invitations, pk=pk)
    match request.POST.get("verb"):
        case "revoke":
            invitation.delete()
            messages.success(request, _("The invitation is taken back."))
        case "renew":
            _renew(request, here, invitation)
        case _:
            raise BadRequest("No such verb.")
    return redirect("team", slug)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Says which team and as what; joining takes a press. Who is not signed in does that first and comes back."""
    known = Invitation.objects.by_token(token).select_related("team", "made_by").first()
    invitation = Invitation.objects.open().by_token(token).select_related("team", "made_by").first()
    is_member = known is not None and _is_member(request, known)
    if known and is_member and (request.method == "POST" or not invitation):  # their sign-up has used it
        return redirect("team", known.team.slug)
    if invitation is None:
        return render(request, "teams/join_gone.html", status=410)
    if request.method == "POST" and isinstance(request.user, User):
        return _take_up(request, invitation)
    request.session[INVITED_BY] = token  # where only the invited may sign up
    context = {"invitation": invitation, "is_member": is_member}
    return render(request, "teams/join.html", context)


@require_POST
@never_cache
@login_required
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Take up an invitation to an address of one's own, without its mail."""
    invitation = next((one for one in joining.invitations_to(person(request)) if one.pk == pk), None)
    return _take_up(request, invitation) if invitation else render(request, "teams/join_gone.html", status=410)


@require_POST
@never_cache
@login_required
def enter(request: HttpRequest, slug: str) -> HttpResponse:
    """Join a team that is open to one's e-mail domain."""
    team = get_object_or_404(joining.teams_open_to(person(request)), slug=slug)
    joining.join_by_domain(team, person(request))
    messages.success(request, _("You are in %s now.") % team)
    return redirect("team", slug)


def _take_up(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if not joining.take_up(invitation, person(request)):
        return render(request, "teams/join_gone.html", status=410)
    messages.success(request, _("You are in %s now.") % invitation.team)
    return redirect("team", invitation.team.slug)


def _renew(request: HttpRequest, here: Asked, invitation: Invitation) -> None:
    """By mail as often as mails may go out."""
    try:
        if invitation.email:
            joining.claim_mail(here.team, here.user, invitation.email)
    except joining.TooManyInvitationsError as error:
        messages.error(request, str(error))
        return
    token = joining.renew(invitation, here.user)
    _send(request, invitation, token) if invitation.email else _show_once(request, token)


def _is_member(request: HttpRequest, invitation: Invitation) -> bool:
    user = request.user
    own = Membership.objects.filter(team=invitation.team_id, team__closed_at=None)
    return isinstance(user, User) and own.filter(user=user).exists()


def _inviting(request: HttpRequest, slug: str) -> Asked:
    here = asked(request, slug)
    here.demand(Action.MANAGE)
    if here.team.personal_of_id:  # it goes with that person's account
        raise PermissionDenied
    return here


def _send(request: HttpRequest, invitation: Invitation, token: str) -> None:
    """By mail, or when that fails into the person's own hands."""
    try:
        joining.send(invitation, token)
    except (OSError, SMTPException) as error:
        logger.warning("No invitation to %s: %s", invitation.email, error)
        words = _("The mail could not be sent. Pass this link on yourself; it is shown only now: %s")
        messages.warning(request, words % joining.address_of(token))
    else:
        messages.success(request, _("An invitation is on its way to %s.") % invitation.email)


def _show_once(request: HttpRequest, token: str) -> None:
    messages.success(request, _("Pass this link on; it is shown only now: %s") % joining.address_of(token))
