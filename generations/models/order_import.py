"""A sheet of orders that a user has brought, from its upload to its results, and the pictures that it names."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import MD5, JSONObject
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Team, User
from accounts.roles import Action
from generations.exceptions import OrderRefusedError
from generations.models.collections import Collection
from generations.models.generation import Generation
from generations.models.generation_queryset import GenerationQuerySet
from generations.models.picture import Upload

IMPORT_RETENTION: Final = timedelta(days=14)  # of one that was not ordered, since its last change
MAX_IMPORTS: Final = 20  # of a person that are not ordered; the oldest go
PICTURE_NAME_LENGTH: Final = 2000
MAX_FETCHES: Final = 5  # of one address
IMPORT_NAME_LENGTH: Final = 100
MAX_PICTURES: Final = 2000  # that are uploaded: two for each row of the longest sheet


class ImportPictureError(OrderRefusedError):
    """The import takes no more pictures; str() says why."""


class OrderImportManager(models.Manager["OrderImport"]):
    def visible_to(self, user: User) -> models.QuerySet["OrderImport"]:
        """The user's own, of teams whose videos they see."""
        teams: Any = (
            user.rights.view_ids if user.rights else Team.objects.where_may(user, Action.VIEW).order_by().values("pk")
        )
        return self.filter(user=user, team__in=teams)

    def with_pictures(self, user: User) -> models.QuerySet["OrderImport"]:
        """`visible_to`, with its team, project and what its page tells of its pictures, in one query."""
        pictures = ImportPicture._default_manager.filter(order_import=models.OuterRef("pk")).order_by("pk")
        values = JSONObject(
            name="name", is_url="is_url", error="error", due_at="due_at", upload_id="upload", sha256="upload__sha256"
        )
        rows = self.visible_to(user).select_related("team", "project")
        return rows.annotate(picture_values=ArraySubquery(pictures.values(values=values)))

    @transaction.atomic
    def begin(self, user: User, **columns: Any) -> "OrderImport":
        """A new one. The oldest of too many that were not ordered go."""
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        made = self.create(user=user, **columns)
        waiting = self.filter(user=user, ordered_at=None).order_by("-changed_at", "-id")
        self.delete_where(pk__in=list(waiting.values_list("pk", flat=True)[MAX_IMPORTS:]))
        return made

    def delete_where(self, **which: Any) -> int:
        """How many. Without their sheets in memory, each of which may have megabytes."""
        return self.filter(**which).only("pk").delete()[1].get(self.model._meta.label, 0)

    def delete_expired(self) -> int:
        """Those that nobody has ordered or changed for long; how many. Their pictures may then go, too."""
        return self.delete_where(ordered_at=None, changed_at__lt=timezone.now() - IMPORT_RETENTION)


