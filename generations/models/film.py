"""A film: videos of a team, one after the other, joined into one file in the bucket."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, Self

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Team, User
from accounts.roles import Action
from generations.models.collections import Collection
from generations.models.deletion import StorageDeletion
from generations.models.generation import QUARANTINE, Generation
from generations.models.lifecycle import Status

MAX_PARTS: Final = 200
NAME_LENGTH: Final = 100


class FilmStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    JOINING = "joining", _("Joining")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")


RUNNING: Final = frozenset({FilmStatus.QUEUED, FilmStatus.JOINING})


class FilmQuerySet(models.QuerySet["Film"]):
    def visible_to(self, user: User) -> Self:
        """Of the user's teams, where they may see each part, or might before it was put into the trash or deleted."""
        teams = (
            user.rights.view_ids if user.rights else Team.objects.where_may(user, Action.VIEW).order_by().values("pk")
        )
        closed = Q(generation__is_private=True) | Q(generation__awaits_review=True)
        hidden = Q(generation__taken_down_at__isnull=False) | closed & ~_owned_by(user)
        return self.filter(~Exists(_parts().filter(hidden)), team__in=teams, quarantined_at=None)

    def deletable_by(self, user: User) -> Self:
        """What the user made, what is of a team that they manage, and what was handed to them: a private part of it is
        theirs, or every part. For rows that they may see.
        """
        own = _owned_by(user)
        handed = Exists(_parts().filter(own, generation__is_private=True)) | ~Exists(_parts().exclude(own))
        return self.filter(
            handed | Q(user=user) | Q(team__in=Team.objects.where_may(user, Action.DELETE).order_by().values("pk"))
        )

    def abandoned(self) -> Self:
        """Nobody will see them again: a part was private to somebody who has left the team, and is deleted."""
        owner = Coalesce("generation__assigned_to", "generation__user")
        is_member = Exists(Membership.objects.filter(team=OuterRef("film__team"), user=OuterRef("owner")))
        is_deleted = Q(generation__trashed_at__isnull=False) | Q(generation__deleted_at__isnull=False)
        parts = _parts().alias(owner=owner).filter(~is_member, is_deleted, generation__is_private=True)
        return self.filter(Exists(parts))

    def misplaced(self) -> Self:
        """Whose objects lie in the bucket though a part was taken down, or in quarantine though none is any more."""
        down = Exists(_parts().filter(generation__taken_down_at__isnull=False))
        return self.filter(down & Q(quarantined_at=None) | ~down & Q(quarantined_at__isnull=False)).exclude(
            status__in=RUNNING
        )

    def of_purged_parts(self) -> Self:
        """A part was taken down and its evidence is deleted, so no film keeps it."""
        purged = _parts().filter(generation__taken_down_at__isnull=False, generation__deleted_at__isnull=False)
        return self.filter(Exists(purged))

    @transaction.atomic
    def claim_due(self, limit: int, lease: timedelta) -> list["Film"]:
        """Take films that wait, or whose worker has died; no other worker gets them before the lease has run out.

        A death counts as a failed try: a film that kills its workers must not kill them for ever.
        """
        now = timezone.now()
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        due = self.filter(free, status__in=RUNNING, due_at__lte=now).order_by("due_at")
        rows = list(due.select_for_update(skip_locked=True, of=("self",))[:limit])
        token = uuid.uuid4()
        for row in rows:
            row.attempts += row.lease is not None
            row.status, row.lease, row.lease_until, row.changed_at = FilmStatus.JOINING, token, now + lease, now
        self.bulk_update(rows, ["attempts", "status", "lease", "lease_until", "changed_at"])
        return rows

    @transaction.atomic
    def delete_with_objects(self) -> int:
        """Also those that are being joined: their worker finds no row, and what it writes later is removed, too."""
        rows = list(self.select_for_update(of=("self",)))
        for row in rows:
            row.enqueue_removal()
        self.model._default_manager.filter(pk__in=[row.pk for row in rows]).delete()
        return len(rows)


def _owned_by(user: User) -> Q:
    return Q(generation__user=user, generation__assigned_to=None) | Q(generation__assigned_to=user)


def _parts() -> models.QuerySet["FilmPart"]:
    return FilmPart._default_manager.filter(film=OuterRef("pk")).order_by()


