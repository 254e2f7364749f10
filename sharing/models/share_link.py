"""A link by which people without an account see videos, and what it takes to open it."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Team, User, hash_of
from accounts.names import NameField
from accounts.roles import Action
from config.prepared_query import SAMPLE_KEY, PreparedQuery
from generations.models import Collection, Film, FilmPart, FilmStatus, Generation, Status
from generations.models.generation_queryset import GenerationQuerySet
from sharing.models.team_sharing import SharingPolicy, TeamSharing

DEFAULT_DAYS: Final = 7
MAX_VIDEOS: Final = 100  # of one link; of a collection the newest


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def by_token(self, token: str) -> "ShareLinkQuerySet":
        return self.filter(token_hash=hash_of(token))

    def working(self, now: datetime | None = None) -> "ShareLinkQuerySet":
        """Those that open something: alive themselves, of people who may share now, in a team that allows it."""
        sharers = Membership.objects.who_may(Action.SHARE, now).filter(team=OuterRef("team"), user=OuterRef("made_by"))
        forbidding = TeamSharing.objects.filter(team=OuterRef("team"), policy=SharingPolicy.FORBIDDEN)
        return self.alive(now).filter(Exists(sharers), ~Exists(forbidding))

    def alive(self, now: datetime | None = None) -> "ShareLinkQuerySet":
        """Neither revoked, expired, nor waiting for an admin's approval."""
        return self.filter(revoked_at=None, expires_at__gt=now or timezone.now(), approved_at__isnull=False)

    def pending(self) -> "ShareLinkQuerySet":
        """Waiting for an admin's approval."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now(), approved_at=None)

    def not_ended(self) -> "ShareLinkQuerySet":
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())

    def revoke(self, by: User) -> int:
        """End them for good; how many that were."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now(), revoked_by=by)