class OrderImport(models.Model):
    """`rows` has every cell as it came, the header among them. `mapping` names the field of each column, or none.

    `defaults` has the composer's field names, for cells that are blank.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="order_imports", verbose_name=_("user"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="order_imports", verbose_name=_("team"))
    project = models.ForeignKey(
        Collection,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="order_imports",
        verbose_name=_("project"),
    )
    is_private = models.BooleanField(_("private"), null=True, blank=True, help_text=_("None: as usual in the team."))
    name = models.CharField(_("name"), max_length=IMPORT_NAME_LENGTH)
    rows = models.JSONField(_("rows"), default=list)
    delimiter = models.CharField(_("delimiter"), max_length=1, default=",")
    is_guessed = models.BooleanField(_("encoding is a guess"), default=False)
    has_header = models.BooleanField(_("first row is a header"), default=True)
    mapping = models.JSONField(_("mapping"), default=list)
    defaults = models.JSONField(_("defaults"), default=dict)
    version = models.PositiveIntegerField(_("version"), default=0)
    idempotency_key = models.UUIDField(_("key of the order"), default=uuid.uuid4)
    batch = models.UUIDField(_("batch"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now, editable=False)
    ordered_at = models.DateTimeField(_("ordered at"), null=True, blank=True)

    objects: ClassVar[OrderImportManager] = OrderImportManager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["changed_at"], name="import_expires", condition=Q(ordered_at=None)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])

    @property
    def header(self) -> list[str]:
        """The names of the columns; blank ones where the sheet has none."""
        first: list[str] = self.rows[0] if self.rows else []
        return first if self.has_header else [""] * len(first)

    @property
    def numbered_rows(self) -> list[tuple[int, list[str]]]:
        """Each row that says something, with its number as the sheet counts, from 1."""
        skipped = 1 if self.has_header else 0
        rows = enumerate(self.rows[skipped:], start=skipped + 1)
        return [(number, row) for number, row in rows if any(cell.strip() for cell in row)]

    @cached_property
    def known_pictures(self) -> "list[ImportPicture]":
        """Its pictures with their uploads; of `with_pictures` the uploads have but ids and hashes."""
        read: list[dict[str, Any]] | None = getattr(self, "picture_values", None)
        if read is None:
            return list(self.pictures.select_related("upload"))
        return [ImportPicture.from_values(values) for values in read]

    def change(self, **columns: Any) -> bool:
        """Write these columns, unless it was changed meanwhile or is ordered; whether this call did."""
        changed = {**columns, "changed_at": timezone.now()}
        unordered = OrderImport.objects.filter(pk=self.pk, version=self.version, ordered_at=None)
        if not unordered.update(**changed, version=F("version") + 1):
            return False
        for name, value in changed.items():
            setattr(self, name, value)
        self.version += 1
        return True

    def generations(self) -> GenerationQuerySet:
        """What was ordered of it, in the order of its rows; `visible_to` is still to be asked."""
        which = Q(batch=self.batch) if self.batch else Q(idempotency_key=self.idempotency_key)
        return Generation.objects.filter(which, user=self.user_id).order_by("batch_index")


class ImportPictureManager(models.Manager["ImportPicture"]):
    @transaction.atomic
    def keep(self, found: OrderImport, name: str, upload: Upload) -> None:
        """Under its file's name; the newest of that name counts. Raises ImportPictureError; then it is not kept."""
        waiting = OrderImport.objects.filter(pk=found.pk, ordered_at=None)
        if not list(waiting.select_for_update(no_key=True, of=("self",)).values_list("pk")):
            raise ImportPictureError(gettext("The import was ordered or deleted meanwhile."))
        others = self.filter(order_import=found, is_url=False).exclude(name=name[:PICTURE_NAME_LENGTH])
        if others.count() >= MAX_PICTURES:
            raise ImportPictureError(gettext("An import has at most %d uploaded pictures.") % MAX_PICTURES)
        values = {"upload": upload, "error": ""}
        self.update_or_create(order_import=found, name=name[:PICTURE_NAME_LENGTH], defaults=values)

    @transaction.atomic
    def set_urls(self, found: OrderImport, urls: Iterable[str]) -> None:
        """The addresses that the sheet names, and no others. What was fetched of them stays."""
        wanted = set(urls)
        known = self.filter(order_import=found, is_url=True)
        known.exclude(name__in=wanted).delete()
        missing = wanted - set(known.values_list("name", flat=True))
        self.bulk_create(
            (ImportPicture(order_import=found, name=url, is_url=True, due_at=timezone.now()) for url in missing),
            ignore_conflicts=True,
        )

    @transaction.atomic
    def claim_due(self, limit: int, lease: timedelta) -> list["ImportPicture"]:
        """Addresses to fetch now; nobody else gets them before the lease has run out."""
        now = timezone.now()
        self._give_up(now)
        due = self.filter(due_at__lte=now).order_by("due_at")
        rows = list(due.select_for_update(skip_locked=True, of=("self",))[:limit])
        self.filter(pk__in=[row.pk for row in rows]).update(due_at=now + lease, attempts=F("attempts") + 1)
        return list(self.filter(pk__in=[row.pk for row in rows]).select_related("order_import__user"))

    def _give_up(self, now: datetime) -> None:
        """A picture that kills its workers must not kill them for ever."""
        deadly = self.filter(due_at__lte=now, attempts__gte=MAX_FETCHES)
        deadly.update(due_at=None, error=gettext("It could not be fetched. Upload the picture instead."))

    def postpone_all(self, user: User, until: datetime) -> None:
        """What is due of a user who has to wait: else each of thousands would be claimed, to be put off."""
        self.filter(order_import__user=user, due_at__lt=until, attempts__lt=MAX_FETCHES).update(due_at=until)

    def retry(self, found: OrderImport) -> None:
        """Fetch once more what could not be fetched."""
        failed = self.filter(order_import=found, is_url=True, upload=None).exclude(error="")
        failed.update(error="", attempts=0, due_at=timezone.now())


class ImportPicture(models.Model):
    """A picture that the sheet may name: by its file's name, or by an address from which it is fetched."""

    order_import = models.ForeignKey(OrderImport, on_delete=models.CASCADE, related_name="pictures")
    name = models.CharField(_("file name or URL"), max_length=PICTURE_NAME_LENGTH)
    is_url = models.BooleanField(_("is a URL"), default=False)
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="import_pictures")
    error = models.TextField(_("error"), blank=True, help_text=_("Why it can’t be used, for a person."))
    due_at = models.DateTimeField(_("to be fetched at"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("tries"), default=0)

    objects: ClassVar[ImportPictureManager] = ImportPictureManager()

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="import_picture_due", condition=~Q(due_at=None))]
        constraints: ClassVar = [
            models.UniqueConstraint("order_import", MD5("name"), name="import_picture_once_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "ImportPicture":
        upload, sha256 = values.pop("upload_id"), values.pop("sha256")
        return cls(**values, upload=Upload(pk=uuid.UUID(upload), sha256=sha256) if upload else None)

    def finish(self, *, upload: Upload | None = None, error: str = "") -> None:
        """It is fetched, or can't be."""
        ImportPicture.objects.filter(pk=self.pk).update(upload=upload, error=error, due_at=None)

    def postpone(self, until: datetime, *, attempts: int) -> None:
        ImportPicture.objects.filter(pk=self.pk).update(due_at=until, attempts=attempts)
