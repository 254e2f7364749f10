"""Share links: make, list, edit, renew and revoke them, in the name of the key's person."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router

from accounts.models import Membership
from accounts.roles import Action
from api.authentication import Caller
from api.v1.callers import MANAGE, READ_MANAGED
from api.v1.http import caller_of, lock, require_match, respond
from api.v1.pages import Keyset, Page, refuse_unknown, respond_page
from api.v1.problems import ProblemError, invalid, of_body, of_form
from api.v1.schemas.review import ShareEdit, ShareIn, ShareOut, ShareQuery, share_out
from generations.models import Collection, Generation
from sharing import links
from sharing.forms import EditLinkForm, ShareLinkForm
from sharing.models import ShareLink, TeamSharing

router = Router(tags=["Share links"])
_BY_TIME = Keyset("made_at", "id")


@router.get("", auth=READ_MANAGED, response=Page[ShareOut], operation_id="listShares", url_name="v1-shares")
def list_shares(request: HttpRequest, query: Query[ShareQuery]) -> HttpResponse:
    """The person’s own; of a team that they manage, everybody’s."""
    refuse_unknown(request, ShareQuery)
    rows = _links(caller_of(request)).filter(is_result=query.results)
    page, following = _BY_TIME.select(rows, query)
    return respond_page(request, page, following, share_out)


@router.post("", auth=MANAGE, response={201: ShareOut}, operation_id="createShare", url_name="v1-shares")
def create_share(request: HttpRequest, body: ShareIn) -> HttpResponse:
    """For people without an account. `url` is in this answer alone: of the token only a hash is kept."""
    caller = caller_of(request)
    _require_share(caller)
    form = ShareLinkForm(body.model_dump(exclude={"generations", "collection"}), sharing=_sharing(caller))
    if not form.is_valid():
        raise of_form(form)
    link, token = _create(caller, body, form.options())
    location = f"{request.path}/{link.pk}"
    return respond(share_out(_find(caller, link.pk), links.link_url(token)), 201, Location=location)


@router.get("/{uuid:id}", auth=READ_MANAGED, response=ShareOut, operation_id="getShare", url_name="v1-share")
def get_share(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002 - the name in the document
    """What it allows, who made it, and how often it was opened."""
    return respond(share_out(_find(caller_of(request), id)))


@router.patch("/{uuid:id}", auth=MANAGE, response=ShareOut, operation_id="editShare", url_name="v1-share")
def edit_share(request: HttpRequest, id: uuid.UUID, body: ShareEdit) -> HttpResponse:  # noqa: A002
    """Who has it open sees it only by what it says from now on."""
    caller = caller_of(request)
    _require_share(caller)
    with transaction.atomic():
        lock(ShareLink, id)
        link = _find(caller, id)
        require_match(request, share_out(link))
        form = EditLinkForm(_edited(link, body), link=link, sharing=_sharing(caller))
        if not form.is_valid():
            raise of_form(form)
        links.edit(link, form.cleaned_data)
    return respond(share_out(_find(caller, id)))


@router.post("/{uuid:id}/renew", auth=MANAGE, response=ShareOut, operation_id="renewShare", url_name="v1-share-renew")
def renew_share(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """A fresh address, told in this answer alone; the one before leads nowhere any more."""
    caller = caller_of(request)
    _require_share(caller)
    link = _find(caller, id)
    if link.revoked_at:
        raise ProblemError(409, _("It was revoked. Make another one."), kind="revoked")
    return respond(share_out(link, links.link_url(links.renew(link))))


@router.post(
    "/{uuid:id}/revoke", auth=MANAGE, response=ShareOut, operation_id="revokeShare", url_name="v1-share-revoke"
)
def revoke_share(request: HttpRequest, id: uuid.UUID) -> HttpResponse:  # noqa: A002
    """It opens nothing from now on, and never again."""
    caller = caller_of(request)
    with transaction.atomic():
        lock(ShareLink, id)
        link = _find(caller, id)
        require_match(request, share_out(link))
        ShareLink.objects.filter(pk=link.pk).revoke(caller.user)
    return respond(share_out(_find(caller, id)))


def _links(caller: Caller) -> Any:
    return links.links_of(caller.user).filter(team=caller.team)


def _find(caller: Caller, pk: uuid.UUID) -> Any:
    return get_object_or_404(_links(caller), pk=pk)


def _sharing(caller: Caller) -> TeamSharing:
    return TeamSharing.objects.of(caller.team)


def _require_share(caller: Caller) -> None:
    if not Membership.objects.may(caller.user, Action.SHARE, caller.team):
        raise ProblemError(403, _("You may not share videos of %s.") % caller.team)


def _create(caller: Caller, body: ShareIn, options: links.LinkOptions) -> tuple[ShareLink, str]:
    if bool(body.generations) == (body.collection is not None):
        raise invalid([of_body("generations", _("Name generations, or a collection: one of the two."))])
    if body.collection is not None:
        collection = Collection.objects.select_related("team").filter(pk=body.collection, team=caller.team).first()
        if collection is None:
            raise invalid([of_body("collection", _("There is no such collection."))])
        return links.share_collection(caller.user, collection, options)
    return links.share_videos(caller.user, _videos(caller, body.generations), options)


def _videos(caller: Caller, ids: Sequence[uuid.UUID]) -> list[Generation]:
    """The finished videos, in the order in which they are named."""
    seen = Generation.objects.visible_to(caller.user).select_related("video", "team")
    rows = {row.pk: row for row in seen.filter(pk__in=ids, video__isnull=False)}
    missing = [place for place, pk in enumerate(ids) if pk not in rows]
    if missing:
        words = _("There is no such finished video.")
        raise invalid([of_body(f"generations/{place}", words) for place in missing])
    return [rows[pk] for pk in dict.fromkeys(ids)]


def _edited(link: ShareLink, body: ShareEdit) -> dict[str, Any]:
    """The form with what the link has, but for what the body says. A blank password takes the password away."""
    kept = {name: getattr(link, name) for name in ("name", "max_views", "allows_comments", "allows_download")}
    given = {name: value for name, value in body.model_dump(exclude_unset=True).items() if name != "password"}
    password = body.password or ""
    removes = body.password == "" and bool(link.password)
    kept |= {name: value for name, value in given.items() if value is not None or name == "max_views"}
    return kept | {"password": password, **({"removes_password": "on"} if removes else {})}