class ShareLink(models.Model):
    """Opens videos of one team to whoever has it. Only hashes of the token and of the password are kept.

    It opens what its maker may show now: videos of a selection (`ShareLinkVideo`), those of a collection that it
    follows, or a film, whose parts it does not open.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="share_links", verbose_name=_("team"))
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="share_links", verbose_name=_("shared by"))
    made_at = models.DateTimeField(_("made at"), default=timezone.now, editable=False)
    name = NameField(_("name"), max_length=100)
    token_hash = models.CharField(_("hash of the token"), max_length=64, unique=True)

    is_result = models.BooleanField(
        _("result of an API request"), default=False, db_default=False, help_text=_("Made for a program, one a video.")
    )
    follows_collection = models.BooleanField(_("follows a collection"), default=False)
    collection = models.ForeignKey(
        Collection, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("collection")
    )

    shows_film = models.BooleanField(_("shows a film"), default=False, db_default=False)
    film = models.ForeignKey(
        Film,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="share_links",
        verbose_name=_("film"),
    )

    expires_at = models.DateTimeField(_("expires at"))
    password = models.CharField(_("hash of the password"), max_length=128, blank=True)
    max_views = models.PositiveIntegerField(_("view limit"), null=True, blank=True)
    allows_download = models.BooleanField(_("downloads allowed"), default=False)
    allows_comments = models.BooleanField(_("comments allowed"), default=False)

    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    approved_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("approved by")
    )
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("revoked by")
    )

    views = models.PositiveIntegerField(_("views"), default=0)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True)

    objects: ClassVar = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-made_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["team", "-made_at"], name="share_link_of_team"),
            models.Index(fields=["made_by", "-made_at"], name="share_link_of_user"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(max_views=None) | Q(max_views__gte=F("views")), name="share_link_views_in_limit"
            ),
            models.CheckConstraint(
                condition=Q(follows_collection=True) | Q(collection=None), name="share_link_collection_is_followed"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def generations(self) -> GenerationQuerySet:
        """What it shows now, in the order of its page: as they were selected, of a collection the newest."""
        if not self.follows_collection:
            return _selected(self.made_by_id, self.team_id, self.pk)
        if self.collection_id is None:
            return Generation.objects.none()
        return _collected(self.made_by_id, self.team_id, self.collection_id)

    def shown(self) -> list[Generation]:
        """The same with their videos, at most MAX_VIDEOS."""
        if not self.follows_collection:
            return _ALL_SELECTED.rows(self.made_by_id, self.team_id, self.pk)
        return _ALL_COLLECTED.rows(self.made_by_id, self.team_id, self.collection_id)

    def find(self, pk: uuid.UUID) -> Generation | None:
        """One of them with its video, None for any other."""
        if not self.follows_collection:
            found = _ONE_SELECTED.rows(self.made_by_id, self.team_id, self.pk, pk)
        else:
            found = _ONE_COLLECTED.rows(self.made_by_id, self.team_id, self.collection_id, pk)
        return found[0] if found else None

    def shown_film(self) -> Film | None:
        """The film, as long as its maker sees it and no part is private or under review."""
        if self.film_id is None:
            return None
        closed = Q(generation__is_private=True) | Q(generation__awaits_review=True)
        parts = FilmPart.objects.filter(closed, film=OuterRef("pk"))
        rows = Film.objects.visible_to(User(pk=self.made_by_id)).filter(
            ~Exists(parts), pk=self.film_id, team=self.team_id
        )
        return rows.filter(status=FilmStatus.DONE).first()

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def views_left(self) -> int | None:
        """None without a limit."""
        return None if self.max_views is None else max(self.max_views - self.views, 0)

    def set_password(self, password: str) -> None:
        """Blank: none is asked for. Whoever has opened the link by another has to give this one."""
        self.password = make_password(password) if password else ""

    def check_password(self, password: str) -> bool:
        return check_password(password, self.password)

    @property
    def password_version(self) -> str:
        """A part of what a browser keeps, so that a changed password is asked for again."""
        return salted_hmac("sharing.password", self.password, algorithm="sha256").hexdigest()[:16]

    def count_view(self) -> bool:
        """One more has opened it; whether it may still be opened."""
        rows = ShareLink.objects.filter(Q(max_views=None) | Q(views__lt=F("max_views")), pk=self.pk)
        return bool(rows.update(views=F("views") + 1, last_seen_at=timezone.now()))


def _shareable(made_by: int, team: uuid.UUID) -> GenerationQuerySet:
    """Finished videos of the team that the sharer sees, and that are neither private nor under review."""
    rows = Generation.objects.visible_to(User(pk=made_by))
    return rows.filter(team=team, status=Status.DONE, is_private=False, awaits_review=False)


def _selected(made_by: int, team: uuid.UUID, link: uuid.UUID) -> GenerationQuerySet:
    rows = _shareable(made_by, team).filter(share_link_videos__link=link)
    return rows.order_by("share_link_videos__position", "id")


def _collected(made_by: int, team: uuid.UUID, collection: int) -> GenerationQuerySet:
    return _shareable(made_by, team).filter(collection=collection)


def _all(build: Callable[..., GenerationQuerySet], owner: object) -> PreparedQuery[Generation]:
    def rows(made_by: int, team: uuid.UUID, key: Any) -> GenerationQuerySet:
        return build(made_by, team, key).select_related("video")[:MAX_VIDEOS]

    return PreparedQuery(rows, SAMPLE_KEY, uuid.UUID(int=31), owner)


def _one(build: Callable[..., GenerationQuerySet], owner: object) -> PreparedQuery[Generation]:
    def rows(made_by: int, team: uuid.UUID, key: Any, pk: uuid.UUID) -> GenerationQuerySet:
        return build(made_by, team, key).select_related("video").filter(pk=pk)

    return PreparedQuery(rows, SAMPLE_KEY, uuid.UUID(int=31), owner, uuid.UUID(int=32))


# each page and each byte asks one of these
_ALL_SELECTED, _ONE_SELECTED = _all(_selected, uuid.UUID(int=33)), _one(_selected, uuid.UUID(int=33))
_ALL_COLLECTED, _ONE_COLLECTED = _all(_collected, SAMPLE_KEY + 1), _one(_collected, SAMPLE_KEY + 1)


class ShareLinkVideo(models.Model):
    """A video that was selected for a link."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="videos")
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="share_link_videos")
    position = models.PositiveSmallIntegerField(_("place"))

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["link", "generation"], name="share_link_video_once"),
        ]

    def __str__(self) -> str:
        return f"{self.link}: {self.generation_id}"
