"""Create and change invitations on a team's page; accept one by its link."""

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations
from accounts.access import TeamAccess, team_access
from accounts.forms import InvitationForm, LinkForm
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Invitation, Membership, User
from accounts.roles import Action, Role
from accounts.views.teams import team_page


@require_POST
@login_required
def invite_by_email(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """Invite one person, with an account or without."""
    access = _manager_access(request, slug)
    form = InvitationForm(request.POST, may_own=access.may(Action.OWN))
    if form.is_valid() and Membership.objects.filter(team=access.team, user__email__iexact=form.cleaned_data["email"]):
        form.add_error("email", _("Is a member already."))
    if form.is_valid():
        try:
            invitations.claim_mail(access.team, access.user, form.cleaned_data["email"])
        except invitations.TooManyInvitationsError as error:
            form.add_error("email", str(error))
    if not form.is_valid():
        return team_page(request, access, mail_form=form)
    role, email = Role(form.cleaned_data["role"]), form.cleaned_data["email"]
    _send(request, *invitations.invite(access.team, access.user, role, email=email))
    return redirect("team", slug)


@require_POST
@login_required
def create_link(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """A link for so many people; it is shown once."""
    access = _manager_access(request, slug)
    form = LinkForm(request.POST, may_own=access.may(Action.OWN))
    if not form.is_valid():
        return team_page(request, access, link_form=form)
    _, token = invitations.invite(
        access.team, access.user, Role(form.cleaned_data["role"]), uses=form.cleaned_data["uses"]
    )
    _show_once(request, token)
    return redirect("team", slug)


@require_POST
@login_required
def change(request: AuthenticatedHttpRequest, slug: str, pk: int) -> HttpResponse:
    """`verb` is `revoke` or `renew`: the old link leads nowhere from now on."""
    access = _manager_access(request, slug)
    invitation = get_object_or_404(access.team.invitations, pk=pk)
    match request.POST.get("verb"):
        case "revoke":
            invitation.delete()
            messages.success(request, _("Invitation revoked."))
        case "renew":
            _renew(request, access, invitation)
        case _:
            raise BadRequest("No such verb.")
    return redirect("team", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def join_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Says which team and as what; joining takes a press. Who is not signed in does that first and comes back."""
    known = Invitation.objects.by_token(token).select_related("team", "made_by").first()
    invitation = Invitation.objects.open().by_token(token).select_related("team", "made_by").first()
    is_member = known is not None and _is_member(request, known)
    if known and is_member and (request.method == "POST" or not invitation):  # their sign-up has used it
        return redirect("team", known.team.slug)
    if invitation is None:
        return render(request, "teams/invitation_expired.html", status=410)
    if request.method == "POST" and isinstance(request.user, User):
        return _accept(request, request.user, invitation)
    if request.session.get(invitations.INVITATION_SESSION_KEY) != token:
        request.session[invitations.INVITATION_SESSION_KEY] = token  # where only the invited may sign up
    context = {"invitation": invitation, "is_member": is_member}
    return render(request, "teams/join.html", context)


@require_POST
@login_required
def accept(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Take up an invitation to an address of one's own, without its mail."""
    invitation = next((one for one in invitations.invitations_to(request.user) if one.pk == pk), None)
    return (
        _accept(request, request.user, invitation)
        if invitation
        else render(request, "teams/invitation_expired.html", status=410)
    )


@require_POST
@login_required
def join_by_domain(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """Join a team that is open to one's email domain."""
    team = get_object_or_404(invitations.teams_open_to(request.user), slug=slug)
    invitations.join_by_domain(team, request.user)
    messages.success(request, _("You joined %s.") % team)
    return redirect("team", slug)


def _accept(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponse:
    if not invitations.accept_invitation(invitation, user):
        return render(request, "teams/invitation_expired.html", status=410)
    messages.success(request, _("You joined %s.") % invitation.team)
    return redirect("team", invitation.team.slug)


def _renew(request: HttpRequest, access: TeamAccess, invitation: Invitation) -> None:
    """By mail as often as mails may go out."""
    try:
        if invitation.email:
            invitations.claim_mail(access.team, access.user, invitation.email)
    except invitations.TooManyInvitationsError as error:
        messages.error(request, str(error))
        return
    token = invitations.renew(invitation, access.user)
    _send(request, invitation, token) if invitation.email else _show_once(request, token)


def _is_member(request: HttpRequest, invitation: Invitation) -> bool:
    user = request.user
    own = Membership.objects.filter(team=invitation.team_id, team__closed_at=None)
    return isinstance(user, User) and own.filter(user=user).exists()


def _manager_access(request: AuthenticatedHttpRequest, slug: str) -> TeamAccess:
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    if access.team.personal_of_id:  # it goes with that person's account
        raise PermissionDenied
    return access


def _send(request: HttpRequest, invitation: Invitation, token: str) -> None:
    """By mail, or when that fails into the person's own hands."""
    if invitations.send(invitation, token):
        messages.success(request, _("Invitation sent to %s.") % invitation.email)
    else:
        _show_once(request, token, _("The email could not be sent. Send this link yourself:"), messages.WARNING)


def _show_once(request: HttpRequest, token: str, label: str = "", level: int = messages.SUCCESS) -> None:
    """Only a hash of the token is kept, so this is the one moment at which the link can be shown."""
    context = {"label": label or _("Invitation link created. Send it to whoever you invite:")}
    context["link"] = invitations.invitation_url(token)
    messages.add_message(request, level, render_to_string("teams/_invitation_link.html", context))
