"""Make, change and end share links."""

import uuid
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest, login_required
from accounts.models import Membership, Team
from accounts.rights import rights_of
from accounts.roles import Action
from config.parameters import whole_number
from generations.models import Collection, Generation
from sharing import links
from sharing.forms import EditLinkForm, ShareLinkForm
from sharing.links import NotShareableError
from sharing.models import ShareLink, TeamSharing
from sharing.models.share_link import MAX_VIDEOS

_SHOWN: Final = 200  # links on a page


@require_safe
@login_required
def share_links(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's own links, the newest first; with `?results=1` those that were made for programs."""
    is_result = request.GET.get("results") == "1"
    own = links.links_of(request.user).filter(made_by=request.user)
    context = {
        "links": own.filter(is_result=is_result)[:_SHOWN],
        "is_result": is_result,
        "has_results": not is_result and own.filter(is_result=True).exists(),
    }
    return render(request, "sharing/links.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A link to the videos named by `ids`, or to a `collection`. A POST without a title shows the form: a selection."""
    collection, rows = _subject(request)
    team = collection.team if collection else rows[0].team
    if not Membership.objects.may(request.user, Action.SHARE, team):
        raise PermissionDenied(_("You may not share videos of %s.") % team)
    is_sent = "name" in request.POST
    form = ShareLinkForm(request.POST if is_sent else None, sharing=TeamSharing.objects.of(team))
    if is_sent and form.is_valid():
        try:
            link, token = _create(request, collection, rows, form)
        except NotShareableError as error:
            form.add_error(None, str(error))
        else:
            show_once(request, link, token)
            return redirect("share-link", link.pk)
    context = {"form": form, "rows": rows, "collection": collection, "team": team, "follows": _follows(request)}
    return render(request, "sharing/new.html", context, status=422 if is_sent else 200)


def _follows(request: AuthenticatedHttpRequest) -> bool:
    """Of a collection: whether the link shows what comes later, too."""
    return request.POST.get("follows", "yes") == "yes"


def _create(
    request: AuthenticatedHttpRequest, collection: Collection | None, rows: list[Generation], form: ShareLinkForm
) -> tuple[ShareLink, str]:
    if collection and _follows(request):
        return links.share_collection(request.user, collection, form.options())
    return links.share_videos(request.user, rows, form.options())


def _subject(request: AuthenticatedHttpRequest) -> tuple[Collection | None, list[Generation]]:
    """What is to be shared, as far as the person sees it."""
    given = request.POST if request.method == "POST" else request.GET
    seen = Generation.objects.visible_to(request.user).select_related("video", "team")
    if key := whole_number(given.get("collection", "")):
        teams = Team.objects.where_may(request.user, Action.VIEW).order_by().values("pk")
        collection = get_object_or_404(Collection.objects.select_related("team"), pk=key, team__in=teams)
        rows = seen.filter(collection=collection, video__isnull=False, is_private=False, awaits_review=False)
        return collection, list(rows[:MAX_VIDEOS])
    found = _selected(given.getlist("ids"), seen)
    if not found:
        raise Http404(_("There is no finished video among them."))
    return None, found


def _selected(named: list[str], seen: QuerySet[Generation]) -> list[Generation]:
    """The finished videos, in the order in which they are named."""
    if len(named) > MAX_VIDEOS:
        raise BadRequest(_("Share at most %d videos by one link.") % MAX_VIDEOS)
    try:
        ids = list(dict.fromkeys(uuid.UUID(one) for one in named))
    except ValueError:
        raise Http404 from None
    rows = {row.pk: row for row in seen.filter(pk__in=ids, video__isnull=False)}
    return [rows[pk] for pk in ids if pk in rows]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One link: what it shows, who has seen it, and what it allows."""
    link = _own_link(request, pk)
    is_sent = request.method == "POST"
    sharing = TeamSharing.objects.of(link.team)
    form = EditLinkForm(request.POST if is_sent else None, link=link, sharing=sharing)
    if is_sent and form.is_valid():
        links.edit(link, form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("share-link", link.pk)
    context = {
        "link": link,
        "form": form,
        "shown": link.shown(),
        "film": link.shown_film(),
        "may_approve": rights_of(request.user).may(Action.MANAGE, link.team_id),
    }
    return render(request, "sharing/link.html", context, status=422 if is_sent else 200)


@require_POST
@login_required
def act(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """`verb` is `revoke`, `renew` or `approve`."""
    link = _own_link(request, pk)
    match request.POST.get("verb"):
        case "revoke":
            ShareLink.objects.filter(pk=link.pk).revoke(request.user)
            messages.success(request, _("Link revoked. It opens nothing from now on."))
        case "renew":
            if link.revoked_at:
                raise BadRequest("It was revoked.")
            show_once(request, link, links.renew(link))
        case "approve":
            if links.approve(link, request.user):
                messages.success(request, _("Approved. The link works now."))
        case _:
            raise BadRequest("No such verb.")
    return redirect("share-link", link.pk)


def _own_link(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> ShareLink:
    """The person's own, as long as they may share in its team; of a team that they manage, everybody's."""
    return get_object_or_404(links.links_of(request.user), pk=pk)


def show_once(request: AuthenticatedHttpRequest, link: ShareLink, token: str) -> None:
    """Only a hash of the token is kept, so this is the one moment at which the link can be shown."""
    label = _("Link created. Send it to your guests:")
    if link.approved_at is None:
        label = _("Link created. It works once an admin of the team has approved it:")
    context: dict[str, Any] = {"label": label, "link": links.link_url(token)}
    messages.success(request, render_to_string("teams/_invitation_link.html", context))
