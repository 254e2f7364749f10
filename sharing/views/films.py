"""Share a film by a link."""

import uuid

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Membership
from accounts.roles import Action
from generations.models import Film
from sharing import links
from sharing.forms import ShareLinkForm
from sharing.links import NotShareableError
from sharing.models import TeamSharing
from sharing.views.links import show_once


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def share(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    film = get_object_or_404(Film.objects.visible_to(request.user).select_related("team"), pk=pk)
    if not Membership.objects.may(request.user, Action.SHARE, film.team):
        raise PermissionDenied(_("You may not share videos of %s.") % film.team)
    is_sent = request.method == "POST"
    form = ShareLinkForm(request.POST if is_sent else None, sharing=TeamSharing.objects.of(film.team))
    if is_sent and form.is_valid():
        try:
            link, token = links.share_film(request.user, film, form.options())
        except NotShareableError as error:
            form.add_error(None, str(error))
        else:
            show_once(request, link, token)
            return redirect("share-link", link.pk)
    context = {"form": form, "film": film}
    return render(request, "sharing/new_film.html", context, status=422 if is_sent else 200)
