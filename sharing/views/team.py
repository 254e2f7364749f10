"""A team's settings of share links, and all links of the team."""

from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import TeamAccess, team_access
from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import User
from accounts.roles import Action
from config.parameters import whole_number
from config.server.limits import PICTURE_BYTES, body_limit
from generations import bucket, tasks
from generations.bucket import BucketDownError
from generations.models import StorageDeletion
from generations.views.avatar import PictureForm
from sharing.forms import TeamSharingForm
from sharing.models import ShareLink, TeamSharing

_SHOWN: Final = 200  # links on a page


class LogoForm(PictureForm):
    """As a user's picture: the square in the middle."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["picture"].label = _("Logo")


@body_limit(PICTURE_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """For who manages the team; a POST with a `picture`, or with `remove`, is about the logo."""
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    if request.method != "POST":
        return _page(request, access)
    if "remove" in request.POST:
        return _set_logo(request, access, "")
    return _save_logo(request, access) if "logo" in request.POST else _save(request, access)


def _save(request: AuthenticatedHttpRequest, access: TeamAccess) -> HttpResponse:
    form = TeamSharingForm(request.POST, instance=TeamSharing.objects.of(access.team))
    if not form.is_valid():
        return _page(request, access, form=form)
    form.save()
    messages.success(request, _("Saved."))
    return redirect("team-sharing", access.team.slug)


def _save_logo(request: AuthenticatedHttpRequest, access: TeamAccess) -> HttpResponse:
    form = LogoForm(request.user, request.POST, request.FILES)
    if form.is_valid():
        try:
            key = bucket.put_webp(f"logos/{access.team.pk}", form.cleaned_data["picture"])
        except BucketDownError as error:
            form.add_error("picture", str(error))
        else:
            return _set_logo(request, access, key)
    return _page(request, access, logo_form=form)


@transaction.atomic
def _set_logo(request: AuthenticatedHttpRequest, access: TeamAccess, key: str) -> HttpResponse:
    sharing, _is_new = TeamSharing.objects.select_for_update().get_or_create(team=access.team)
    if sharing.logo_key not in {"", key}:
        StorageDeletion.objects.enqueue([sharing.logo_key])
        tasks.wake_cleaner()
    sharing.logo_key = key
    sharing.save(update_fields=["logo_key"])
    messages.success(request, _("Saved."))
    return redirect("team-sharing", access.team.slug)


@require_POST
@login_required
def revoke(request: AuthenticatedHttpRequest, slug: str) -> HttpResponse:
    """All links of the team, or all that one `person` has made."""
    access = team_access(request, slug)
    access.require(Action.MANAGE)
    rows = ShareLink.objects.filter(team=access.team)
    if (person := whole_number(request.POST.get("person", ""))) is not None:
        rows = rows.filter(made_by=person)
    count = rows.revoke(request.user)
    messages.success(request, _("1 link revoked.") if count == 1 else _("%d links revoked.") % count)
    return redirect("team-sharing", slug)


def _page(request: AuthenticatedHttpRequest, access: TeamAccess, **forms_: Any) -> HttpResponse:
    sharing = TeamSharing.objects.of(access.team)
    rows = ShareLink.objects.filter(team=access.team).select_related("made_by", "team", "collection")
    is_result = request.GET.get("results") == "1"
    context = {
        "team": access.team,
        "sharing": sharing,
        "form": TeamSharingForm(instance=sharing),
        "logo_form": LogoForm(request.user),
        "pending": rows.pending(),
        "links": rows.filter(is_result=is_result)[:_SHOWN],
        "is_result": is_result,
        "has_results": not is_result,  # as there may be: to find out is one question too many
        "sharers": User.objects.filter(share_links__in=ShareLink.objects.not_ended().filter(team=access.team))
        .distinct()
        .order_by("name", "email"),
        **forms_,
    }
    return render(request, "sharing/team.html", context, status=422 if forms_ else 200)