class Film(models.Model):
    """Times are aware datetimes. `done_units` of `total_units` is how far it is: bytes, or milliseconds of film."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="films", verbose_name=_("team"))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="films", verbose_name=_("made by"))
    project = models.ForeignKey(
        Collection,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="films",
        verbose_name=_("project"),
    )
    idempotency_key = models.UUIDField(
        _("form key"), default=uuid.uuid4, help_text=_("Drawn with the form: one form, one film.")
    )
    body_digest = models.CharField(
        _("digest of the request"), max_length=64, blank=True, db_default="", help_text=_("Of an order by the API.")
    )
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    is_encoded = models.BooleanField(
        _("encoded"), default=False, help_text=_("Its parts differ, so every picture is encoded again.")
    )

    status = models.CharField(_("status"), max_length=10, choices=FilmStatus, default=FilmStatus.QUEUED)
    reason = models.CharField(_("reason"), max_length=30, blank=True)
    message = models.TextField(_("message"), blank=True, help_text=_("What went wrong and what to do, for a person."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("to be looked at next"), default=timezone.now)
    lease = models.UUIDField(_("lease"), null=True, blank=True)
    lease_until = models.DateTimeField(_("held by a worker until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("failed tries"), default=0)
    done_units = models.PositiveBigIntegerField(_("done so far"), default=0)
    total_units = models.PositiveBigIntegerField(_("in all"), null=True, blank=True)

    key = models.CharField(_("key in the bucket"), max_length=300, blank=True)
    poster_key = models.CharField(_("key of the poster"), max_length=300, blank=True)
    size = models.PositiveBigIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    width = models.PositiveIntegerField(_("width in px"), default=0)
    height = models.PositiveIntegerField(_("height in px"), default=0)
    seconds = models.FloatField(_("duration in seconds"), default=0)
    quarantined_at = models.DateTimeField(
        _("in quarantine since"), null=True, blank=True, help_text=_("A part was taken down.")
    )

    objects = FilmQuerySet.as_manager()

    class Meta:
        verbose_name = _("film")
        verbose_name_plural = _("films")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["team", "-created_at", "-id"], name="film_of_team"),
            models.Index(fields=["due_at"], name="film_due", condition=Q(status__in=["queued", "joining"])),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="film_once_a_form"),
            models.CheckConstraint(condition=Q(status__in=FilmStatus.values), name="film_status_known"),
            models.CheckConstraint(condition=~Q(status="done") | ~Q(key="") & Q(size__gt=0), name="film_done_has_file"),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(message=""), name="film_failed_says_why"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def get_absolute_url(self) -> str:
        return reverse("film", args=[self.pk])

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def key_prefix(self) -> str:
        return f"teams/{self.team_id}/films/{self.pk}"

    def own_keys(self) -> list[str]:
        """Every object that it has, or may have, as long as no part is taken down."""
        return [f"{self.key_prefix}/film.mp4", f"{self.key_prefix}/poster.webp"]

    def enqueue_removal(self) -> None:
        own = self.own_keys()
        StorageDeletion.objects.enqueue([*own, *(f"{QUARANTINE}{key}" for key in own)])

    def finish(self, status: FilmStatus, **columns: Any) -> bool:
        """End it, if the lease is still ours; whether it was."""
        ended: dict[str, Any] = {"status": status, "lease": None, "lease_until": None, "changed_at": timezone.now()}
        return self._update_leased(ended | columns)

    def keep_lease(self, lease: timedelta, done: int, total: int | None) -> bool:
        """Write the progress down; False when it was canceled, deleted or taken over."""
        now = timezone.now()
        values = {"lease_until": now + lease, "done_units": done, "total_units": total, "changed_at": now}
        return self._update_leased(values)

    def reschedule(self, delay: timedelta, **columns: Any) -> bool:
        now = timezone.now()
        values: dict[str, Any] = {"status": FilmStatus.QUEUED, "lease": None, "lease_until": None}
        return self._update_leased(values | {"due_at": now + delay, "changed_at": now} | columns)

    def _update_leased(self, values: dict[str, Any]) -> bool:
        won = Film.objects.filter(pk=self.pk, status=FilmStatus.JOINING, lease=self.lease).update(**values)
        for name, value in values.items() if won else ():
            setattr(self, name, value)
        return bool(won)

    @transaction.atomic
    def cancel(self) -> bool:
        """Whether there was anything to cancel. What a worker still writes is removed."""
        now = timezone.now()
        columns = {"status": FilmStatus.CANCELED, "lease": None, "lease_until": None, "changed_at": now}
        if not Film.objects.filter(pk=self.pk, status__in=RUNNING).update(**columns):
            return False
        self.enqueue_removal()
        return True

    @transaction.atomic
    def retry(self, *, is_encoded: bool) -> bool:
        """Join it once more, after it failed or was canceled; whether this call had it begun again."""
        now = timezone.now()
        again = Film.objects.filter(pk=self.pk, status__in=[FilmStatus.FAILED, FilmStatus.CANCELED]).update(
            status=FilmStatus.QUEUED,
            is_encoded=is_encoded,
            reason="",
            message="",
            attempts=0,
            done_units=0,
            total_units=None,
            due_at=now,
            changed_at=now,
        )
        if again:
            StorageDeletion.objects.filter(key__in=self.own_keys()).delete()
        return bool(again)


class FilmPart(models.Model):
    """A video's place in a film. Its frames there go from `first_frame` on, once the film is joined."""

    film = models.ForeignKey(Film, on_delete=models.CASCADE, related_name="parts", verbose_name=_("film"))
    position = models.PositiveSmallIntegerField(_("position"))
    generation = models.ForeignKey(
        Generation, on_delete=models.PROTECT, related_name="film_parts", verbose_name=_("video")
    )
    first_frame = models.PositiveIntegerField(_("first frame"), null=True, blank=True)
    frames = models.PositiveIntegerField(_("frames"), null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["film", "position"], name="film_part_once")]

    def __str__(self) -> str:
        return f"{self.film_id}: {self.position}"

    @property
    def missing_because(self) -> str:
        """Why its video can't be joined; empty when it can."""
        row = self.generation
        if row.taken_down_at:
            return str(_("Video %(number)s was taken down by a moderator.") % {"number": self.position})
        if row.deleted_at or row.trashed_at or row.status != Status.DONE:
            return str(_("Video %(number)s was deleted.") % {"number": self.position})
        return ""


def missing_parts(parts: Sequence[FilmPart]) -> str:
    """What stands in the way of a film, for a person; empty when nothing does."""
    return next(filter(None, (part.missing_because for part in parts)), "")
