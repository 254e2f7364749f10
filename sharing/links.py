"""Make, change and end share links, in the name of a person who may."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.emails import send_email
from accounts.models import Membership, Team, User, hash_of
from accounts.notification_kinds import Channel, Kind
from accounts.roles import Action
from generations.models import Collection, Film, Generation
from sharing.models import ShareLink, ShareLinkVideo, SharingPolicy, TeamSharing

_TOKEN_BYTES: Final = 24
_COLUMNS: Final = ("name", "max_views", "allows_download", "allows_comments")  # as a form has them
_NEW_COLUMNS: Final = (*_COLUMNS, "is_result")


class NotShareableError(Exception):
    """These videos can't be shared; str() says why and what to do."""


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """What its maker says about a link. `days` from now; a blank `password` asks for none.

    `is_result`: it is made for a program that asked for the video, and listed apart.
    """

    name: str
    days: int
    password: str = ""
    max_views: int | None = None
    allows_download: bool = False
    allows_comments: bool = False
    is_result: bool = False

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _NEW_COLUMNS}


def links_of(user: User) -> "QuerySet[ShareLink]":
    """The person's own, as long as they may share in the team; of a team that they manage, everybody's.

    With whether each works (`is_working`).
    """
    memberships = Membership.objects.filter(user=user)
    managed = memberships.who_may(Action.MANAGE).values("team")
    shared = memberships.who_may(Action.SHARE).values("team")
    rows = ShareLink.objects.filter(team__in=shared, made_by=user) | ShareLink.objects.filter(team__in=managed)
    is_working = Exists(ShareLink.objects.working().filter(pk=OuterRef("pk")))
    found: QuerySet[ShareLink] = rows.select_related("team__sharing", "made_by", "collection")
    return found.annotate(is_working=is_working)


def link_url(token: str) -> str:
    return f"{settings.SITE_URL}{reverse('share', args=[token])}"


@transaction.atomic
def share_videos(
    by: User, rows: Sequence[Generation], options: LinkOptions, *, token: str = ""
) -> tuple[ShareLink, str]:
    """A link to these videos, all of one team, and its token, which is known at this moment only.

    Whoever can tell the same secret token at any time may give it. Raises PermissionDenied and NotShareableError.
    """
    team = _one_team(rows)
    link, token = _create(by, team, options, token)
    ShareLinkVideo.objects.bulk_create(
        ShareLinkVideo(link=link, generation=row, position=place) for place, row in enumerate(rows)
    )
    if link.generations().count() != len(rows):
        raise NotShareableError(_("Private videos, and those that are not finished, can’t be shared."))
    _log(by, rows, link)
    return link, token


@transaction.atomic
def share_collection(by: User, collection: Collection, options: LinkOptions) -> tuple[ShareLink, str]:
    """A link that shows whatever lies in the collection, also what comes later. Raises as `share_videos`."""
    link, token = _create(by, collection.team, options, "", follows_collection=True, collection=collection)
    _log(by, link.shown(), link)
    return link, token


@transaction.atomic
def share_film(by: User, film: Film, options: LinkOptions) -> tuple[ShareLink, str]:
    """A link to the film alone: none of its parts opens by it. Raises as `share_videos`."""
    link, token = _create(by, film.team, replace(options, allows_comments=False), "", shows_film=True, film=film)
    if link.shown_film() is None:
        raise NotShareableError(_("A film with private videos, or one that is not finished, can’t be shared."))
    return link, token


def _one_team(rows: Sequence[Generation]) -> Team:
    teams = {row.team_id: row.team for row in rows}
    if len(teams) != 1:
        raise NotShareableError(_("Share videos of one team at a time."))
    return next(iter(teams.values()))


def _create(by: User, team: Team, options: LinkOptions, token: str, **columns: Any) -> tuple[ShareLink, str]:
    sharing = TeamSharing.objects.of(team)
    if not Membership.objects.may(by, Action.SHARE, team):
        raise PermissionDenied
    if sharing.policy == SharingPolicy.FORBIDDEN:
        raise NotShareableError(_("%s does not allow share links. An admin can change that.") % team)
    now, token = timezone.now(), token or secrets.token_urlsafe(_TOKEN_BYTES)
    needs_approval = sharing.policy == SharingPolicy.APPROVAL and not Membership.objects.may(by, Action.MANAGE, team)
    link = ShareLink(
        team=team,
        made_by=by,
        made_at=now,
        token_hash=hash_of(token),
        expires_at=expiry(sharing, options.days, now),
        approved_at=None if needs_approval else now,
        **options.columns(),
        **columns,
    )
    link.set_password(options.password)
    link.save()
    if needs_approval:
        transaction.on_commit(partial(_ask_managers, link), robust=True)
    return link, token


def _ask_managers(link: ShareLink) -> None:
    """By mail, as of other approvals; the link itself lists who may approve it."""
    for person in Membership.objects.users_who_may(Action.MANAGE, link.team):
        if person.wants(Kind.APPROVAL, Channel.EMAIL):
            send_email(person.email, "sharing/mail/approval", {"link": link, "person": person})


def expiry(sharing: TeamSharing, days: int, now: datetime) -> datetime:
    """So many days from now, and never more than the team allows."""
    return now + timedelta(days=min(days, sharing.max_days))


def _log(by: User, rows: Sequence[Generation], link: ShareLink) -> None:
    """On each video's timeline: who shared it, by which link."""
    message = _("Shared by link “%(name)s”.") % {"name": link.name}
    for row in rows:
        row.events.create(status=row.status, by=by, message=message)


def renew(link: ShareLink, token: str = "") -> str:
    """A fresh token, or the given one; the address before leads nowhere any more."""
    token = token or secrets.token_urlsafe(_TOKEN_BYTES)
    link.token_hash = hash_of(token)
    link.save(update_fields=["token_hash"])
    return token


def approve(link: ShareLink, by: User) -> bool:
    """Let it work; whether this call did. Raises PermissionDenied."""
    if not Membership.objects.may(by, Action.MANAGE, link.team):
        raise PermissionDenied
    return bool(ShareLink.objects.pending().filter(pk=link.pk).update(approved_at=timezone.now(), approved_by=by))


def edit(link: ShareLink, values: dict[str, Any]) -> None:
    """Change what a link allows. Who has it open goes on seeing it only by what it says from now on.

    Blank `days` and a blank `password` keep what it has; a longer life never passes the team's maximum.
    """
    for name in _COLUMNS:
        setattr(link, name, values[name])
    if values["days"]:
        link.expires_at = expiry(TeamSharing.objects.of(link.team), values["days"], timezone.now())
    if values["password"] or values.get("removes_password"):
        link.set_password(values["password"])
    link.save()
